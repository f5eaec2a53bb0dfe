// logits_grad: the gradient of the logits from two scalars per token.
//
// Bytes: T * V elements read and as many written, 6 floats per row beside. One exponential per logit. In place the
// floor is the machine's in-place-scale bandwidth. A row whose c and h are zero costs its write alone.
#include <cstring>

#include "checks.h"
#include "cpu.h"
#include "parallel.h"

namespace plait::cpu {
namespace {

void FillRow(void* row, int64_t vocab, int32_t dtype, float value) {
  if (value == 0) {
    std::memset(row, 0, vocab * ElementBytes(dtype));
  } else {
    for (int64_t j = 0; j < vocab; ++j) StoreElement(row, j, dtype, value);
  }
}

}  // namespace

void WriteGradientRow(const Kernels& kernels, const plait_logits& logits, int64_t token, const RowState& state, float c,
                      float h, void* dlogits, int64_t dlogits_stride, const KeptExponentials* kept) {
  const int64_t row_number = RowOf(logits, token);
  const void* row = RowAt(logits.data, row_number, logits.row_stride, logits.dtype);
  void* out = RowAt(dlogits, row_number, dlogits_stride, logits.dtype);
  const int64_t target = TargetOf(logits, token);
  if (IsBadTarget(logits, target)) return FillRow(out, logits.vocab, logits.dtype, 0);
  const GradientCoefficients coefficients = CoefficientsOf(state, c, h, TemperatureOf(logits, token));
  if (IsPoisoned(coefficients)) return FillRow(out, logits.vocab, logits.dtype, NAN);
  if (c == 0 && h == 0) return FillRow(out, logits.vocab, logits.dtype, 0);
  if (kept) {
    kernels.write_kept_gradient(*kept, logits.vocab, coefficients);
  } else {
    kernels.write_gradient[logits.dtype](row, logits.vocab, coefficients, out);
  }
  const int64_t column = target - logits.vocab_begin;
  if (column >= 0 && column < logits.vocab) StoreElement(out, column, logits.dtype, coefficients.target);
}

plait_status LogitsGrad(const Placement&, const plait_logits& logits, const float* state, const float* c,
                        const float* h, void* dlogits, int64_t dlogits_stride, int64_t* bad_targets) {
  PLAIT_TRY(CheckTemperatureValues(logits.temperatures, logits.tokens));
  PLAIT_TRY(CheckRowIndexValues(logits));
  const Kernels& kernels = ActiveKernels();
  const RowState* states = reinterpret_cast<const RowState*>(state);
  ParallelFor(logits.tokens, 2 * RowBytes(logits), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      WriteGradientRow(kernels, logits, t, states[t], c[t], h ? h[t] : 0, dlogits, dlogits_stride);
    }
  });
  if (bad_targets) *bad_targets = CountBadTargets(logits);
  return PLAIT_OK;
}

}  // namespace plait::cpu
