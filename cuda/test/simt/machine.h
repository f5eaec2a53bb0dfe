// What the emulated machine is like, its errors, and the faults that a test asks for.
#ifndef PLAIT_CUDA_TEST_SIMT_MACHINE_H_
#define PLAIT_CUDA_TEST_SIMT_MACHINE_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "memory.h"
#include "simt_runtime.h"

namespace simt {

// The oldest capability that the kernels are built for; an older device has no image.
constexpr int kOldestCapability = 80;
constexpr size_t kDefaultDynamicShared = 48 << 10;

struct Allowance {  // by cudaFuncSetAttribute, of a kernel on a device
  size_t shared_bytes = kDefaultDynamicShared;
  bool large_clusters = false;
};

struct Machine {
  Machine();  // from the environment

  std::mutex mutex;  // guards everything below that is not atomic
  int devices = 1;
  int capability = 90;
  size_t shared_bytes = 0;  // 0: the capability's
  int multiprocessors = 4;
  std::atomic<bool> any_pointer = false;
  int os_threads = 2;
  uint64_t seed = 1;
  uint64_t launches = 0;  // since the seed was set

  cudaError_t sticky = cudaSuccess;
  cudaError_t message_error = cudaSuccess;
  std::string message;
  int fail_launch = 0;  // the launches to go until one fails
  cudaError_t fail_error = cudaSuccess;
  bool fail_sticky = false;
  bool fail_malloc = false;

  std::map<std::pair<int, const void*>, Allowance> allowances;
  std::map<cudaStream_t, int> streams;  // and their devices
  std::map<const char*, MemoryRange> ranges;

  size_t SharedLimit() const;
  size_t SharedPerMultiprocessor() const;
};

Machine& TheMachine();
int CurrentDevice();

// What a call returns before it does anything: the sticky error, or that there is no driver or device.
cudaError_t Refusal();
// Notes `error` as the calling thread's last one, and returns it.
cudaError_t Note(cudaError_t error);
// The same, with an explanation for LastMessage.
cudaError_t Explain(cudaError_t error, bool sticky, const std::string& message);
// The device of `stream`, the current one for the default stream, or -1 for a handle that is none.
int StreamDevice(cudaStream_t stream);

}  // namespace simt

#endif  // PLAIT_CUDA_TEST_SIMT_MACHINE_H_
