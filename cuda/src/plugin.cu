// The plugin's one symbol, the devices that it knows, and the memory that their kernels reach.
#include "cuda_plugin.h"

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <mutex>

#include "device.h"
#include "elements.cuh"
#include "kernels.h"
#include "launch.h"

namespace plait {

namespace {
const CudaHost* host = nullptr;
}

// The library's own message, through its plugin interface.
plait_status Fail(plait_status status, const char* format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof(message), format, arguments);
  va_end(arguments);
  return host->fail(status, message);
}

namespace cuda {
namespace {

constexpr int kMaxDevices = 64;
constexpr int kOldestMajor = 8;  // compute capability: asynchronous copies and bfloat16 arithmetic

Device devices[kMaxDevices];
std::atomic<bool> ready[kMaxDevices];
std::mutex probing;

int Attribute(cudaDeviceAttr attribute, int32_t device) {
  int value = 0;
  cudaDeviceGetAttribute(&value, attribute, device);
  return value;
}

plait_status Unavailable(int32_t device, const char* what, cudaError_t error) {
  return Fail(PLAIT_UNAVAILABLE, "device %d: %s (%s: %s)", device, what, cudaGetErrorName(error),
              cudaGetErrorString(error));
}

plait_status PrepareKernels(int32_t device) {
  PLAIT_TRY(PrepareRowStats(device));
  return PreparePolicyStep(device);
}

plait_status Probe(int32_t device) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaErrorInsufficientDriver) {
    return Unavailable(device, "this machine has no NVIDIA driver, or one too old for this build", error);
  }
  if (error == cudaErrorNoDevice) return Unavailable(device, "this machine has no CUDA device", error);
  if (error != cudaSuccess) return Unavailable(device, "CUDA cannot be used here", error);
  if (device >= count || device >= kMaxDevices) {
    return Fail(PLAIT_UNAVAILABLE, "device %d: expected an ordinal below %d, the number of CUDA devices", device,
                count);
  }
  const int major = Attribute(cudaDevAttrComputeCapabilityMajor, device);
  const int minor = Attribute(cudaDevAttrComputeCapabilityMinor, device);
  if (major < kOldestMajor) {
    return Fail(PLAIT_UNAVAILABLE, "device %d: expected compute capability %d.0 or later, got %d.%d", device,
                kOldestMajor, major, minor);
  }
  devices[device] = {Attribute(cudaDevAttrMultiProcessorCount, device),
                     Attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
                     major >= 9 && Attribute(cudaDevAttrClusterLaunch, device) != 0};
  const DeviceScope scope(device);
  const plait_status status = PrepareKernels(device);
  return status == PLAIT_INTERNAL ? PLAIT_UNAVAILABLE : status;
}

}  // namespace

const Device& DeviceOf(int32_t device) { return devices[device]; }

plait_status CheckDevice(int32_t device) {
  if (device < kMaxDevices && ready[device].load(std::memory_order_acquire)) return PLAIT_OK;
  const std::lock_guard<std::mutex> lock(probing);
  PLAIT_TRY(Probe(device));
  ready[device].store(true, std::memory_order_release);
  return PLAIT_OK;
}

plait_status AllowSharedMemory(int32_t device, const char* name, const void* kernel) {
  PLAIT_TRY(
      StatusOf(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, DeviceOf(device).shared_limit),
               device, name));
  return StatusOf(cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout, 100), device, name);
}

plait_status CheckMemory(int32_t device, const char* name, const void* begin) {
  cudaPointerAttributes attributes = {};
  const cudaError_t error = cudaPointerGetAttributes(&attributes, begin);
  if (error != cudaSuccess && error != cudaErrorInvalidValue) return StatusOf(error, device, name);
  if (error == cudaErrorInvalidValue) cudaGetLastError();  // not CUDA's memory; nothing to remember
  if (error != cudaSuccess || attributes.type == cudaMemoryTypeUnregistered) {
    PLAIT_REFUSE("%s: expected memory of CUDA device %d, got pageable host memory or none (%p)", name, device, begin);
  }
  if (attributes.type == cudaMemoryTypeDevice && attributes.device != device) {
    PLAIT_REFUSE("%s: expected memory of CUDA device %d, got memory of device %d", name, device, attributes.device);
  }
  return PLAIT_OK;
}

plait_status PlanRows(int32_t device, const plait_logits& logits, RowPlan* plan) {
  if (logits.vocab > INT32_MAX) {
    PLAIT_REFUSE("logits.vocab: expected at most %d on a CUDA device, got %lld", INT32_MAX,
                 static_cast<long long>(logits.vocab));
  }
  const int64_t per_vector = kVectorBytes / ElementBytes(logits.dtype);
  *plan =
      PlanRow((logits.vocab + per_vector - 1) / per_vector, DeviceOf(device).shared_limit, DeviceOf(device).clusters);
  return PLAIT_OK;
}

DeviceScope::DeviceScope(int32_t device) {
  int current = -1;
  if (cudaGetDevice(&current) != cudaSuccess || current == device) return;
  if (cudaSetDevice(device) == cudaSuccess) before_ = current;
}

DeviceScope::~DeviceScope() {
  if (before_ >= 0) cudaSetDevice(before_);
}

plait_status StatusOf(cudaError_t error, int32_t device, const char* what) {
  if (error == cudaSuccess) return PLAIT_OK;
  cudaGetLastError();  // a sticky error stays, and any other must not be taken for a later call's
  return Fail(PLAIT_INTERNAL, "%s on CUDA device %d: %s (%s)", what, device, cudaGetErrorName(error),
              cudaGetErrorString(error));
}

plait_status Clear(const Placement& at, void* data, int64_t bytes) {
  if (!data || bytes == 0) return PLAIT_OK;
  const cudaStream_t stream = static_cast<cudaStream_t>(at.stream);
  return StatusOf(cudaMemsetAsync(data, 0, static_cast<size_t>(bytes), stream), at.device, "cudaMemsetAsync");
}

}  // namespace cuda
}  // namespace plait

extern "C" PLAIT_API const plait::CudaPlugin* plait_cuda_plugin(uint64_t layout, const plait::CudaHost* from) {
  using namespace plait;
  static const CudaPlugin plugin = {
      cuda::CheckDevice,
      {cuda::CheckMemory, cuda::RowStats, cuda::RowStatsMerge, cuda::LogitsGrad, cuda::TokenObjective, cuda::PolicyStep,
       cuda::GroupAdvantage, cuda::TokenAdvantage, cuda::Whiten, cuda::ImportanceRatio}};
  if (layout != CudaPluginLayout()) return nullptr;
  host = from;
  return &plugin;
}
