// Runs the clusters of a grid, thread by thread. An engine runs one cluster at a time on the OS thread that calls it.
#ifndef PLAIT_CUDA_TEST_SIMT_SCHEDULER_H_
#define PLAIT_CUDA_TEST_SIMT_SCHEDULER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "fiber.h"
#include "simt.h"

namespace simt {

struct Launch {
  void (*invoke)(void (*kernel)(), const void* arguments);
  void (*kernel)();
  const void* arguments;
  unsigned blocks;
  unsigned threads;
  unsigned cluster;  // blocks of one
  size_t shared_bytes;
  uint64_t seed;
};

struct Random {
  uint64_t state;
  uint64_t Next() {  // splitmix64
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
  }
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>((Next() >> 32) * n >> 32); }
};

enum class Waits : uint8_t { kNot, kForWarp, kForBlock, kForCluster, kReturned };

struct PendingCopy {
  void* shared;
  const void* global;
  int bytes;
  uint64_t group;
};

// A call site of the cluster's barrier, of the phase in which a lane of the warp last used it.
struct PhaseSite {
  uint64_t phase = ~uint64_t{0};
  Site site;
};

struct Warp {
  unsigned waiting = 0;
  unsigned parity = 0;
  Site site;
  const char* operation = nullptr;
  PhaseSite arrive;
  PhaseSite wait;
  // Two sets: a lane may be one operation ahead of a lane that has yet to read, and never two.
  uint64_t bits[2][32];
};

struct Block {
  unsigned rank = 0;
  unsigned waiting = 0;
  unsigned live = 0;
  bool started = false;
  Site site;
  char* shared = nullptr;
};

struct Thread {
  Fiber fiber;
  Block* block = nullptr;
  Warp* warp = nullptr;
  uint3 index = {0, 0, 0};
  uint3 block_index = {0, 0, 0};
  Waits waits = Waits::kNot;
  const char* operation = nullptr;
  Site site;  // of the barrier it waits at
  bool arrived = false;
  uint64_t arrived_phase = 0;
  Site arrived_site;
  uint64_t group = 0;  // of asynchronous copies, the one being filled
  std::vector<PendingCopy> copies;
};

class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Returns an empty string, or what the kernel did wrong.
  std::string RunCluster(const Launch& launch, unsigned cluster);

  void SyncBlock(Site site);
  const uint64_t* Exchange(unsigned mask, int width, uint64_t bits, const char* operation, Site site);
  void ClusterArrive(Site site);
  void ClusterWait(Site site);
  void* MapShared(const void* pointer, unsigned rank);
  void CopyAsync(void* shared, const void* global, int bytes);
  void CopyAsyncWait(int groups_left_pending);
  void Interleave();
  [[noreturn]] void Fail(const char* message);

  Thread* current() { return current_; }
  const Launch& launch() { return *launch_; }

 private:
  [[noreturn]] void GiveUp();
  static void Entry(boost::context::detail::transfer_t from);
  void Return();
  void Prepare(const Launch& launch, unsigned cluster);
  void SwitchTo(Thread& next, bool last);
  void SwitchAway(bool last);
  void Park(Waits waits, const char* operation, Site site);
  void Release(Waits waits, size_t begin, size_t end);
  void EndPhase();
  void CheckPhaseSite(PhaseSite& known, uint64_t phase, const char* operation, Site site);
  [[noreturn]] void FailDivergent(const char* what, const char* operation, Site site);
  std::string Describe(const Block* only) const;

  const Launch* launch_ = nullptr;
  Random random_ = {0};
  Fiber main_;
  Thread* current_ = nullptr;
  std::deque<Thread> threads_;  // never move: their fibres point to them
  std::vector<Warp> warps_;
  std::vector<Block> blocks_;
  std::vector<Thread*> runnable_;
  std::vector<Thread*> late_;  // of a block that does not start before the others wait for it
  bool eager_ = false;         // who could go on last mostly goes on first, so that warps run far ahead of each other
  size_t count_ = 0;           // of the cluster's threads
  size_t returned_ = 0;
  size_t arrived_ = 0;
  uint64_t phase_ = 0;
  StackPool stacks_;
  bool abandoned_ = false;
  std::string failure_;
  // Where the last asynchronous copy read from.
  const char* source_begin_ = nullptr;
  const char* source_end_ = nullptr;
};

// The engine that runs on this OS thread, or null outside a kernel.
extern constinit thread_local Engine* engine;

}  // namespace simt

#endif  // PLAIT_CUDA_TEST_SIMT_SCHEDULER_H_
