// What is not a kernel: the choice of a SIMD target, the bandwidth functions, sizes of workspaces, and what the library
// says of itself.
#include "objective_input.h"

using namespace plait::fuzz;

namespace {

constexpr int kSites = 12;

void FuzzTargets(Call* call) {
  const std::string before = plait_cpu_target();
  const std::string name =
      call->Bool() ? call->Pick<const char*>({"AVX-512", "AVX2", "SSE4", "NEON", "baseline", ""}) : call->String(700);
  if (plait_cpu_select_target(name.c_str()) == PLAIT_OK) {
    PLAIT_EXPECT(name.c_str() == std::string(plait_cpu_target()), "another target than the one asked for");
  } else {
    PLAIT_EXPECT(std::strncmp(plait_last_error(), "name: expected ", 15) == 0, "the argument is not named");
    PLAIT_EXPECT(before == plait_cpu_target(), "a refused choice changes the target");
  }
  PLAIT_EXPECT(plait_cpu_select_target(nullptr) == PLAIT_OK && *plait_cpu_target(), "there is no best target");
}

void FuzzScale(Call* call) {
  const int64_t bytes = 4096 * call->Int(0, 3);
  const std::vector<float> values = call->Floats(bytes / 4, -2, 2);
  const float factor = call->Float();
  char* at = bytes > 0 && call->Spoil("data") ? nullptr : call->InPlace("data", values.data(), bytes, 4);
  const int64_t argument = call->Spoil("bytes") ? call->Pick<int64_t>({-1, -4096, INT64_MIN, 12, INT64_MAX}) : bytes;
  float* floats = reinterpret_cast<float*>(at);
  if (!call->Check([&] { return plait_bandwidth_scale(floats, argument, factor); })) return;
  for (size_t i = 0; i < values.size(); ++i) PLAIT_EXPECT(Same(floats[i], values[i] * factor), "element %zu", i);
}

void FuzzRead(Call* call) {
  const int64_t bytes = 4096 * (call->Int(0, 31) == 31 ? call->Int(100, 300) : call->Int(0, 3));
  const float* at = call->Input("data", call->Floats(bytes / 4, -2, 2));
  double* sum = call->Output<double>("sum", 1);
  const int64_t argument = call->Spoil("bytes") ? call->Pick<int64_t>({-1, -4096, INT64_MIN, 12, INT64_MAX}) : bytes;
  call->Check([&] { return plait_bandwidth_read(at, argument, sum); });
}

void FuzzSizes(Call* call) {
  const auto count = [call] {
    const int64_t base = call->Pick<int64_t>(
        {0, 1, 1024, INT32_MAX, INT64_MAX / 256, INT64_MAX / 64, INT64_MAX / 8, INT64_MAX - 100, -1, INT64_MIN});
    return base + call->Int(0, 100);
  };
  const int64_t tokens = count(), sequences = count(), groups = count();
  const int64_t bytes = plait_objective_workspace_bytes(tokens, sequences);
  const int64_t group_bytes = plait_group_advantage_workspace_bytes(groups);
  constexpr int64_t kMany = int64_t{1} << 32;  // more than any memory holds, but no overflow
  if (tokens < 0 || sequences < 0) PLAIT_EXPECT(bytes == 0, "%lld bytes", static_cast<long long>(bytes));
  if (tokens >= 0 && tokens < kMany && sequences >= 0 && sequences < kMany) {
    PLAIT_EXPECT(bytes > 0 && bytes % 8 == 0, "%lld bytes", static_cast<long long>(bytes));
    PLAIT_EXPECT(plait_objective_workspace_bytes(tokens + 1, sequences) >= bytes, "fewer bytes for more tokens");
    PLAIT_EXPECT(plait_objective_workspace_bytes(tokens, sequences + 1) >= bytes, "fewer bytes for more sequences");
  }
  PLAIT_EXPECT(bytes >= 0 && group_bytes >= 0, "%lld, %lld bytes", static_cast<long long>(bytes),
               static_cast<long long>(group_bytes));
  PLAIT_EXPECT(groups >= 0 || group_bytes == 0, "%lld bytes", static_cast<long long>(group_bytes));
}

void FuzzInformation(Call* call) {
  PLAIT_EXPECT(plait_abi_version() == PLAIT_ABI_VERSION && *plait_version() && plait_cpu_threads() > 0, "information");
  PLAIT_EXPECT(plait_backend_available(PLAIT_CPU) == PLAIT_OK, "no CPU");
  const int32_t device = call->Pick<int32_t>({0, 1, -2, INT32_MAX, INT32_MIN});
  PLAIT_EXPECT(plait_backend_available(device) == PLAIT_UNAVAILABLE && *plait_last_error(), "device %d", device);
  PLAIT_EXPECT(plait_cuda_load(nullptr) == PLAIT_INVALID_ARGUMENT && std::strncmp(plait_last_error(), "path: ", 6) == 0,
               "no path");
  const std::string path = "/nonexistent/" + call->String(600);
  PLAIT_EXPECT(plait_cuda_load(path.c_str()) == PLAIT_UNAVAILABLE && *plait_last_error(), "%s", path.c_str());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Call call(data, size, kSites);
  switch (call.Int(0, 4)) {
    case 0:
      FuzzTargets(&call);
      break;
    case 1:
      FuzzScale(&call);
      break;
    case 2:
      FuzzRead(&call);
      break;
    case 3:
      FuzzSizes(&call);
      break;
    default:
      FuzzInformation(&call);
      break;
  }
  return 0;
}
