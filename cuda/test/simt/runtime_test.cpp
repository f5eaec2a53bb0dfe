// The host's calls answer as CUDA's do, for the machine that a test asks for.
#include <cstring>

#include "test_support.h"

namespace {

__global__ void Nothing() {}
__global__ void Writes(int* out) { out[threadIdx.x] = 1; }

cudaError_t Launch(unsigned blocks, unsigned threads, size_t shared_bytes = 0, cudaStream_t stream = nullptr) {
  cudaLaunchConfig_t config = {};
  config.gridDim = blocks;
  config.blockDim = threads;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  return cudaLaunchKernelEx(&config, Nothing);
}

int Attribute(cudaDeviceAttr attribute, int device = 0) {
  int value = -1;
  CHECK(cudaDeviceGetAttribute(&value, attribute, device) == cudaSuccess);
  return value;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "Launches that CUDA refuses are refused, without a trace but the last error") {
  CHECK(Launch(1, 32) == cudaSuccess);
  CHECK(Launch(0, 32) == cudaErrorInvalidConfiguration);
  CHECK(Launch(1, 1056) == cudaErrorInvalidConfiguration);
  CHECK(Launch(1, 33) == cudaErrorInvalidConfiguration);
  CHECK(Launch(0x80000000u, 32) == cudaErrorInvalidConfiguration);
  CHECK(cudaPeekAtLastError() == cudaErrorInvalidConfiguration);
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK(Launch(1, 32) == cudaSuccess);
}

TEST_CASE_FIXTURE(Fixture, "More than 48 KiB of shared memory must be allowed first, on each device") {
  simt::SetDevices(2);
  CHECK(Launch(1, 32, 48 << 10) == cudaSuccess);
  CHECK(Launch(1, 32, (48 << 10) + 1) == cudaErrorInvalidValue);
  const int limit = Attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
  CHECK(limit == 227 << 10);
  CHECK(cudaFuncSetAttribute(Nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, limit + 1) == cudaErrorInvalidValue);
  CHECK(cudaFuncSetAttribute(Nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, limit) == cudaSuccess);
  CHECK(Launch(1, 32, limit) == cudaSuccess);
  CHECK(Launch(1, 32, limit + 1) == cudaErrorInvalidValue);
  CHECK(cudaSetDevice(1) == cudaSuccess);
  CHECK(Launch(1, 32, limit) == cudaErrorInvalidValue);
}

TEST_CASE_FIXTURE(Fixture, "Clusters need capability 9.0, a size that divides the grid, and leave for more than 8") {
  CHECK(Run(Nothing, {16, 32, 0, 8}) == cudaSuccess);
  CHECK(Run(Nothing, {12, 32, 0, 8}) == cudaErrorInvalidConfiguration);
  CHECK(Run(Nothing, {16, 32, 0, 16}) == cudaErrorInvalidClusterSize);
  CHECK(cudaFuncSetAttribute(Nothing, cudaFuncAttributeNonPortableClusterSizeAllowed, 1) == cudaSuccess);
  CHECK(Run(Nothing, {16, 32, 0, 16}) == cudaSuccess);
  CHECK(Run(Nothing, {32, 32, 0, 32}) == cudaErrorInvalidClusterSize);
  simt::SetCapability(8, 0);
  CHECK(Run(Nothing, {16, 32, 0, 8}) == cudaErrorInvalidConfiguration);
  CHECK(Run(Nothing, {16, 32}) == cudaSuccess);
}

TEST_CASE_FIXTURE(Fixture, "The machine is what the test says") {
  simt::SetDevices(3);
  int count = 0;
  CHECK(cudaGetDeviceCount(&count) == cudaSuccess);
  CHECK(count == 3);
  CHECK(cudaSetDevice(3) == cudaErrorInvalidDevice);
  CHECK(cudaSetDevice(2) == cudaSuccess);
  int device = 0;
  CHECK(cudaGetDevice(&device) == cudaSuccess);
  CHECK(device == 2);
  simt::SetCapability(12, 0);
  simt::SetMultiprocessors(132);
  CHECK(Attribute(cudaDevAttrComputeCapabilityMajor) == 12);
  CHECK(Attribute(cudaDevAttrComputeCapabilityMinor) == 0);
  CHECK(Attribute(cudaDevAttrMultiProcessorCount) == 132);
  CHECK(Attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin) == 99 << 10);
  simt::SetCapability(8, 0);
  CHECK(Attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin) == 163 << 10);
  CHECK(Attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor) == 164 << 10);
  simt::SetSharedMemory(1000);
  CHECK(Attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin) == 1000);
  int value = 0;
  CHECK(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, 3) == cudaErrorInvalidDevice);
  cudaFuncAttributes attributes = {};
  CHECK(cudaFuncGetAttributes(&attributes, Nothing) == cudaSuccess);
  CHECK(attributes.binaryVersion == 80);
  simt::SetCapability(7, 5);
  CHECK(cudaFuncGetAttributes(&attributes, Nothing) == cudaErrorNoKernelImageForDevice);
  CHECK(Launch(1, 32) == cudaErrorNoKernelImageForDevice);
}

TEST_CASE_FIXTURE(Fixture, "Without a device or a driver every call says so") {
  int count = -1;
  int version = -1;
  void* memory = nullptr;
  simt::SetDevices(0);
  CHECK(cudaGetDeviceCount(&count) == cudaErrorNoDevice);
  CHECK(count == 0);
  CHECK(cudaMalloc(&memory, 4) == cudaErrorNoDevice);
  CHECK(Launch(1, 32) == cudaErrorNoDevice);
  CHECK(cudaDriverGetVersion(&version) == cudaSuccess);
  CHECK(version == 13000);
  simt::SetDevices(-1);
  CHECK(cudaGetDeviceCount(&count) == cudaErrorInsufficientDriver);
  CHECK(cudaSetDevice(0) == cudaErrorInsufficientDriver);
  CHECK(cudaGetLastError() == cudaErrorInsufficientDriver);
  CHECK(cudaDriverGetVersion(&version) == cudaSuccess);
  CHECK(version == 0);
  CHECK(cudaRuntimeGetVersion(&version) == cudaSuccess);
  CHECK(version == 13000);
}

TEST_CASE_FIXTURE(Fixture, "Device memory is poisoned, aligned and known by its range") {
  simt::SetDevices(2);
  REQUIRE(cudaSetDevice(1) == cudaSuccess);
  Array<unsigned char> array(1001);
  CHECK(cudaSetDevice(0) == cudaSuccess);
  CHECK(reinterpret_cast<uintptr_t>(array.get()) % 256 == 0);
  CHECK(array.Copy() == std::vector<unsigned char>(1001, 0xFF));
  cudaPointerAttributes attributes = {};
  CHECK(cudaPointerGetAttributes(&attributes, array.get() + 1000) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeDevice);
  CHECK(attributes.device == 1);
  CHECK(cudaPointerGetAttributes(&attributes, array.get() + 1001) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeUnregistered);
  CHECK(cudaPointerGetAttributes(&attributes, &attributes) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeUnregistered);
  simt::SetAnyPointer(true);
  CHECK(cudaPointerGetAttributes(&attributes, &attributes) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeDevice);
  CHECK(attributes.device == 0);
  void* host = nullptr;
  CHECK(cudaMallocHost(&host, 8) == cudaSuccess);
  CHECK(cudaPointerGetAttributes(&attributes, host) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeHost);
  CHECK(cudaFree(host) == cudaErrorInvalidValue);
  CHECK(cudaFreeHost(host) == cudaSuccess);
  CHECK(cudaFree(nullptr) == cudaSuccess);
  CHECK(cudaFree(array.get() + 1) == cudaErrorInvalidValue);
}

TEST_CASE_FIXTURE(Fixture, "Copies stay within their allocations and go the way they say") {
  Array<int> device(4);
  std::vector<int> host = {1, 2, 3, 4};
  CHECK(cudaMemcpy(device.get(), host.data(), 16, cudaMemcpyHostToDevice) == cudaSuccess);
  CHECK(device.Copy() == host);
  CHECK(cudaMemset(device.get() + 1, 0, 8) == cudaSuccess);
  CHECK(cudaMemcpyAsync(host.data(), device.get(), 16, cudaMemcpyDefault, nullptr) == cudaSuccess);
  CHECK(host == std::vector<int>{1, 0, 0, 4});
  CHECK(cudaMemcpy(device.get() + 1, host.data(), 16, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(host.data(), device.get(), 16, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemset(device.get() + 3, 0, 8) == cudaErrorInvalidValue);
  CHECK(cudaMemset(host.data(), 0, 4) == cudaErrorInvalidValue);
}

TEST_CASE_FIXTURE(Fixture, "A stream belongs to the device that was current when it was made") {
  simt::SetDevices(2);
  cudaStream_t stream = nullptr;
  CHECK(cudaStreamCreate(&stream) == cudaSuccess);
  CHECK(Launch(1, 32, 0, stream) == cudaSuccess);
  CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(cudaSetDevice(1) == cudaSuccess);
  CHECK(Launch(1, 32, 0, stream) == cudaErrorInvalidResourceHandle);
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
  CHECK(cudaStreamDestroy(stream) == cudaErrorInvalidResourceHandle);
}

TEST_CASE_FIXTURE(Fixture, "Faults are injected when asked for, and last when asked to") {
  Array<int> out(32);
  out[0] = 0;
  simt::FailLaunch(2, cudaErrorLaunchOutOfResources, false);
  CHECK(Launch(1, 32) == cudaSuccess);
  CHECK(Run(Writes, {}, out.get()) == cudaErrorLaunchOutOfResources);
  CHECK(out[0] == 0);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(Run(Writes, {}, out.get()) == cudaSuccess);
  CHECK(out[0] == 1);
  simt::FailLaunch(1, cudaErrorIllegalAddress, true);
  CHECK(Launch(1, 32) == cudaErrorIllegalAddress);
  CHECK(Launch(1, 32) == cudaErrorIllegalAddress);
  CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
  int* memory = nullptr;
  CHECK(cudaMalloc(&memory, 4) == cudaErrorIllegalAddress);
  simt::Reset();
  simt::FailNextMalloc();
  CHECK(cudaMalloc(&memory, 4) == cudaErrorMemoryAllocation);
  CHECK(memory == nullptr);
  CHECK(cudaMalloc(&memory, 4) == cudaSuccess);
  CHECK(cudaFree(memory) == cudaSuccess);
}

// Run by itself, with the variables that CMakeLists.txt sets for it: they are read once.
TEST_CASE("The machine is what the environment says" * doctest::skip()) {
  int count = 0;
  CHECK(cudaGetDeviceCount(&count) == cudaSuccess);
  CHECK(count == 5);
  CHECK(Attribute(cudaDevAttrComputeCapabilityMajor) == 12);
  CHECK(Attribute(cudaDevAttrComputeCapabilityMinor) == 1);
  CHECK(Attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin) == 77777);
  CHECK(Attribute(cudaDevAttrMultiProcessorCount) == 9);
  cudaPointerAttributes attributes = {};
  CHECK(cudaPointerGetAttributes(&attributes, &count) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeDevice);
  int* memory = nullptr;
  CHECK(cudaMalloc(&memory, 4) == cudaErrorMemoryAllocation);
  CHECK(Launch(1, 32) == cudaSuccess);
  CHECK(Launch(1, 32) == cudaErrorIllegalAddress);
  CHECK(Launch(1, 32) == cudaErrorIllegalAddress);
}

TEST_CASE_FIXTURE(Fixture, "Errors have CUDA's names and numbers") {
  CHECK(std::strcmp(cudaGetErrorName(cudaErrorIllegalAddress), "cudaErrorIllegalAddress") == 0);
  CHECK(std::strcmp(cudaGetErrorString(cudaErrorNoDevice), "no CUDA-capable device is detected") == 0);
  CHECK(static_cast<int>(cudaErrorIllegalAddress) == 700);
  CHECK(std::strcmp(cudaGetErrorName(static_cast<cudaError_t>(12345)), "unrecognized error code") == 0);
}
