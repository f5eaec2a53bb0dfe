// Emulator only: what a caller is told when a device, a driver, memory or a launch is not as it should be, and that the
// process goes on.
#include <string>

#include "device_support.h"
#include "simt.h"
#include "simt_runtime.h"

using namespace plait;
using namespace plait::test;

namespace {

bool Says(const char* text) { return std::string(plait_last_error()).find(text) != std::string::npos; }

struct Call {
  Rows rows{2, 50, PLAIT_FLOAT32};
  DeviceRows device{rows.Randomize(1)};
  Array<float> logp{2};

  int32_t Run(int32_t ordinal = kDevice) {
    return plait_row_stats(ordinal, nullptr, device.get(), logp.get(), nullptr, nullptr, nullptr, nullptr);
  }
};

}  // namespace

TEST_CASE("host memory is refused by name, and nothing is written") {
  Call call;
  std::vector<float> host(2, -7);
  CHECK(plait_row_stats(kDevice, nullptr, call.device.get(), host.data(), nullptr, nullptr, nullptr, nullptr) ==
        PLAIT_INVALID_ARGUMENT);
  CHECK(Says("logp: expected memory of CUDA device 0, got pageable host memory"));
  CHECK(host[0] == -7);
  CHECK(plait_row_stats(kDevice, nullptr, call.rows.get(), call.logp.get(), nullptr, nullptr, nullptr, nullptr) ==
        PLAIT_INVALID_ARGUMENT);
  CHECK(Says("logits.data"));
  CHECK(std::isnan(call.logp.Read()[0]));
  Accept(call.Run());
  CHECK(call.logp.Read()[0] < 0);
}

TEST_CASE("memory of another device is refused by name") {
  simt::SetDevices(2);
  Call call;
  AcceptCuda(cudaSetDevice(1));
  const Array<float> other(2);
  AcceptCuda(cudaSetDevice(0));
  CHECK(plait_row_stats(kDevice, nullptr, call.device.get(), other.get(), nullptr, nullptr, nullptr, nullptr) ==
        PLAIT_INVALID_ARGUMENT);
  CHECK(Says("logp: expected memory of CUDA device 0, got memory of device 1"));
  CHECK(call.Run(1) == PLAIT_INVALID_ARGUMENT);
  int current = -1;
  AcceptCuda(cudaGetDevice(&current));
  CHECK(current == 0);
  simt::SetDevices(1);
}

TEST_CASE("page-locked memory of the host is as good as the device's, whichever device it was made under") {
  simt::SetDevices(2);
  Call call;
  void* memory = nullptr;
  AcceptCuda(cudaSetDevice(1));
  AcceptCuda(cudaMallocHost(&memory, 2 * sizeof(float)));
  AcceptCuda(cudaSetDevice(0));
  float* logp = static_cast<float*>(memory);
  logp[1] = 1;
  Accept(plait_row_stats(kDevice, nullptr, call.device.get(), logp, nullptr, nullptr, nullptr, nullptr));
  AcceptCuda(cudaDeviceSynchronize());
  CHECK(logp[1] < 0);
  AcceptCuda(cudaFreeHost(memory));
  simt::SetDevices(1);
}

TEST_CASE("a vocabulary that an int cannot count is refused") {
  Call call;
  plait_logits& logits = call.device.raw();
  logits.rows = logits.tokens = 0;  // no memory is that large
  logits.vocab = logits.vocab_total = logits.row_stride = int64_t{1} << 31;
  CHECK(call.Run() == PLAIT_INVALID_ARGUMENT);
  CHECK(Says("logits.vocab: expected at most 2147483647 on a CUDA device, got 2147483648"));
  CHECK(std::isnan(call.logp.Read()[0]));
}

TEST_CASE("an ordinal out of range is named, with what there is") {
  Call call;
  CHECK(call.Run(7) == PLAIT_UNAVAILABLE);
  CHECK(Says("device 7: expected an ordinal below 1"));
  CHECK(plait_backend_available(7) == PLAIT_UNAVAILABLE);
  Accept(plait_backend_available(kDevice));
}

TEST_CASE("a failed launch is reported with CUDA's name, and the next one works") {
  Call call;
  simt::FailLaunch(1, cudaErrorLaunchOutOfResources, false);
  CHECK(call.Run() == PLAIT_INTERNAL);
  CHECK(Says("row_stats on CUDA device 0: cudaErrorLaunchOutOfResources"));
  Accept(call.Run());
}

TEST_CASE("a sticky error fails every later call, and never the process") {
  Call call;
  simt::FailLaunch(1, cudaErrorIllegalAddress, true);
  CHECK(call.Run() == PLAIT_INTERNAL);
  for (int i = 0; i < 3; ++i) {
    CHECK(call.Run() == PLAIT_INTERNAL);
    CHECK(Says("cudaErrorIllegalAddress"));
  }
  float logp = 0;
  std::vector<float> x = {1, 2};
  plait_logits logits = *call.rows.get();
  logits.tokens = logits.rows = 1;
  Accept(plait_row_stats(PLAIT_CPU, nullptr, &logits, &logp, nullptr, nullptr, nullptr, nullptr));
  CHECK(logp < 0);
  simt::Reset();
  Accept(call.Run());
}

TEST_CASE("no tokens need no launch") {
  Call call;
  call.device.raw().rows = call.device.raw().tokens = 0;
  simt::FailLaunch(1, cudaErrorIllegalAddress, false);
  Accept(call.Run());
  simt::Reset();
}

TEST_CASE("a machine with no driver says so" * doctest::skip()) {
  CHECK(plait_backend_available(0) == PLAIT_UNAVAILABLE);
  CHECK(Says("device 0: this machine has no NVIDIA driver"));
  CHECK(Says("cudaErrorInsufficientDriver"));
  Accept(plait_backend_available(PLAIT_CPU));
}

TEST_CASE("a machine with no device says so" * doctest::skip()) {
  CHECK(plait_backend_available(0) == PLAIT_UNAVAILABLE);
  CHECK(Says("device 0: this machine has no CUDA device"));
  Accept(plait_backend_available(PLAIT_CPU));
}

TEST_CASE("an old device says what it lacks" * doctest::skip()) {
  CHECK(plait_backend_available(0) == PLAIT_UNAVAILABLE);
  CHECK(Says("device 0: expected compute capability 8.0 or later, got 7.5"));
}

TEST_CASE("without its plugin the backend says what is missing, and loading one mends it" * doctest::skip()) {
  CHECK(plait_backend_available(0) == PLAIT_UNAVAILABLE);
  CHECK(Says("device 0: no CUDA plugin"));
  CHECK(plait_backend_available(0) == PLAIT_UNAVAILABLE);
  CHECK(Says("absent.so"));
  CHECK(plait_cuda_load(nullptr) == PLAIT_INVALID_ARGUMENT);
  CHECK(plait_cuda_load("/proc/self/exe") == PLAIT_UNAVAILABLE);
  Accept(plait_backend_available(PLAIT_CPU));
}
