#include "scheduler.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "memory.h"

namespace simt {

constinit thread_local Engine* engine = nullptr;

namespace {

// Fibres never leave their OS thread, so the address of these is the same before and after a switch.
void Become(const Thread& thread) {
  threadIdx = thread.index;
  blockIdx = thread.block_index;
}

bool Same(const Site& a, const Site& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

// Under AddressSanitizer, shared memory of a block that has not started or has ended is out of bounds to the others.
void Forbid([[maybe_unused]] const char* memory, [[maybe_unused]] size_t bytes) {
#if PLAIT_SIMT_ASAN
  __asan_poison_memory_region(memory, bytes);
#endif
}
void Allow([[maybe_unused]] const char* memory, [[maybe_unused]] size_t bytes) {
#if PLAIT_SIMT_ASAN
  __asan_unpoison_memory_region(memory, bytes);
#endif
}

}  // namespace

std::string Engine::RunCluster(const Launch& launch, unsigned cluster) {
  Prepare(launch, cluster);
  engine = this;
  blockDim = launch.threads;
  gridDim = launch.blocks;
  SwitchAway(false);  // returns once every thread has returned, or one has failed
  engine = nullptr;
  for (Block& block : blocks_) {
    Allow(block.shared, launch.shared_bytes);
    std::free(block.shared);
  }
  abandoned_ = !failure_.empty();
  return failure_;
}

void Engine::Prepare(const Launch& launch, unsigned cluster) {
  launch_ = &launch;
  random_ = {launch.seed + 0xD1B54A32D192ED03u * (cluster + 1)};
  failure_.clear();
  source_begin_ = source_end_ = nullptr;
  current_ = nullptr;
  returned_ = arrived_ = 0;
  phase_ = 0;
  count_ = size_t{launch.cluster} * launch.threads;
  stacks_.Grow(count_);
  if (threads_.size() < count_) threads_.resize(count_);
  warps_.assign(count_ / 32, {});
  blocks_.assign(launch.cluster, {});
  runnable_.clear();
  late_.clear();
  eager_ = random_.Below(2) == 0;
  const unsigned late = launch.cluster > 1 && random_.Below(2) == 0 ? random_.Below(launch.cluster) : launch.cluster;
  for (unsigned rank = 0; rank < launch.cluster; ++rank) {
    Block& block = blocks_[rank];
    block.rank = rank;
    block.live = launch.threads;
    // Exactly as large as asked for, so that AddressSanitizer knows where it ends.
    void* shared = nullptr;
    if (posix_memalign(&shared, 128, launch.shared_bytes) != 0) throw std::bad_alloc();
    block.shared = static_cast<char*>(shared);
    std::memset(block.shared, 0xFF, launch.shared_bytes);
    Forbid(block.shared, launch.shared_bytes);
  }
  for (size_t i = 0; i < count_; ++i) {
    Thread& thread = threads_[i];
    const auto rank = static_cast<unsigned>(i / launch.threads);
    thread.block = &blocks_[rank];
    thread.warp = &warps_[i / 32];
    thread.index = {static_cast<unsigned>(i % launch.threads), 0, 0};
    thread.block_index = {cluster * launch.cluster + rank, 0, 0};
    thread.waits = Waits::kNot;
    thread.arrived = false;
    thread.group = 0;
    thread.copies.clear();
    stacks_.Prepare(i, abandoned_, &Engine::Entry, thread.fiber);
    (rank == late ? late_ : runnable_).push_back(&thread);
  }
}

void Engine::Entry(boost::context::detail::transfer_t from) {
  Engine& self = *engine;
  Landed(self.current_->fiber, from);
  Block& block = *self.current_->block;
  if (!block.started) {
    // A block of the cluster must not be written to before it is known to run: such a write is lost here.
    block.started = true;
    Allow(block.shared, self.launch_->shared_bytes);
    std::memset(block.shared, 0xFF, self.launch_->shared_bytes);
  }
  self.launch_->invoke(self.launch_->kernel, self.launch_->arguments);
  self.Return();
}

void Engine::Return() {
  Thread& thread = *current_;
  if (!thread.copies.empty()) {
    simt::Fail("returns with %zu asynchronous copies that it has not waited for", thread.copies.size());
  }
  if (thread.arrived) {
    simt::Fail("returns between ClusterArrive (%s:%u) and its ClusterWait", thread.arrived_site.file_name(),
               thread.arrived_site.line());
  }
  thread.waits = Waits::kReturned;
  Block& block = *thread.block;
  if (--block.live == 0) {
    if (launch_->cluster > 1) std::memset(block.shared, 0xFF, launch_->shared_bytes);
    Forbid(block.shared, launch_->shared_bytes);
  }
  ++returned_;
  if (returned_ < count_ && arrived_ + returned_ == count_) EndPhase();
  SwitchAway(true);
  std::abort();  // nobody resumes a thread that has returned
}

void Engine::SwitchTo(Thread& next, bool last) {
  Fiber& from = current_ ? current_->fiber : main_;
  current_ = &next;
  Become(next);
  Switch(from, next.fiber, last);
}

// Goes on with a random thread. Where there is none, the cluster has ended or is stuck.
void Engine::SwitchAway(bool last) {
  if (runnable_.empty()) runnable_.swap(late_);
  if (runnable_.empty()) {
    if (returned_ < count_) {
      failure_ = "deadlock: no thread can go on\n" + Describe(nullptr);
      GiveUp();
    }
    Fiber& from = current_->fiber;
    current_ = nullptr;
    Switch(from, main_, last);
    return;
  }
  const auto count = static_cast<uint32_t>(runnable_.size());
  const uint32_t pick = eager_ && random_.Below(8) != 0 ? count - 1 : random_.Below(count);
  Thread& next = *runnable_[pick];
  runnable_[pick] = runnable_.back();
  runnable_.pop_back();
  if (&next != current_) SwitchTo(next, last);
}

void Engine::Fail(const char* message) {
  failure_ =
      "thread " + std::to_string(current_->index.x) + " of block " + std::to_string(current_->block_index.x) + ": ";
  failure_ += message;
  GiveUp();
}

// Leaves the cluster's fibres where they are: nothing on their stacks has a destructor to run, in here as in kernels.
void Engine::GiveUp() {
  Fiber& from = current_->fiber;
  current_ = nullptr;
  Switch(from, main_, true);
  std::abort();  // nobody resumes a thread that has failed
}

void Engine::Park(Waits waits, const char* operation, Site site) {
  current_->waits = waits;
  current_->operation = operation;
  current_->site = site;
  SwitchAway(false);
}

void Engine::Release(Waits waits, size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) {
    if (threads_[i].waits != waits) continue;
    threads_[i].waits = Waits::kNot;
    runnable_.push_back(&threads_[i]);
  }
}

void Engine::Interleave() {
  if (random_.Next() >> 61 != 0 || runnable_.empty()) return;
  runnable_.push_back(current_);
  SwitchAway(false);
}

void Engine::SyncBlock(Site site) {
  constexpr const char* kName = "__syncthreads";
  Block& block = *current_->block;
  if (block.waiting == 0) {
    block.site = site;
  } else if (!Same(block.site, site)) {
    FailDivergent("divergent barrier", kName, site);
  }
  if (++block.waiting < launch_->threads) {
    Park(Waits::kForBlock, kName, site);
    return;
  }
  block.waiting = 0;
  const size_t begin = size_t{block.rank} * launch_->threads;
  Release(Waits::kForBlock, begin, begin + launch_->threads);
}

const uint64_t* Engine::Exchange(unsigned mask, int width, uint64_t bits, const char* operation, Site site) {
  Thread& thread = *current_;
  Warp& warp = *thread.warp;
  if (mask != 0xFFFFFFFFu) {
    simt::Fail("%s (%s:%u): the mask is %#x; only the full warp is supported", operation, site.file_name(), site.line(),
               mask);
  }
  if (width != 32) {
    simt::Fail("%s (%s:%u): the width is %d; only 32 is supported", operation, site.file_name(), site.line(), width);
  }
  if (warp.waiting == 0) {
    warp.site = site;
    warp.operation = operation;
  } else if (!Same(warp.site, site) || (warp.operation != operation && std::strcmp(warp.operation, operation) != 0)) {
    FailDivergent("divergent warp", operation, site);
  }
  const uint64_t* all = warp.bits[warp.parity];
  warp.bits[warp.parity][thread.index.x % 32] = bits;
  if (++warp.waiting < 32) {
    Park(Waits::kForWarp, operation, site);
    return all;
  }
  warp.waiting = 0;
  warp.parity ^= 1;
  const size_t begin = (&warp - warps_.data()) * 32;
  Release(Waits::kForWarp, begin, begin + 32);
  return all;
}

// The kernels' arrive and wait are .aligned: the lanes of a warp must all execute the same one.
void Engine::CheckPhaseSite(PhaseSite& known, uint64_t phase, const char* operation, Site site) {
  if (known.phase == phase && !Same(known.site, site)) FailDivergent("divergent warp", operation, site);
  known = {phase, site};
}

void Engine::ClusterArrive(Site site) {
  Thread& thread = *current_;
  if (thread.arrived) {
    simt::Fail("ClusterArrive (%s:%u) after ClusterArrive (%s:%u) without a wait between them", site.file_name(),
               site.line(), thread.arrived_site.file_name(), thread.arrived_site.line());
  }
  CheckPhaseSite(thread.warp->arrive, phase_, "ClusterArrive", site);
  thread.arrived = true;
  thread.arrived_phase = phase_;
  thread.arrived_site = site;
  ++arrived_;
  if (arrived_ + returned_ == count_) EndPhase();
}

// A thread that has returned counts as arrived in every later phase.
void Engine::EndPhase() {
  ++phase_;
  arrived_ = 0;
  Release(Waits::kForCluster, 0, count_);
}

void Engine::ClusterWait(Site site) {
  Thread& thread = *current_;
  if (!thread.arrived) {
    simt::Fail("ClusterWait (%s:%u) without ClusterArrive", site.file_name(), site.line());
  }
  CheckPhaseSite(thread.warp->wait, thread.arrived_phase, "ClusterWait", site);
  if (thread.arrived_phase == phase_) Park(Waits::kForCluster, "ClusterWait", site);
  thread.arrived = false;
}

}  // namespace simt
