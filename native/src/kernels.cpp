// Compiles the vector kernels for every SIMD target and picks one at run time.

// AVX-512 with VNNI adds nothing that these kernels use, nor does SSSE3 to SSE4 machines.
#ifdef PLAIT_FEW_TARGETS  // sanitizers take minutes for each
#define HWY_DISABLED_TARGETS (HWY_AVX3_DL | HWY_AVX3 | HWY_SSE4 | HWY_SSSE3)
#else
#define HWY_DISABLED_TARGETS (HWY_AVX3_DL | HWY_SSSE3)
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels.cpp"
#include "hwy/foreach_target.h"  // must come before highway.h

#undef PLAIT_TARGET_NAME
#if HWY_TARGET == HWY_AVX3
#define PLAIT_TARGET_NAME "AVX-512"
#elif HWY_TARGET == HWY_AVX2
#define PLAIT_TARGET_NAME "AVX2"
#elif HWY_TARGET == HWY_SSE4
#define PLAIT_TARGET_NAME "SSE4"
#elif HWY_TARGET == HWY_NEON
#define PLAIT_TARGET_NAME "NEON"
#else
#define PLAIT_TARGET_NAME "baseline"
#endif

#include "bandwidth_kernels-inl.h"
#include "gradient_kernels-inl.h"
#include "kernels.h"
#include "ratio_kernels-inl.h"
#include "row_kernels-inl.h"
#include "sampler_kernels-inl.h"
#include "token_kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait {
namespace HWY_NAMESPACE {

const Kernels kKernels = {
    PLAIT_TARGET_NAME,
    {ReduceRow<Float32Elements>, ReduceRow<Bfloat16Elements>, ReduceRow<Float16Elements>},
    {WriteGradient<Float32Elements>, WriteGradient<Bfloat16Elements>, WriteGradient<Float16Elements>},
    ReduceAndKeepRow,
    WriteKeptGradient,
    EvaluateRun,
    WeighTokens,
    AddSamplerRun,
    TokenRatios,
    ReadAll,
    ScaleAll};

}  // namespace HWY_NAMESPACE
}  // namespace plait
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <atomic>
#include <cstring>

namespace plait {
namespace {

// Calls visit(kernels, supported) for each target compiled in, best first.
template <class Visitor>
void VisitTargets(const Visitor& visit) {
#if HWY_ARCH_X86
  __builtin_cpu_init();
#endif
#if HWY_TARGETS & HWY_AVX3
  visit(N_AVX3::kKernels, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                              __builtin_cpu_supports("avx512cd"));
#endif
#if HWY_TARGETS & HWY_AVX2
  visit(N_AVX2::kKernels,
        __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"));
#endif
#if HWY_TARGETS & HWY_SSE4
  visit(N_SSE4::kKernels, __builtin_cpu_supports("sse4.1") != 0);
#endif
  visit(HWY_STATIC_DISPATCH(kKernels), true);
}

const Kernels* Find(const char* name) {
  const Kernels* found = nullptr;
  VisitTargets([&](const Kernels& kernels, bool supported) {
    if (!found && supported && (!name || std::strcmp(name, kernels.target) == 0)) found = &kernels;
  });
  return found;
}

std::atomic<const Kernels*> active{nullptr};

}  // namespace

const Kernels& ActiveKernels() {
  const Kernels* kernels = active.load(std::memory_order_acquire);
  if (!kernels) {
    kernels = Find(nullptr);
    active.store(kernels, std::memory_order_release);
  }
  return *kernels;
}

bool SelectKernels(const char* name) {
  const Kernels* kernels = Find(name);
  if (kernels) active.store(kernels, std::memory_order_release);
  return kernels != nullptr;
}

}  // namespace plait

#endif  // HWY_ONCE
