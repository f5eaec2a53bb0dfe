// What the emulator's own tests share: launches, and memory that the device may use.
#ifndef PLAIT_CUDA_TEST_SIMT_TEST_SUPPORT_H_
#define PLAIT_CUDA_TEST_SIMT_TEST_SUPPORT_H_

#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

constexpr unsigned kFull = 0xFFFFFFFFu;

// Every test starts on the default machine.
struct Fixture {
  Fixture() { Restore(); }
  ~Fixture() { Restore(); }
  static void Restore() {
    simt::Reset();
    simt::SetSeed(1);
    simt::SetOsThreads(2);
    simt::SetDevices(1);
    simt::SetCapability(9, 0);
    simt::SetSharedMemory(0);
    simt::SetMultiprocessors(4);
    simt::SetAnyPointer(false);
    cudaSetDevice(0);
  }
};

struct Shape {
  unsigned blocks = 1;
  unsigned threads = 32;
  size_t shared_bytes = 0;
  unsigned cluster = 1;
};

template <class... Parameters, class... Arguments>
cudaError_t Run(void (*kernel)(Parameters...), Shape shape, Arguments&&... arguments) {
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim = {shape.cluster, 1, 1};
  cudaLaunchConfig_t config = {};
  config.gridDim = shape.blocks;
  config.blockDim = shape.threads;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.attrs = &attribute;
  config.numAttrs = shape.cluster > 1;
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shape.shared_bytes));
  return cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...);
}

// Runs a kernel that must succeed, and says why it did not.
#define RUN(...)                                    \
  do {                                              \
    const cudaError_t run_error = Run(__VA_ARGS__); \
    INFO(simt::LastMessage());                      \
    REQUIRE(run_error == cudaSuccess);              \
  } while (false)

inline bool Contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Device memory, which tests read in place.
template <class T>
class Array {
 public:
  explicit Array(size_t size) : size_(size) { REQUIRE(cudaMalloc(&data_, size * sizeof(T)) == cudaSuccess); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() {
    simt::Reset();  // a sticky error must not keep it
    cudaFree(data_);
  }
  T* get() { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  std::vector<T> Copy() const { return {data_, data_ + size_}; }

 private:
  T* data_ = nullptr;
  size_t size_;
};

#endif  // PLAIT_CUDA_TEST_SIMT_TEST_SUPPORT_H_
