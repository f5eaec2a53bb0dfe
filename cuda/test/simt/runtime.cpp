// Devices, streams and memory.
#include <cstdlib>
#include <cstring>
#include <optional>

#include "machine.h"

namespace simt {

namespace {

// The machine's mutex is held in these.
const MemoryRange* Locate(const void* pointer) {
  const auto& ranges = TheMachine().ranges;
  const auto* at = static_cast<const char*>(pointer);
  auto after = ranges.upper_bound(at);
  if (after == ranges.begin()) return nullptr;
  const MemoryRange& range = std::prev(after)->second;
  return at < range.end ? &range : nullptr;
}

// Whether `bytes` from `pointer` may be used as device or host memory, as far as is known.
bool Usable(const void* pointer, size_t bytes, bool as_device) {
  const MemoryRange* range = Locate(pointer);
  if (range)
    return range->host != as_device && bytes <= static_cast<size_t>(range->end - static_cast<const char*>(pointer));
  return !as_device || TheMachine().any_pointer;
}

cudaError_t Allocate(void** pointer, size_t bytes, bool host) {
  if (const cudaError_t refusal = Refusal()) return refusal;
  Machine& machine = TheMachine();
  const std::lock_guard lock(machine.mutex);
  *pointer = nullptr;
  if (!host && std::exchange(machine.fail_malloc, false)) return Note(cudaErrorMemoryAllocation);
  if (bytes == 0) return cudaSuccess;
  // Of the very size, so that AddressSanitizer knows where it ends.
  void* memory = nullptr;
  if (bytes > size_t{1} << 40 || posix_memalign(&memory, 256, bytes) != 0) return Note(cudaErrorMemoryAllocation);
  std::memset(memory, 0xFF, bytes);
  const char* begin = static_cast<char*>(memory);
  machine.ranges[begin] = {true, host, CurrentDevice(), begin, begin + bytes};
  *pointer = memory;
  return cudaSuccess;
}

cudaError_t Release(void* pointer, bool host) {
  if (const cudaError_t refusal = Refusal()) return refusal;
  if (pointer == nullptr) return cudaSuccess;
  Machine& machine = TheMachine();
  const std::lock_guard lock(machine.mutex);
  const auto found = machine.ranges.find(static_cast<char*>(pointer));
  if (found == machine.ranges.end() || found->second.host != host) return Note(cudaErrorInvalidValue);
  // Who reads it afterwards without AddressSanitizer shall at least read NaN.
  std::memset(pointer, 0xFF, found->second.end - found->second.begin);
  machine.ranges.erase(found);
  std::free(pointer);
  return cudaSuccess;
}

cudaError_t CheckCopy(const void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  if (const cudaError_t refusal = Refusal()) return refusal;
  if (bytes == 0) return cudaSuccess;
  const std::lock_guard lock(TheMachine().mutex);
  const auto on_device = [&](const void* pointer) {
    const MemoryRange* range = Locate(pointer);
    return range != nullptr && !range->host;
  };
  bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (kind == cudaMemcpyDefault) {
    to_device = on_device(to);
    from_device = on_device(from);
  }
  return Note(Usable(to, bytes, to_device) && Usable(from, bytes, from_device) ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t CheckStream(cudaStream_t stream) {
  if (const cudaError_t refusal = Refusal()) return refusal;
  const std::lock_guard lock(TheMachine().mutex);
  return Note(StreamDevice(stream) < 0 ? cudaErrorInvalidResourceHandle : cudaSuccess);
}

}  // namespace

MemoryRange FindRange(const void* pointer) {
  const std::lock_guard lock(TheMachine().mutex);
  const MemoryRange* range = Locate(pointer);
  return range ? *range : MemoryRange{};
}

int StreamDevice(cudaStream_t stream) {
  if (stream == nullptr) return CurrentDevice();
  const auto found = TheMachine().streams.find(stream);
  if (found != TheMachine().streams.end()) return found->second;
  return TheMachine().any_pointer ? CurrentDevice() : -1;
}

}  // namespace simt

using simt::Machine;
using simt::MemoryRange;
using simt::Note;
using simt::TheMachine;

// As CUDA documents it, there is no driver where this gives 0.
cudaError_t cudaDriverGetVersion(int* version) {
  const std::lock_guard lock(TheMachine().mutex);
  *version = TheMachine().devices < 0 ? 0 : CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  if (const cudaError_t refusal = simt::Refusal()) return refusal;
  const std::lock_guard lock(TheMachine().mutex);
  *count = TheMachine().devices;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (const cudaError_t refusal = simt::Refusal()) return refusal;
  const Machine& machine = TheMachine();
  const std::lock_guard lock(TheMachine().mutex);
  if (device < 0 || device >= machine.devices) return Note(cudaErrorInvalidDevice);
  switch (attribute) {
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = static_cast<int>(simt::kDefaultDynamicShared);
      return cudaSuccess;
    case cudaDevAttrMultiProcessorCount:
      *value = machine.multiprocessors;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = machine.capability / 10;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = machine.capability % 10;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = static_cast<int>(machine.SharedPerMultiprocessor());
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(machine.SharedLimit());
      return cudaSuccess;
    case cudaDevAttrClusterLaunch:
      *value = machine.capability >= 90;
      return cudaSuccess;
  }
  return Note(cudaErrorInvalidValue);
}

cudaError_t cudaDeviceSynchronize() { return simt::Refusal(); }

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  if (const cudaError_t refusal = simt::Refusal()) return refusal;
  const std::lock_guard lock(TheMachine().mutex);
  *stream = reinterpret_cast<cudaStream_t>(new char);
  TheMachine().streams[*stream] = simt::CurrentDevice();
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  if (const cudaError_t refusal = simt::Refusal()) return refusal;
  const std::lock_guard lock(TheMachine().mutex);
  if (TheMachine().streams.erase(stream) == 0) return Note(cudaErrorInvalidResourceHandle);
  delete reinterpret_cast<char*>(stream);
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) { return simt::CheckStream(stream); }

cudaError_t cudaMalloc(void** pointer, size_t bytes) { return simt::Allocate(pointer, bytes, false); }
cudaError_t cudaFree(void* pointer) { return simt::Release(pointer, false); }
cudaError_t cudaMallocHost(void** pointer, size_t bytes) { return simt::Allocate(pointer, bytes, true); }
cudaError_t cudaFreeHost(void* pointer) { return simt::Release(pointer, true); }

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  if (const cudaError_t refusal = simt::CheckCopy(to, from, bytes, kind)) return refusal;
  if (bytes) std::memmove(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  if (const cudaError_t refusal = simt::CheckStream(stream)) return refusal;
  return cudaMemcpy(to, from, bytes, kind);
}

cudaError_t cudaMemset(void* to, int value, size_t bytes) {
  if (const cudaError_t refusal = simt::Refusal()) return refusal;
  if (bytes == 0) return cudaSuccess;
  {
    const std::lock_guard lock(TheMachine().mutex);
    if (!simt::Usable(to, bytes, true)) return Note(cudaErrorInvalidValue);
  }
  std::memset(to, value, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  if (const cudaError_t refusal = simt::CheckStream(stream)) return refusal;
  return cudaMemset(to, value, bytes);
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  if (const cudaError_t refusal = simt::Refusal()) return refusal;
  const std::lock_guard lock(TheMachine().mutex);
  auto* address = const_cast<void*>(pointer);
  if (const MemoryRange* range = simt::Locate(pointer)) {
    *attributes = {range->host ? cudaMemoryTypeHost : cudaMemoryTypeDevice, range->device, address,
                   range->host ? address : nullptr};
  } else if (TheMachine().any_pointer) {
    *attributes = {cudaMemoryTypeDevice, simt::CurrentDevice(), address, nullptr};
  } else {
    *attributes = {cudaMemoryTypeUnregistered, -2, nullptr, address};
  }
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  if (const cudaError_t refusal = simt::Refusal()) return refusal;
  Machine& machine = TheMachine();
  const std::lock_guard lock(machine.mutex);
  if (machine.capability < simt::kOldestCapability) return Note(cudaErrorNoKernelImageForDevice);
  simt::Allowance& allowance = machine.allowances[{simt::CurrentDevice(), kernel}];
  if (attribute == cudaFuncAttributeMaxDynamicSharedMemorySize) {
    if (value < 0 || static_cast<size_t>(value) > machine.SharedLimit()) return Note(cudaErrorInvalidValue);
    allowance.shared_bytes = value;
  } else if (attribute == cudaFuncAttributeNonPortableClusterSizeAllowed) {
    allowance.large_clusters = value != 0;
  } else if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout) {
    if (value < -1 || value > 100) return Note(cudaErrorInvalidValue);  // a preference: nothing here depends on it
  } else {
    return Note(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  if (const cudaError_t refusal = simt::Refusal()) return refusal;
  Machine& machine = TheMachine();
  const std::lock_guard lock(machine.mutex);
  if (machine.capability < simt::kOldestCapability) return Note(cudaErrorNoKernelImageForDevice);
  *attributes = {};
  attributes->maxThreadsPerBlock = 1024;
  attributes->ptxVersion = attributes->binaryVersion = machine.capability;
  attributes->maxDynamicSharedSizeBytes =
      static_cast<int>(machine.allowances[{simt::CurrentDevice(), kernel}].shared_bytes);
  return cudaSuccess;
}
