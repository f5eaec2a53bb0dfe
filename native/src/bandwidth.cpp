// The machine's own read and in-place-scale bandwidth, by loops as wide as the kernels': their roof.
#include <atomic>
#include <cinttypes>

#include "checks.h"
#include "kernels.h"
#include "parallel.h"

namespace plait {
namespace {

constexpr int64_t kRowBytes = 512 * 1024;  // about a row of logits
constexpr int64_t kGranule = 4096;

plait_status Check(const void* data, int64_t bytes) {
  if (bytes < 0 || bytes % kGranule != 0) {
    PLAIT_REFUSE("bytes: expected a multiple of %" PRId64 " >= 0, got %" PRId64, kGranule, bytes);
  }
  return CheckArray("data", data, bytes / 4, sizeof(float));
}

// Calls body(first float, count) for each piece, on all threads.
template <class Body>
void VisitPieces(int64_t bytes, const Body& body) {
  const int64_t pieces = (bytes + kRowBytes - 1) / kRowBytes;
  ParallelFor(pieces, kRowBytes, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t last = i == pieces - 1 ? bytes : (i + 1) * kRowBytes;
      body(i * kRowBytes / 4, (last - i * kRowBytes) / 4);
    }
  });
}

}  // namespace
}  // namespace plait

extern "C" int32_t plait_bandwidth_read(const void* data, int64_t bytes, double* sum) {
  using namespace plait;
  PLAIT_TRY(Check(data, bytes));
  AddressRanges ranges;
  ranges.AddInput("data", data, bytes);
  PLAIT_TRY(AddOutput(&ranges, "sum", sum, 1, sizeof(double), Presence::kRequired));
  PLAIT_TRY(ranges.Check(kCpuBackend, PLAIT_CPU));
  const Kernels& kernels = ActiveKernels();
  const float* floats = static_cast<const float*>(data);
  std::atomic<uint64_t> checksum{0};
  VisitPieces(bytes, [&](int64_t begin, int64_t count) {
    checksum += static_cast<uint64_t>(kernels.read(floats + begin, count) != 0);
  });
  *sum = static_cast<double>(checksum.load());
  return PLAIT_OK;
}

extern "C" int32_t plait_bandwidth_scale(float* data, int64_t bytes, float factor) {
  using namespace plait;
  PLAIT_TRY(Check(data, bytes));
  const Kernels& kernels = ActiveKernels();
  VisitPieces(bytes, [&](int64_t begin, int64_t count) { kernels.scale(data + begin, count, factor); });
  return PLAIT_OK;
}
