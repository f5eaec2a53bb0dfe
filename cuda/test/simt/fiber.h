// Fibres, one to a CUDA thread: a stack from a pool and a switch that costs a few nanoseconds.
#ifndef PLAIT_CUDA_TEST_SIMT_FIBER_H_
#define PLAIT_CUDA_TEST_SIMT_FIBER_H_

#include <sys/mman.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <new>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define PLAIT_SIMT_ASAN 1
#else
#define PLAIT_SIMT_ASAN 0
#endif

namespace simt {

// Instrumented frames are several times larger.
constexpr size_t kStackBytes = PLAIT_SIMT_ASAN ? 256 << 10 : 64 << 10;
constexpr size_t kGuardBytes = 4096;

// Where a suspended fibre is, and the stack that it lies on. The thread that called RunCluster is one too.
struct Fiber {
  boost::context::detail::fcontext_t context = nullptr;
  const void* bottom = nullptr;
  size_t bytes = 0;
  void* fake_stack = nullptr;  // AddressSanitizer's
};

// To be called first thing on the fibre `self` that a switch has come to, new or resumed.
inline void Landed(Fiber& self, boost::context::detail::transfer_t from) {
  auto& previous = *static_cast<Fiber*>(from.data);
  previous.context = from.fctx;
#if PLAIT_SIMT_ASAN
  __sanitizer_finish_switch_fiber(self.fake_stack, &previous.bottom, &previous.bytes);
#else
  (void)self;
#endif
}

// Suspends `from` and resumes `to`. `last` says that `from` will not be resumed.
inline void Switch(Fiber& from, Fiber& to, bool last) {
#if PLAIT_SIMT_ASAN
  __sanitizer_start_switch_fiber(last ? nullptr : &from.fake_stack, to.bottom, to.bytes);
#else
  (void)last;
#endif
  Landed(from, boost::context::detail::jump_fcontext(to.context, &from));
}

// Stacks that are mapped once and used again by every cluster.
class StackPool {
 public:
  StackPool() = default;
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;
  ~StackPool() {
    for (const Chunk& chunk : chunks_) munmap(chunk.base, chunk.bytes);
  }

  size_t size() const { return tops_.size(); }

  void Grow(size_t count) {
    if (count <= tops_.size()) return;
    constexpr size_t kStride = kStackBytes + kGuardBytes;
    const size_t missing = count - tops_.size();
    void* base = mmap(nullptr, missing * kStride, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base == MAP_FAILED) throw std::bad_alloc();
    chunks_.push_back({base, missing * kStride});
    for (size_t i = 0; i < missing; ++i) {
      char* bottom = static_cast<char*>(base) + i * kStride;
      mprotect(bottom, kGuardBytes, PROT_NONE);
      tops_.push_back(bottom + kStride);
    }
  }

  // Makes `fiber` start at `entry` on stack `index`. `abandoned`: a kernel may have been given up halfway on it.
  void Prepare(size_t index, bool abandoned, void (*entry)(boost::context::detail::transfer_t), Fiber& fiber) {
    // Stacks lie a multiple of a page apart; without different offsets their frames would share few lines of the cache.
    const size_t offset = index % 32 * 128;
    fiber.bottom = tops_[index] - kStackBytes;
    fiber.bytes = kStackBytes - offset;
    fiber.fake_stack = nullptr;
#if PLAIT_SIMT_ASAN
    // A fibre's last frames never return, so nothing has lifted the poison around their variables.
    const size_t stale = abandoned ? kStackBytes : 16 << 10;
    __asan_unpoison_memory_region(tops_[index] - stale, stale);
#else
    (void)abandoned;
#endif
    fiber.context = boost::context::detail::make_fcontext(tops_[index] - offset, fiber.bytes, entry);
  }

 private:
  struct Chunk {
    void* base;
    size_t bytes;
  };
  std::vector<Chunk> chunks_;
  std::vector<char*> tops_;
};

}  // namespace simt

#endif  // PLAIT_CUDA_TEST_SIMT_FIBER_H_
