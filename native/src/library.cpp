// What the library says about itself, and which backend serves a device.
#include <dlfcn.h>

#include "backend.h"
#include "cpu.h"
#include "kernels.h"
#include "parallel.h"
#include "status.h"

namespace plait {

const Backend kCpuBackend = {cpu::RowStats,       cpu::RowStatsMerge, cpu::LogitsGrad,
                             cpu::TokenObjective, cpu::PolicyStep,    cpu::GroupAdvantage,
                             cpu::TokenAdvantage, cpu::Whiten,        cpu::ImportanceRatio};

const Backend* FindBackend(int32_t device) {
  if (device == PLAIT_CPU) return &kCpuBackend;
  if (device < 0) {
    Fail(PLAIT_UNAVAILABLE, "device: expected PLAIT_CPU (-1) or a CUDA ordinal >= 0, got %d", device);
  } else {
    Fail(PLAIT_UNAVAILABLE, "device %d: the CUDA backend, libplait_cuda.so, is not here", device);
  }
  return nullptr;
}

}  // namespace plait

extern "C" int32_t plait_abi_version(void) { return PLAIT_ABI_VERSION; }

extern "C" const char* plait_version(void) { return PLAIT_VERSION; }

extern "C" int32_t plait_backend_available(int32_t device) {
  return plait::FindBackend(device) ? PLAIT_OK : PLAIT_UNAVAILABLE;
}

extern "C" int32_t plait_cuda_load(const char* path) {
  if (dlopen(path, RTLD_NOW | RTLD_LOCAL)) return PLAIT_OK;
  return plait::Fail(PLAIT_UNAVAILABLE, "the CUDA backend could not be loaded: %s", dlerror());
}

extern "C" const char* plait_cpu_target(void) { return plait::ActiveKernels().target; }

extern "C" int32_t plait_cpu_select_target(const char* name) {
  if (!plait::SelectKernels(name)) {
    PLAIT_REFUSE("name: expected a SIMD target that this machine and build have, got \"%s\"", name);
  }
  return PLAIT_OK;
}

extern "C" int32_t plait_cpu_threads(void) { return plait::ThreadCount(); }
