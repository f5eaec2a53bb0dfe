// logits_grad: the gradient of the logits from two scalars per token.
//
// Bytes: T * V elements read and as many written, 6 floats per row beside. The floor is the copy bandwidth of the
// device. Every element stands for itself, so a row is cut into tiles of 1024 vectors, a block each, of which a thread
// has four in registers. A row whose c and h are zero costs its write alone.
#include "device.h"
#include "dispatch.h"
#include "gradient.cuh"
#include "kernels.h"
#include "launch.h"
#include "row.cuh"

namespace plait::cuda {
namespace {

constexpr int kTileVectors = kBlockThreads * kStepVectors;

struct LogitsGradArguments {
  plait_logits logits;
  const float* state;
  const float* c;
  const float* h;  // or null: 0
  void* dlogits;
  int64_t dlogits_stride;
  unsigned long long* bad_targets;
  unsigned tiles;  // per row
  int64_t first;   // token of the grid
};

__device__ RowState StateAt(const float* state, int64_t token) {
  const float* at = state + PLAIT_STATE_FLOATS * token;
  return {at[0], at[1], at[2], at[3]};
}

// Computed by one thread for its block: the double arithmetic of it is scarce on some devices.
__device__ RowGradient GradientOfRow(const LogitsGradArguments& in, int64_t token) {
  const RowState state = StateAt(in.state, token);
  const float temperature = TemperatureOf(in.logits, token);
  const float c = in.c[token], h = in.h ? in.h[token] : 0;
  const int64_t target = TargetOf(in.logits, token);
  RowGradient gradient;
  gradient.coefficients = RowCoefficientsOf(state, c, h, temperature);
  gradient.target = target - in.logits.vocab_begin;
  gradient.fill = FillOf(gradient.coefficients, IsBadTarget(in.logits, target), c, h);
  if (gradient.fill == Fill::kGradient && gradient.target >= 0 && gradient.target < in.logits.vocab) {
    gradient.coefficients.target = TargetGradientOf(state, c, h, temperature);
  }
  return gradient;
}

template <class E>
__global__ void __launch_bounds__(kBlockThreads, kBlocksPerMultiprocessor)
    LogitsGradKernel(const __grid_constant__ LogitsGradArguments in) {
  const int64_t token = in.first + blockIdx.x / in.tiles;
  const unsigned tile = blockIdx.x % in.tiles;
  const int64_t row_number = RowOf(in.logits, token);
  if (row_number < 0 || row_number >= in.logits.rows) return;
  RowGradient* shared = reinterpret_cast<RowGradient*>(SharedMemory());
  if (threadIdx.x == 0) {
    *shared = GradientOfRow(in, token);
    if (tile == 0 && in.bad_targets && IsBadTarget(in.logits, TargetOf(in.logits, token))) {
      atomicAdd(in.bad_targets, 1ull);
    }
  }
  __syncthreads();
  const RowGradient gradient = *shared;
  const Row<E> row(RowAt(in.logits.data, row_number, in.logits.row_stride, E::kDtype), in.logits.vocab);
  const GradientRow<E> out(RowAt(in.dlogits, row_number, in.dlogits_stride, E::kDtype), in.logits.vocab);
  const int64_t end = out.VectorsBefore(out.length);
  const int64_t first = static_cast<int64_t>(tile) * kTileVectors + threadIdx.x;
  if (gradient.fill != Fill::kGradient) {
    for (int i = 0; i < kStepVectors; ++i) {
      const int64_t u = first + i * kBlockThreads;
      if (u < end) out.StoreFill(u, 0, out.length, gradient.fill);
    }
    return;
  }
  uint4 v[kStepVectors];
#pragma unroll
  for (int i = 0; i < kStepVectors; ++i) {
    const int64_t u = first + i * kBlockThreads;
    if (u < end) v[i] = row.Load(out.First(u));
  }
#pragma unroll
  for (int i = 0; i < kStepVectors; ++i) {
    const int64_t u = first + i * kBlockThreads;
    if (u >= end) break;
    float x[E::kCount];
    E::Unpack(v[i], x);
    out.Differentiate(gradient.coefficients, x);
    out.Store(u, 0, out.length, x);
  }
  if (gradient.target < 0 || gradient.target >= out.length) return;
  const int64_t own = out.VectorOf(gradient.target) - first;
  if (own >= 0 && own < kTileVectors && own % kBlockThreads == 0) out.StoreTarget(gradient);
}

}  // namespace

plait_status LogitsGradOf(const Placement& at, const plait_logits& logits, const float* state, const float* c,
                          const float* h, void* dlogits, int64_t dlogits_stride, int64_t* bad_targets) {
  PLAIT_TRY(Clear(at, bad_targets, sizeof(*bad_targets)));
  return VisitDtype(logits.dtype, [&](auto e) {
    using E = decltype(e);
    // A row that begins within a vector may take one more.
    const int64_t tiles = Blocks(Blocks(logits.vocab + E::kCount - 1, E::kCount), kTileVectors);
    return InGrids(logits.tokens, tiles, [&](int64_t first, int64_t count) {
      const LaunchShape shape = {count * tiles, kBlockThreads, static_cast<int>(sizeof(RowGradient))};
      const LogitsGradArguments arguments = {logits,
                                             state,
                                             c,
                                             h,
                                             dlogits,
                                             dlogits_stride,
                                             reinterpret_cast<unsigned long long*>(bad_targets),
                                             static_cast<unsigned>(tiles),
                                             first};
      return Launch(at, "logits_grad", shape, LogitsGradKernel<E>, arguments);
    });
  });
}

plait_status LogitsGrad(const Placement& at, const plait_logits& logits, const float* state, const float* c,
                        const float* h, void* dlogits, int64_t dlogits_stride, int64_t* bad_targets) {
  const DeviceScope scope(at.device);
  return LogitsGradOf(at, logits, state, c, h, dlogits, dlogits_stride, bad_targets);
}

}  // namespace plait::cuda
