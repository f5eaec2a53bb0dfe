// What the device tests share: memory of the device, and logits that lie in it. Written against CUDA's runtime, so the
// same tests run on a GPU and in the emulator.
#ifndef PLAIT_CUDA_TEST_DEVICE_SUPPORT_H_
#define PLAIT_CUDA_TEST_DEVICE_SUPPORT_H_

#include <cuda_runtime.h>

#include <memory>
#include <vector>

#include "support.h"

namespace plait::test {

constexpr int32_t kDevice = 0;

inline void AcceptCuda(cudaError_t error) {
  INFO(cudaGetErrorString(error));
  REQUIRE(error == cudaSuccess);
}

// An array in the device's memory. New ones hold NaN, whatever they are read as.
template <class T>
class Array {
 public:
  explicit Array(size_t size) : size_(size) {
    void* memory = nullptr;
    AcceptCuda(cudaMalloc(&memory, Bytes() ? Bytes() : 1));
    memory_.reset(static_cast<T*>(memory));
    AcceptCuda(cudaMemset(memory, 0xFF, Bytes()));
  }
  explicit Array(const std::vector<T>& values) : Array(values.size()) { Set(values); }

  T* get() const { return memory_.get(); }
  void Set(const std::vector<T>& values) const {
    AcceptCuda(cudaMemcpy(get(), values.data(), Bytes(), cudaMemcpyHostToDevice));
  }
  std::vector<T> Read() const {
    std::vector<T> values(size_);
    AcceptCuda(cudaDeviceSynchronize());
    AcceptCuda(cudaMemcpy(values.data(), get(), Bytes(), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  struct Free {
    void operator()(T* memory) const { cudaFree(memory); }
  };
  size_t Bytes() const { return size_ * sizeof(T); }

  size_t size_;
  std::unique_ptr<T, Free> memory_;
};

// `rows` of the host, copied to the device.
class DeviceRows {
 public:
  explicit DeviceRows(Rows& rows) : host_(rows), bytes_(rows.bytes()), targets_(rows.targets()), logits_(*rows.get()) {
    logits_.data = data();
    logits_.targets = targets_.get();
    // The host's tests ask for odd addresses by odd offsets, and so do these.
    shift_ = static_cast<const uint8_t*>(rows.get()->data) - rows.bytes().data();
    logits_.data = data();
  }

  plait_logits& raw() { return logits_; }
  const plait_logits* get() const { return &logits_; }
  void* data() const { return bytes_.get() + shift_; }
  // Element of what the device's rows hold now.
  std::vector<uint8_t> Read() const { return bytes_.Read(); }
  float At(const std::vector<uint8_t>& bytes, int64_t row, int64_t column) const {
    return LoadElement(bytes.data() + shift_, row * logits_.row_stride + column, logits_.dtype);
  }
  Rows& host() { return host_; }

 private:
  Rows& host_;
  Array<uint8_t> bytes_;
  Array<int64_t> targets_;
  plait_logits logits_;
  int64_t shift_ = 0;
};

struct StatsArrays {
  explicit StatsArrays(int64_t tokens) : logp(tokens), entropy(tokens), logsumexp(tokens), state(4 * tokens), bad(1) {}
  Array<float> logp, entropy, logsumexp, state;
  Array<int64_t> bad;
};

inline StatsArrays RunStats(const plait_logits* logits) {
  StatsArrays out(logits->tokens);
  Accept(plait_row_stats(kDevice, nullptr, logits, out.logp.get(), out.entropy.get(), out.logsumexp.get(),
                         out.state.get(), out.bad.get()));
  return out;
}

}  // namespace plait::test

#endif  // PLAIT_CUDA_TEST_DEVICE_SUPPORT_H_
