// The emulator computes what CUDA's threads compute. Misuse and the host's calls are tested in simt/*_test.cpp.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <memory>  // uses __noinline__ as an attribute, after the macro of that name
#include <random>

#include "test_support.h"

namespace {

template <class T>
__global__ void __launch_bounds__(64) Shuffles(T* out, T step) {
  const T value = static_cast<T>(threadIdx.x) * step;
  T* row = out + threadIdx.x * 6;
  row[0] = __shfl_sync(kFull, value, 5);
  row[1] = __shfl_sync(kFull, value, threadIdx.x + 1);
  row[2] = __shfl_xor_sync(kFull, value, 8, 32);
  row[3] = __shfl_up_sync(kFull, value, 3);
  row[4] = __shfl_down_sync(kFull, value, 30);
  __syncwarp();
  row[5] = __shfl_xor_sync(kFull, value, 0);
}

template <class T>
void CheckShuffles(T step) {
  Array<T> out(64 * 6);
  RUN(Shuffles<T>, {1, 64}, out.get(), step);
  for (unsigned i = 0; i < 64; ++i) {
    const unsigned base = i & 32;
    const unsigned lane = i & 31;
    const auto at = [&](unsigned source) { return static_cast<T>(base + source) * step; };
    CHECK(out[i * 6] == at(5));
    CHECK(out[i * 6 + 1] == at((lane + 1) % 32));
    CHECK(out[i * 6 + 2] == at(lane ^ 8));
    CHECK(out[i * 6 + 3] == at(lane < 3 ? lane : lane - 3));
    CHECK(out[i * 6 + 4] == at(lane > 1 ? lane : lane + 30));
    CHECK(out[i * 6 + 5] == at(lane));
  }
}

__global__ void Votes(unsigned* out) {
  out[threadIdx.x * 4] = __ballot_sync(kFull, threadIdx.x % 3 == 0);
  out[threadIdx.x * 4 + 1] = __any_sync(kFull, threadIdx.x == 40);
  out[threadIdx.x * 4 + 2] = __all_sync(kFull, threadIdx.x != 40);
  out[threadIdx.x * 4 + 3] = __all_sync(kFull, 2);
}

__global__ void Atomics(int* sum, unsigned* bits, unsigned* most, unsigned long long* wide, unsigned* seen) {
  auto* local = reinterpret_cast<unsigned*>(simt::SharedMemory());
  if (threadIdx.x == 0) *local = 0;
  __syncthreads();
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  atomicAdd(sum, -static_cast<int>(i));
  atomicOr(bits, 1u << (i % 31));
  atomicMax(most, i);
  atomicAdd(wide, 1ull << 33);
  atomicMax(wide + 1, (1ull << 40) + i);
  seen[blockIdx.x * blockDim.x + atomicAdd(local, 1u)] = 1;
}

__global__ void Indices(unsigned* out) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = i + threadIdx.y + blockIdx.z + (gridDim.y - 1) + (blockDim.z - 1) + gridDim.x;
}

struct Parameters {
  int* out;
  int value;
};
__global__ void TakesParameters(const __grid_constant__ Parameters p, double scale) {
  p.out[threadIdx.x] = static_cast<int>(p.value * scale);
}

// Sums over a cluster: each block over its threads, then every block over the others' sums.
__global__ void ClusterSum(const float* in, double* out) {
  auto* sums = reinterpret_cast<double*>(simt::SharedMemory());
  double sum = in[blockIdx.x * blockDim.x + threadIdx.x];
  for (int lane = 16; lane > 0; lane >>= 1) sum += __shfl_xor_sync(kFull, sum, lane);
  if (threadIdx.x % 32 == 0) sums[1 + threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    double own = 0;
    for (unsigned warp = 0; warp < blockDim.x / 32; ++warp) own += sums[1 + warp];
    sums[0] = own;
  }
  simt::ClusterArrive();
  simt::ClusterWait();
  double total = 0;
  for (unsigned rank = 0; rank < simt::ClusterSize(); ++rank) total += *simt::MapShared(sums, rank);
  simt::ClusterArrive();
  out[blockIdx.x * blockDim.x + threadIdx.x] = total + simt::ClusterRank();
  simt::ClusterWait();
}

// Half of each block leaves early; the others' phases end without them.
__global__ void ClusterWithout(unsigned* out) {
  if (threadIdx.x >= 32) return;
  for (int round = 0; round < 3; ++round) {
    simt::ClusterArrive();
    simt::ClusterWait();
  }
  out[blockIdx.x * 32 + threadIdx.x] = 1;
}

// Two stages in flight, as a row is read.
template <int kLeft>
__global__ void Pipeline(const float* in, float* out, int rounds) {
  auto* stages = reinterpret_cast<float4*>(simt::SharedMemory());
  const auto* source = reinterpret_cast<const float4*>(in) + threadIdx.x;
  const auto stage = [&](int round) { return stages + (round % 2) * blockDim.x + threadIdx.x; };
  for (int round = 0; round < 2; ++round) {
    simt::CopyAsync(stage(round), source + round * blockDim.x, 16);
    simt::CopyAsyncCommit();
  }
  float sum = 0;
  for (int round = 0; round < rounds; ++round) {
    simt::CopyAsyncWait(kLeft);
    const float4 v = *stage(round);
    sum += v.x + v.y + v.z + v.w;
    if (round + 2 < rounds) simt::CopyAsync(stage(round + 2), source + (round + 2) * blockDim.x, 16);
    simt::CopyAsyncCommit();
  }
  simt::CopyAsyncWait(0);
  out[threadIdx.x] = sum;
}

template <bool kSynchronised>
__global__ void Exchanges(int* out) {
  auto* slots = reinterpret_cast<int*>(simt::SharedMemory());
  slots[threadIdx.x] = static_cast<int>(threadIdx.x);
  if (kSynchronised) __syncthreads();
  out[threadIdx.x] = slots[(threadIdx.x + 37) % blockDim.x];
}

__global__ void ReadsShared(float* out, size_t* alignment) {
  out[threadIdx.x] = reinterpret_cast<float*>(simt::SharedMemory())[threadIdx.x];
  *alignment = reinterpret_cast<uintptr_t>(simt::SharedMemory()) % 128;
}

__global__ void Vectors(const uint4* in, uint4* out) {
  const uint4 v = __ldcs(in + threadIdx.x);
  __stcs(out + threadIdx.x, make_uint4(v.w, v.z, v.y, __ldcg(&in[threadIdx.x].x)));
}

// One row of the vocabulary by a cluster: the shape of the kernels that the emulator is for.
__global__ void RowSum(const float* row, int size, double* out) {
  double sum = 0;
  const int step = static_cast<int>(gridDim.x * blockDim.x) * 4;
  for (int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x) * 4; i < size; i += step) {
    const float4 v = __ldcs(reinterpret_cast<const float4*>(row + i));
    sum += simt::Exp2Approx(v.x) + simt::Exp2Approx(v.y) + simt::Exp2Approx(v.z) + simt::Exp2Approx(v.w);
  }
  auto* sums = reinterpret_cast<double*>(simt::SharedMemory());
  for (int round = 0; round < 10; ++round) {
    double total = sum;
    for (int lane = 16; lane > 0; lane >>= 1) total += __shfl_xor_sync(kFull, total, lane);
    if (threadIdx.x == 0) sums[round] = total;
    __syncthreads();
  }
  simt::ClusterArrive();
  simt::ClusterWait();
  if (blockIdx.x == 0 && threadIdx.x == 0) *out = *simt::MapShared(sums, simt::ClusterSize() - 1);
  simt::ClusterArrive();
  simt::ClusterWait();
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "Shuffles move what CUDA's do, for every type") {
  CheckShuffles<float>(0.37f);
  CheckShuffles<double>(1 / 3.0);
  CheckShuffles<int>(-7);
  CheckShuffles<unsigned>(0x01234567u);
  CheckShuffles<long>(-(1l << 40));
  CheckShuffles<unsigned long>(1ul << 50);
  CheckShuffles<long long>(-(1ll << 40));
  CheckShuffles<unsigned long long>(1ull << 50);
}

TEST_CASE_FIXTURE(Fixture, "Votes are the warp's") {
  Array<unsigned> out(64 * 4);
  RUN(Votes, {1, 64}, out.get());
  for (unsigned i = 0; i < 64; ++i) {
    CHECK(out[i * 4] == (i < 32 ? 0x49249249u : 0x92492492u));
    CHECK(out[i * 4 + 1] == (i >= 32));
    CHECK(out[i * 4 + 2] == (i < 32));
    CHECK(out[i * 4 + 3] == 1);
  }
}

TEST_CASE_FIXTURE(Fixture, "Atomics lose nothing between threads and blocks") {
  Array<int> sum(1);
  Array<unsigned> bits(2);
  Array<unsigned long long> wide(2);
  Array<unsigned> seen(64 * 96);
  sum[0] = 0;
  bits[0] = bits[1] = 0;
  wide[0] = wide[1] = 0;
  RUN(Atomics, {64, 96, 4}, sum.get(), bits.get(), bits.get() + 1, wide.get(), seen.get());
  const int n = 64 * 96;
  CHECK(sum[0] == -n * (n - 1) / 2);
  CHECK(bits[0] == 0x7FFFFFFFu);
  CHECK(bits[1] == n - 1);
  CHECK(wide[0] == static_cast<unsigned long long>(n) << 33);
  CHECK(wide[1] == (1ull << 40) + n - 1);
  CHECK(seen.Copy() == std::vector<unsigned>(n, 1));
}

TEST_CASE_FIXTURE(Fixture, "Every thread of every block runs once with its own indices") {
  Array<unsigned> out(50 * 64);
  RUN(Indices, {50, 64}, out.get());
  for (unsigned i = 0; i < 50 * 64; ++i) CHECK(out[i] == i + 50);
}

TEST_CASE_FIXTURE(Fixture, "Arguments are converted to the kernel's parameters") {
  Array<int> out(32);
  RUN(TakesParameters, {1, 32}, Parameters{out.get(), 21}, 2);
  CHECK(out.Copy() == std::vector<int>(32, 42));
}

TEST_CASE_FIXTURE(Fixture, "Bit operations are CUDA's") {
  CHECK(__popc(0xF0F0u) == 8);
  CHECK(__popcll(0xF0F0ull << 32) == 8);
  CHECK(__ffs(0) == 0);
  CHECK(__ffs(0x90) == 5);
  CHECK(__clz(0) == 32);
  CHECK(__clz(1) == 31);
  CHECK(__clz(-1) == 0);
  CHECK(__clzll(1) == 63);
  CHECK(__funnelshift_r(0x89ABCDEFu, 0x01234567u, 8) == 0x6789ABCDu);
  CHECK(__funnelshift_r(0x89ABCDEFu, 0x01234567u, 32) == 0x89ABCDEFu);
  CHECK(__float_as_uint(1) == 0x3F800000u);
  CHECK(__uint_as_float(0x40000000u) == 2);
  CHECK(__float_as_int(-0.f) == INT32_MIN);
  CHECK(__int_as_float(0x3F800000) == 1);
  CHECK(__double_as_longlong(1) == 0x3FF0000000000000);
}

TEST_CASE_FIXTURE(Fixture, "Vectors have CUDA's sizes and alignments, and are loaded and stored whole") {
  CHECK(sizeof(uint4) == 16);
  CHECK(alignof(uint4) == 16);
  CHECK(alignof(float4) == 16);
  CHECK(alignof(float2) == 8);
  Array<uint4> in(32);
  Array<uint4> out(32);
  for (unsigned i = 0; i < 32; ++i) in[i] = make_uint4(4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3);
  RUN(Vectors, {1, 32}, in.get(), out.get());
  for (unsigned i = 0; i < 32; ++i) {
    CHECK(out[i].x == 4 * i + 3);
    CHECK(out[i].z == 4 * i + 1);
    CHECK(out[i].w == 4 * i);
  }
}

TEST_CASE_FIXTURE(Fixture, "A cluster of 8 sums over its distributed shared memory") {
  Array<float> in(16 * 256);
  Array<double> out(16 * 256);
  double expected[2] = {0, 0};
  for (int i = 0; i < 16 * 256; ++i) expected[i / 2048] += in[i] = static_cast<float>(i % 1000);
  RUN(ClusterSum, {16, 256, 72, 8}, in.get(), out.get());
  for (int i = 0; i < 16 * 256; ++i) CHECK(out[i] == expected[i / 2048] + i / 256 % 8);
}

TEST_CASE_FIXTURE(Fixture, "A thread that has returned counts as arrived in the cluster's later phases") {
  Array<unsigned> out(4 * 32);
  RUN(ClusterWithout, {4, 96, 0, 4}, out.get());
  CHECK(out.Copy() == std::vector<unsigned>(4 * 32, 1));
}

TEST_CASE_FIXTURE(Fixture, "Asynchronous copies arrive at the wait for their group, and not before") {
  constexpr int kRounds = 5;
  Array<float> in(32 * 4 * kRounds);
  Array<float> out(32);
  for (int i = 0; i < 32 * 4 * kRounds; ++i) in[i] = 1;
  RUN(Pipeline<1>, {1, 32, 2 * 32 * 16}, in.get(), out.get(), kRounds);
  CHECK(out.Copy() == std::vector<float>(32, 4 * kRounds));
  RUN(Pipeline<2>, {1, 32, 2 * 32 * 16}, in.get(), out.get(), kRounds);  // leaves one too many in flight
  for (float sum : out.Copy()) CHECK(std::isnan(sum));
}

TEST_CASE_FIXTURE(Fixture, "A race gives different results under different seeds, and its repaired twin does not") {
  Array<int> out(128);
  const auto run = [&](auto kernel, uint64_t seed) {
    simt::SetSeed(seed);
    RUN(kernel, {1, 128, 512}, out.get());
    return out.Copy();
  };
  const std::vector<int> racy = run(Exchanges<false>, 1);
  CHECK(racy == run(Exchanges<false>, 1));
  CHECK(racy != run(Exchanges<false>, 2));
  const std::vector<int> repaired = run(Exchanges<true>, 1);
  for (uint64_t seed = 2; seed < 10; ++seed) CHECK(repaired == run(Exchanges<true>, seed));
  for (int i = 0; i < 128; ++i) CHECK(repaired[i] == (i + 37) % 128);
}

TEST_CASE_FIXTURE(Fixture, "Memory that nothing has written reads as NaN: shared memory and outputs") {
  Array<float> out(65);
  Array<size_t> alignment(1);
  for (float value : out.Copy()) CHECK(std::isnan(value));
  for (int i = 0; i < 65; ++i) out[i] = 0;
  RUN(ReadsShared, {1, 64, 256}, out.get(), alignment.get());
  for (int i = 0; i < 64; ++i) CHECK(std::isnan(out[i]));
  CHECK(out[64] == 0);
  CHECK(alignment[0] == 0);
}

TEST_CASE("16-bit conversions are the CPU kernels', and maxima prefer numbers to NaN") {
  std::mt19937 random(7);
  for (int i = 0; i < 100000; ++i) {
    const float value = __uint_as_float(static_cast<unsigned>(random()));
    CHECK(__float2bfloat16_rn(value).bits == plait::Bfloat16FromFloat(value));
    CHECK(__float2half_rn(value).bits == plait::Float16FromFloat(value));
  }
  for (unsigned i = 0; i < 65536; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    CHECK(__float_as_uint(__bfloat162float({bits})) == plait::BitsFromFloat(plait::FloatFromBfloat16(bits)));
    CHECK(__float_as_uint(__half2float({bits})) == plait::BitsFromFloat(plait::FloatFromFloat16(bits)));
  }
  const float nan = NAN;
  CHECK(__low2float(__floats2bfloat162_rn(1, 2)) == 1);
  CHECK(__high2float(__floats2bfloat162_rn(1, 2)) == 2);
  CHECK(__bfloat1622float2(__hmax2(__floats2bfloat162_rn(1, nan), __floats2bfloat162_rn(3, -2))).x == 3);
  CHECK(__bfloat1622float2(__hmax2(__floats2bfloat162_rn(1, nan), __floats2bfloat162_rn(3, -2))).y == -2);
  CHECK(__half22float2(__hmax2(__floats2half2_rn(5, -2), __floats2half2_rn(3, nan))).x == 5);
  CHECK(__half22float2(__hmax2(__floats2half2_rn(5, -2), __floats2half2_rn(3, nan))).y == -2);
  CHECK(std::isnan(__half2float(__hmax(__float2half_rn(nan), __float2half_rn(nan)))));
  CHECK(__hmax(__float2half_rn(-0.f), __float2half_rn(0.f)).bits == 0);
  CHECK(sizeof(__nv_bfloat162) == 4);
  CHECK(alignof(__half2) == 4);
  CHECK(alignof(__half) == 2);
}

TEST_CASE("The twin of ex2.approx is wrong by up to what is documented, and no further") {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> uniform(-126, 127.9f);
  double worst = 0;
  int exact = 0;
  for (int i = 0; i < 100000; ++i) {
    const float x = uniform(random);
    const double expected = std::exp2(static_cast<double>(x));
    if (expected < 0x1p-125) continue;
    const double error = std::fabs(simt::Exp2Approx(x) / expected - 1);
    worst = std::fmax(worst, error);
    exact += simt::Exp2Approx(x) == static_cast<float>(expected);
  }
  CHECK(worst <= 0x1p-22);
  CHECK(worst > 0x1.8p-23);
  CHECK(exact < 40000);
  CHECK(simt::Exp2Approx(0) == 1);
  CHECK(simt::Exp2Approx(-0.f) == 1);
  CHECK(simt::Exp2Approx(1e-40f) == 1);
  CHECK(simt::Exp2Approx(-126.5f) == 0);
  CHECK(__float_as_uint(simt::Exp2Approx(-INFINITY)) == 0);
  CHECK(simt::Exp2Approx(INFINITY) == INFINITY);
  CHECK(simt::Exp2Approx(128) == INFINITY);
  CHECK(std::isnan(simt::Exp2Approx(NAN)));
  CHECK(simt::Exp2Approx(0.3f) == simt::Exp2Approx(0.3f));
}

TEST_CASE_FIXTURE(Fixture,
                  "A row of 151936 by a cluster of 8 x 256 threads is summed" * doctest::description("speed")) {
  constexpr int kSize = 151936;
  Array<float> row(kSize);
  Array<double> out(1);
  for (int i = 0; i < kSize; ++i) row[i] = static_cast<float>(i % 7) - 3;
  const int repetitions = std::getenv("PLAIT_SIMT_REPETITIONS") ? std::atoi(std::getenv("PLAIT_SIMT_REPETITIONS")) : 1;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < repetitions; ++i) RUN(RowSum, {8, 256, 80, 8}, row.get(), kSize, out.get());
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  if (repetitions > 1) MESSAGE("ms for one row: ", took.count() / repetitions);
  CHECK(out[0] > 0);
}
