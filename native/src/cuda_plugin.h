// What the library and the plugin that holds the CUDA backend know of each other. The plugin is a library of its own,
// opened at run time, so that nothing here needs CUDA; it has CUDA's runtime inside and opens the driver itself.
#ifndef PLAIT_SRC_CUDA_PLUGIN_H_
#define PLAIT_SRC_CUDA_PLUGIN_H_

#include "backend.h"
#include "workspace.h"

namespace plait {

// Bumped when what a function of `Backend` means changes.
constexpr uint64_t kCudaPluginVersion = 1;

// What library and plugin must agree on, in one number: the version, and the layout of all that they hand to each
// other, the caller's workspace too. A plugin of another layout is refused, rather than crash.
inline uint64_t CudaPluginLayout() {
  uint64_t layout = kCudaPluginVersion;
  for (const uint64_t part :
       {uint64_t{sizeof(Backend)}, uint64_t{sizeof(plait_logits)}, uint64_t{sizeof(plait_objective)},
        uint64_t{sizeof(plait_metrics)}, uint64_t{sizeof(plait_token_batch)}, uint64_t{sizeof(plait_normalizers)},
        uint64_t{sizeof(plait_advantage_options)}, static_cast<uint64_t>(Workspace::Bytes(100000, 1000)),
        static_cast<uint64_t>(Workspace::Bytes(1, 100000))}) {
    layout = layout * 0x9E3779B97F4A7C15u + part;
  }
  return layout;
}

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

// The plugin's one symbol, `plait_cuda_plugin`. Null if the plugin's layout is not `layout`; otherwise valid for the
// life of the process, as `host` must be.
using CudaPluginEntry = const CudaPlugin* (*)(uint64_t layout, const CudaHost* host);

// The plugin, opened now if none is; null with the reason recorded.
const CudaPlugin* FindCudaPlugin();

}  // namespace plait

#endif  // PLAIT_SRC_CUDA_PLUGIN_H_
