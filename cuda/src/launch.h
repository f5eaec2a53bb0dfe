// Launching kernels: on which device and stream, and what is said when that fails.
#ifndef PLAIT_CUDA_SRC_LAUNCH_H_
#define PLAIT_CUDA_SRC_LAUNCH_H_

#include <cuda_runtime.h>

#include <utility>

#include "backend.h"
#include "status.h"

namespace plait::cuda {

// Makes `device` the current one until the end of the scope. The thread's device is the caller's business, and PyTorch
// among others relies on it.
class DeviceScope {
 public:
  explicit DeviceScope(int32_t device);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int before_ = -1;
};

// Records that `what` failed and returns PLAIT_INTERNAL; PLAIT_OK on success.
plait_status StatusOf(cudaError_t error, int32_t device, const char* what);

struct LaunchShape {
  int64_t blocks;
  int threads;
  int shared_bytes = 0;
  int cluster = 1;
};

// Enqueues a kernel. No block, no launch. `name` is for the message.
template <class... Parameters, class... Arguments>
plait_status Launch(const Placement& at, const char* name, const LaunchShape& shape, void (*kernel)(Parameters...),
                    Arguments&&... arguments) {
  if (shape.blocks == 0) return PLAIT_OK;
  cudaLaunchAttribute cluster = {};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim.x = static_cast<unsigned>(shape.cluster);
  cluster.val.clusterDim.y = cluster.val.clusterDim.z = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(shape.blocks));
  config.blockDim = dim3(static_cast<unsigned>(shape.threads));
  config.dynamicSmemBytes = static_cast<size_t>(shape.shared_bytes);
  config.stream = static_cast<cudaStream_t>(at.stream);
  config.attrs = &cluster;
  config.numAttrs = shape.cluster > 1 ? 1 : 0;
  const cudaError_t error = cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...);
  return error == cudaSuccess ? PLAIT_OK : StatusOf(error, at.device, name);
}

// Sets bytes to 0, if there are any.
plait_status Clear(const Placement& at, void* data, int64_t bytes);

// Calls launch(first, count) for pieces of `items` small enough for a grid of `blocks_per_item` each.
template <class Body>
plait_status InGrids(int64_t items, int64_t blocks_per_item, const Body& body) {
  const int64_t limit = 0x7fffffff / blocks_per_item;
  for (int64_t first = 0; first < items; first += limit) {
    PLAIT_TRY(body(first, items - first < limit ? items - first : limit));
  }
  return PLAIT_OK;
}

inline int64_t Blocks(int64_t items, int64_t per_block) { return (items + per_block - 1) / per_block; }

}  // namespace plait::cuda

#endif  // PLAIT_CUDA_SRC_LAUNCH_H_
