// What a kernel does wrong is reported, with the place and the threads, and fails the launch.
#include <sys/wait.h>
#include <unistd.h>

#include "test_support.h"

namespace {

// The line of the call itself, for the messages to name.
#define HERE(line) line = __LINE__
volatile int first_line;
volatile int second_line;

__global__ void DivergentBarrier() {
  if (threadIdx.x < 40) {
    HERE(first_line), __syncthreads();
  } else {
    HERE(second_line), __syncthreads();
  }
}

__global__ void BarrierAfterReturn() {
  if (threadIdx.x >= 48) return;
  HERE(first_line), __syncthreads();
}

__global__ void HalfWarpShuffle(float* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_xor_sync(kFull, 1.f, 1);
}

__global__ void DivergentShuffle(float* out) {
  if (threadIdx.x < 16) {
    HERE(first_line), out[threadIdx.x] = __shfl_xor_sync(kFull, 1.f, 1);
  } else {
    HERE(second_line), out[threadIdx.x] = __shfl_xor_sync(kFull, 1.f, 1);
  }
}

__global__ void PartialMask(unsigned* out) { *out = __ballot_sync(0xFFFFu, 1); }

__global__ void PartialWidth(int* out) { *out = __shfl_sync(kFull, 1, 0, 16); }

// One block waits for its own threads, the other for the cluster: neither goes on.
__global__ void Deadlock() {
  if (simt::ClusterRank() == 0 && threadIdx.x < 32) {
    HERE(first_line), __syncthreads();
  }
  simt::ClusterArrive();
  HERE(second_line), simt::ClusterWait();
}

__global__ void ArrivesTwice() {
  simt::ClusterArrive();
  HERE(second_line), simt::ClusterArrive();
}

__global__ void WaitsOnly() { simt::ClusterWait(); }

__global__ void ArrivesAndReturns() { simt::ClusterArrive(); }

__global__ void ArrivesApart() {
  if (threadIdx.x % 2) {
    simt::ClusterArrive();
  } else {
    simt::ClusterArrive();
  }
  simt::ClusterWait();
}

__global__ void WaitsApart() {
  simt::ClusterArrive();
  if (threadIdx.x % 2) {
    simt::ClusterWait();
  } else {
    simt::ClusterWait();
  }
}

// Block 1 reaches into block 0 without keeping it.
__global__ void ReachesIntoTheEnded(float* out) {
  simt::ClusterArrive();
  simt::ClusterWait();
  if (simt::ClusterRank() == 0) return;
  for (int i = 0; i < 1000; ++i) __syncwarp();
  *out = *simt::MapShared(reinterpret_cast<float*>(simt::SharedMemory()), 0);
}

__global__ void MapsGlobal(float* out) { *simt::MapShared(out, 0) = 1; }
__global__ void MapsBeyond() { simt::MapShared(simt::SharedMemory(), 2); }

// Lacks the barrier that says that the other block runs.
__global__ void WritesBeforeStart(float* out) {
  auto* shared = reinterpret_cast<float*>(simt::SharedMemory());
  simt::MapShared(shared, simt::ClusterRank() ^ 1)[threadIdx.x] = 1;
  simt::ClusterArrive();
  simt::ClusterWait();
  out[blockIdx.x * 32 + threadIdx.x] = shared[threadIdx.x];
}

__global__ void WorksThenWritesBeforeStart(float* out) {
  for (int i = 0; i < 16; ++i) __syncthreads();
  auto* shared = reinterpret_cast<float*>(simt::SharedMemory());
  simt::MapShared(shared, simt::ClusterRank() ^ 1)[threadIdx.x] = 1;
  simt::ClusterArrive();
  simt::ClusterWait();
  out[blockIdx.x * 32 + threadIdx.x] = shared[threadIdx.x];
}

__global__ void LeavesCopy(const float* in) {
  simt::CopyAsync(simt::SharedMemory() + threadIdx.x * 4, in + threadIdx.x, 4);
  simt::CopyAsyncCommit();
}

__global__ void Copies(const char* in, int to, int from, int bytes) {
  simt::CopyAsync(simt::SharedMemory() + to, in + from, bytes);
  simt::CopyAsyncCommit();
  simt::CopyAsyncWait(0);
}

__global__ void ReadsBeforeWait(const float* in, float* out) {
  auto* shared = reinterpret_cast<float*>(simt::SharedMemory());
  shared[threadIdx.x] = 7;
  simt::CopyAsync(shared + threadIdx.x, in + threadIdx.x, 4);
  simt::CopyAsyncCommit();
  const float before = shared[threadIdx.x];
  simt::CopyAsyncWait(0);
  out[threadIdx.x] = before;
}

__global__ void Misaligned(const char* in, uint4* out) { *out = __ldcs(reinterpret_cast<const uint4*>(in + 8)); }

__global__ void Nothing() {}

// The launch fails, as does everything after it, and the message has all of `parts`.
void CheckFails(cudaError_t error, std::initializer_list<std::string> parts) {
  CHECK(error == cudaErrorLaunchFailure);
  for (const std::string& part : parts) {
    INFO(simt::LastMessage());
    CHECK(Contains(simt::LastMessage(), part));
  }
  CHECK(Contains(cudaGetErrorString(cudaErrorLaunchFailure), simt::LastMessage()));
  CHECK(Run(Nothing, {}) == cudaErrorLaunchFailure);
  CHECK(cudaDeviceSynchronize() == cudaErrorLaunchFailure);
  CHECK(cudaGetLastError() == cudaErrorLaunchFailure);
  CHECK(cudaGetLastError() == cudaErrorLaunchFailure);
  simt::Reset();
  CHECK(Run(Nothing, {}) == cudaSuccess);
}

// Runs first: the kernel notes the lines that the parts name.
#define FAILS(run, ...)               \
  do {                                \
    const cudaError_t error = run;    \
    CheckFails(error, {__VA_ARGS__}); \
  } while (false)

std::string At(int line) { return std::string(__FILE__) + ":" + std::to_string(line); }

}  // namespace

TEST_CASE_FIXTURE(Fixture, "A barrier at two places is reported with both and the threads at them") {
  for (uint64_t seed = 1; seed < 20; ++seed) {
    simt::SetSeed(seed);
    FAILS(Run(DivergentBarrier, {1, 64}), "divergent barrier", "__syncthreads (" + At(first_line) + ")",
          "__syncthreads (" + At(second_line) + ")", "block 0");
  }
}

TEST_CASE_FIXTURE(Fixture, "A barrier that some threads have returned without reaching is a deadlock") {
  FAILS(Run(BarrierAfterReturn, {1, 64}), "deadlock", "threads 0-47 at __syncthreads (" + At(first_line) + ")",
        "threads 48-63 returned");
}

TEST_CASE_FIXTURE(Fixture, "A shuffle by half a warp is reported") {
  Array<float> out(32);
  FAILS(Run(HalfWarpShuffle, {1, 32}, out.get()), "deadlock", "threads 0-15 at __shfl_xor_sync", "16-31 returned");
}

TEST_CASE_FIXTURE(Fixture, "A shuffle at two places is reported") {
  Array<float> out(32);
  FAILS(Run(DivergentShuffle, {1, 32}, out.get()), "divergent warp", At(first_line), At(second_line));
}

TEST_CASE_FIXTURE(Fixture, "A mask or a width of less than the warp is reported") {
  Array<unsigned> out(1);
  FAILS(Run(PartialMask, {}, out.get()), "mask", "0xffff");
  Array<int> shuffled(1);
  FAILS(Run(PartialWidth, {}, shuffled.get()), "width", "16");
}

TEST_CASE_FIXTURE(Fixture, "A deadlock is reported with what every thread of the cluster waits for") {
  FAILS(Run(Deadlock, {2, 64, 0, 2}), "deadlock", "block 0: threads 0-31 at __syncthreads (" + At(first_line) + ")",
        "block 0: threads 32-63 at ClusterWait", "block 1: threads 0-63 at ClusterWait (" + At(second_line) + ")");
}

TEST_CASE_FIXTURE(Fixture, "Every way to get a cluster's phases wrong is reported") {
  FAILS(Run(ArrivesTwice, {2, 32, 0, 2}), "ClusterArrive (" + At(second_line) + ") after ClusterArrive");
  FAILS(Run(WaitsOnly, {2, 32, 0, 2}), "ClusterWait", "without ClusterArrive");
  FAILS(Run(ArrivesAndReturns, {2, 32, 0, 2}), "returns between ClusterArrive");
  FAILS(Run(ArrivesApart, {2, 32, 0, 2}), "divergent warp", "ClusterArrive");
  FAILS(Run(WaitsApart, {2, 32, 0, 2}), "divergent warp", "ClusterWait");
}

TEST_CASE_FIXTURE(Fixture, "Shared memory is mapped only between live blocks of the cluster") {
  Array<float> out(1);
  FAILS(Run(ReachesIntoTheEnded, {2, 32, 4, 2}, out.get()), "MapShared", "have returned");
  FAILS(Run(MapsGlobal, {2, 32, 4, 2}, out.get()), "MapShared", "is not in the shared memory");
  FAILS(Run(MapsBeyond, {2, 32, 4, 2}), "rank 2 in a cluster of 2");
}

TEST_CASE_FIXTURE(Fixture, "A copy that a thread has not waited for when it returns is reported") {
  Array<float> in(32);
  FAILS(Run(LeavesCopy, {1, 32, 128}, in.get()), "1 asynchronous copies that it has not waited for");
}

TEST_CASE_FIXTURE(Fixture, "What is copied asynchronously cannot be read before the wait, nor what it overwrites") {
  Array<float> in(32);
  Array<float> out(32);
  for (int i = 0; i < 32; ++i) in[i] = 1;
  RUN(ReadsBeforeWait, {1, 32, 128}, in.get(), out.get());
  for (float value : out.Copy()) CHECK(value != value);
}

TEST_CASE_FIXTURE(Fixture, "Asynchronous copies are checked for size, alignment and bounds") {
  Array<char> in(64);
  const Shape shape = {1, 32, 64};
  CHECK(Run(Copies, shape, in.get(), 48, 48, 16) == cudaSuccess);
  FAILS(Run(Copies, shape, in.get(), 0, 0, 12), "12 bytes");
  FAILS(Run(Copies, shape, in.get(), 0, 8, 16), "not both aligned to 16");
  FAILS(Run(Copies, shape, in.get(), 4, 8, 8), "not both aligned to 8");
  FAILS(Run(Copies, shape, in.get(), 64, 0, 4), "at offset 64 of shared memory that has 64");
  Array<char> odd(60);
  FAILS(Run(Copies, shape, odd.get(), 0, 48, 16), "12 bytes before the end of its allocation");
  alignas(16) char host[16] = {};
  FAILS(Run(Copies, shape, host, 0, 0, 16), "is not device memory");
  simt::SetAnyPointer(true);
  CHECK(Run(Copies, shape, host, 0, 0, 16) == cudaSuccess);
}

TEST_CASE_FIXTURE(Fixture, "A misaligned vector access is reported") {
  Array<char> in(32);
  Array<uint4> out(1);
  FAILS(Run(Misaligned, {}, in.get(), out.get()), "thread ", " of block 0: __ldcs", "not aligned to 16");
}

#ifdef __SANITIZE_ADDRESS__

namespace {

__global__ void WritesGlobal(float* out, int i) { out[i] = 1; }
__global__ void WritesShared(int i) { reinterpret_cast<volatile float*>(simt::SharedMemory())[i] = 1; }
__global__ void CopiesBeyond(const float* in) { simt::CopyAsync(simt::SharedMemory(), in, 4); }

// Whether AddressSanitizer ends a child that does this.
template <class Action>
bool Dies(Action action) {
  const pid_t child = fork();
  if (child == 0) {
    if (!freopen("/dev/null", "w", stderr)) _exit(0);
    simt::SetOsThreads(1);
    action();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "AddressSanitizer ends a kernel that writes out of bounds") {
  Array<float> out(33);
  CHECK(!Dies([&] { Run(WritesGlobal, {}, out.get(), 32); }));
  CHECK(Dies([&] { Run(WritesGlobal, {}, out.get(), 33); }));
  CHECK(Dies([&] { Run(WritesGlobal, {}, out.get(), -1); }));
  CHECK(!Dies([&] { Run(WritesShared, {1, 32, 68}, 16); }));
  CHECK(Dies([&] { Run(WritesShared, {1, 32, 68}, 17); }));
  CHECK(Dies([&] { Run(WritesShared, {1, 32, 68}, -1); }));
  CHECK(Dies([&] { Run(WritesShared, {}, 0); }));
  simt::SetAnyPointer(true);
  const std::vector<float> host(1);
  CHECK(Dies([&] { Run(CopiesBeyond, {1, 32, 4}, host.data() + 1); }));
}

TEST_CASE_FIXTURE(Fixture, "AddressSanitizer ends a kernel that uses the shared memory of a block that may not run") {
  Array<float> out(64);
  CHECK(Dies([&] { Run(WritesBeforeStart, {2, 32, 128, 2}, out.get()); }));
}

#else

TEST_CASE_FIXTURE(Fixture, "What is written to the shared memory of a block that may not run yet is lost") {
  Array<float> out(64);
  RUN(WritesBeforeStart, {2, 32, 128, 2}, out.get());
  int lost = 0;
  for (float value : out.Copy()) lost += value != value;
  CHECK(lost > 0);
}

TEST_CASE_FIXTURE(Fixture, "A block of a cluster may start late, however long the others have worked") {
  int lost = 0;
  for (uint64_t seed = 1; seed <= 16; ++seed) {
    simt::SetSeed(seed);
    Array<float> out(64);
    RUN(WorksThenWritesBeforeStart, {2, 32, 128, 2}, out.get());
    for (float value : out.Copy()) lost += value != value;
  }
  CHECK(lost > 0);
}

#endif
