// The exponentials of stage two, seen through what is made of them.
#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

// Log-ratios over the whole range, with both sides of every point where the arithmetic changes.
std::vector<float> LogRatios() {
  std::vector<float> x;
  for (float value = -150; value < 95; value += 0.37f) x.push_back(value);
  for (const float edge :
       {-104.f, -103.9f, -103.3f, -87.4f, -87.f, -0.5f, 0.f, 0.5f, 87.f, 88.f, 88.7f, 88.73f, 89.f}) {
    for (const float value : {std::nextafter(edge, -kInf), edge, std::nextafter(edge, kInf)}) x.push_back(value);
  }
  return x;
}

std::vector<float> Ratios(const std::vector<float>& x) {
  const std::vector<float> zeros(x.size());
  std::vector<float> ratios(x.size());
  Accept(plait_importance_ratio(Device(), nullptr, static_cast<int64_t>(x.size()), 0, nullptr, nullptr, x.data(),
                                zeros.data(), PLAIT_RATIO_TOKEN, kInf, kInf, kInf, ratios.data(), nullptr, nullptr));
  return ratios;
}

// Units in the last place of `expected` as a float.
double Units(double actual, double expected) {
  const float rounded = static_cast<float>(expected);
  const double unit = static_cast<double>(std::nextafter(std::fabs(rounded), kInf)) - std::fabs(rounded);
  return std::fabs(actual - expected) / unit;
}

}  // namespace

TEST_CASE("a ratio is the exponential of its log-ratio within 2 units in the last place, from 0 to infinity") {
  const std::vector<float> x = LogRatios();
  const std::vector<float> together = Ratios(x);
  for (size_t i = 0; i < x.size(); ++i) {
    CAPTURE(x[i]);
    const double expected = std::exp(static_cast<double>(x[i]));
    if (static_cast<float>(expected) == kInf) {
      CHECK(together[i] == kInf);
    } else {
      CHECK(Units(together[i], expected) <= 2);
    }
    if (ReadsValuesFirst()) CHECK(Ratios({x[i]})[0] == together[i]);  // whatever stands beside it
  }
  CHECK(Ratios({-kInf, kInf, 0}) == std::vector<float>{0, kInf, 1});
  CHECK(std::isnan(Ratios({1, kNan, 100})[1]));
}

TEST_CASE("the KL estimator k3 and its derivative keep their digits, near 0 and far from it") {
  plait_objective objective = EmptyObjective();
  objective.rules[0].kl = {1, PLAIT_CONSTANT_LENGTH, PLAIT_ALL_TOKENS};
  objective.rules[0].kl_estimator = PLAIT_KL_K3;
  plait_normalizers normalizers = EmptyNormalizers();
  normalizers.length = 1;
  std::vector<float> d;
  for (const float size : {1e-6f, 3e-5f, 1e-3f, 0.02f, 0.1f, 0.25f, 0.4f, 0.499f, 0.5f, 0.501f, 0.7f, 0.9f, 0.999f, 1.f,
                           1.001f, 1.5f, 3.f, 10.f, 40.f}) {
    d.push_back(size);
    d.push_back(-size);
  }
  const int64_t tokens = static_cast<int64_t>(d.size());
  const std::vector<float> reference(d.size());
  std::vector<float> c(d.size()), loss(d.size());
  std::vector<double> workspace(plait_objective_workspace_bytes(tokens, 0) / 8 + 1);
  plait_token_batch batch = EmptyBatch(tokens);
  batch.ref_logp = reference.data();
  Accept(plait_token_objective(Device(), nullptr, &batch, &objective, &normalizers, d.data(), nullptr, c.data(),
                               nullptr, loss.data(), nullptr, workspace.data(),
                               static_cast<int64_t>(workspace.size() * 8)));
  for (size_t i = 0; i < d.size(); ++i) {
    CAPTURE(d[i]);
    const double x = -static_cast<double>(d[i]);
    // e^x - 1 - x = x^2 / 2 (1 + x / 3 (1 + x / 4)) where float64 has no digits left of it.
    const double value = std::fabs(x) < 1e-4 ? x * x / 2 * (1 + x / 3 * (1 + x / 4)) : std::expm1(x) - x;
    CHECK(std::fabs(loss[i] - value) <= 1e-6 * value);
    CHECK(std::fabs(c[i] + std::expm1(x)) <= 1e-6 * std::fabs(std::expm1(x)));
  }
}
