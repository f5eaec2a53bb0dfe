// What the library and the plugin that holds the CUDA backend know of each other. The plugin is a library of its own,
// opened at run time, so that nothing here needs CUDA; it has CUDA's runtime inside and opens the driver itself.
#ifndef PLAIT_SRC_CUDA_PLUGIN_H_
#define PLAIT_SRC_CUDA_PLUGIN_H_

#include "backend.h"

namespace plait {

// Bumped with any change of `Backend` or of what follows; a plugin of another version is refused.
constexpr int32_t kCudaPluginVersion = 1;

// What the plugin calls in the library.
struct CudaHost {
  // Records the message of this thread's failure and returns `status`.
  plait_status (*fail)(plait_status status, const char* message);
};

struct CudaPlugin {
  // PLAIT_OK if kernels run on `device`, otherwise a failure with the reason. Cheap after a device's first success.
  plait_status (*check_device)(int32_t device);
  Backend backend;
};

// The plugin's one symbol, `plait_cuda_plugin`. Null if the plugin is of another version than `version`; otherwise
// valid for the life of the process, as `host` must be.
using CudaPluginEntry = const CudaPlugin* (*)(int32_t version, const CudaHost* host);

// The plugin, opened now if none is; null with the reason recorded.
const CudaPlugin* FindCudaPlugin();

}  // namespace plait

#endif  // PLAIT_SRC_CUDA_PLUGIN_H_
