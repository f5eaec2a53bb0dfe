// The device side of the emulator: what a kernel may use. See README.md for what it proves and what it does not.
#ifndef PLAIT_CUDA_TEST_SIMT_H_
#define PLAIT_CUDA_TEST_SIMT_H_

#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <source_location>

#include "simt_types.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
// Empty, and not an attribute: libstdc++ writes __attribute__((__noinline__)), which stays valid this way whatever the
// order of the includes.
#define __noinline__

// A library that contains the emulator, and a program that links both, must share one machine: its names are exported
// even where everything else is hidden.
#pragma GCC visibility push(default)

extern constinit thread_local uint3 threadIdx;
extern constinit thread_local uint3 blockIdx;
extern constinit thread_local dim3 blockDim;
extern constinit thread_local dim3 gridDim;
inline constexpr int warpSize = 32;

namespace simt {

using Site = std::source_location;

// Ends the launch with `message`, as a sticky cudaErrorLaunchFailure. Outside a kernel it ends the process.
[[noreturn]] void Fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

// The block's dynamic shared memory: exactly as large as launched with, aligned to 128 bytes, filled with 0xFF.
char* SharedMemory();

unsigned ClusterRank();
unsigned ClusterSize();
void ClusterArrive(Site site = Site::current());
void ClusterWait(Site site = Site::current());

// The address, in the shared memory of block `rank` of the cluster, of what `pointer` is in this block's own.
void* MapSharedAddress(const void* pointer, unsigned rank);
template <class T>
T* MapShared(T* pointer, unsigned rank) {
  return static_cast<T*>(MapSharedAddress(pointer, rank));
}

// cp.async and its groups. The bytes arrive at the wait and not before; until then the destination holds 0xFF.
void CopyAsync(void* shared, const void* global, int bytes);
void CopyAsyncCommit();
void CopyAsyncWait(int groups_left_pending);

// ex2.approx.ftz.f32 as badly as its documentation allows: an error of up to 2 units in the last place, as CUDA gives
// it for exp2f, which is this instruction; that is at most 2^-22, as PTX gives it. Drawn from x's bits.
float Exp2Approx(float x);

// Deposits `bits` for the warp's other lanes, waits for all of them, and returns what the 32 lanes deposited; valid
// until this thread's next warp-wide operation.
const uint64_t* Exchange(unsigned mask, int width, uint64_t bits, const char* operation, Site site);
// Lets the scheduler run another thread here, now and then: atomics are where threads of a block interleave.
void Interleave();

template <class T, class... Us>
concept OneOf = (std::same_as<T, Us> || ...);
template <class T>
concept Shuffled = OneOf<T, float, double, int, unsigned, long, unsigned long, long long, unsigned long long>;
template <class T>
concept Counter = OneOf<T, int, unsigned, unsigned long long>;

template <Shuffled T>
uint64_t ToBits(T value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(value));
  return bits;
}
template <Shuffled T>
T FromBits(uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline int Lane() { return static_cast<int>(threadIdx.x % 32); }

template <class T>
void CheckAligned(const T* pointer, const char* operation) {
  if (reinterpret_cast<uintptr_t>(pointer) % alignof(T) != 0) {
    Fail("%s: the address %p is not aligned to %zu bytes", operation, static_cast<const void*>(pointer), alignof(T));
  }
}

}  // namespace simt

void __syncthreads(simt::Site site = simt::Site::current());

inline void __syncwarp(unsigned mask = 0xFFFFFFFFu, simt::Site site = simt::Site::current()) {
  simt::Exchange(mask, 32, 0, "__syncwarp", site);
}

template <simt::Shuffled T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, simt::Site site = simt::Site::current()) {
  const uint64_t* lanes = simt::Exchange(mask, width, simt::ToBits(value), "__shfl_sync", site);
  return simt::FromBits<T>(lanes[source & 31]);
}

template <simt::Shuffled T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32, simt::Site site = simt::Site::current()) {
  const uint64_t* lanes = simt::Exchange(mask, width, simt::ToBits(value), "__shfl_xor_sync", site);
  const int source = simt::Lane() ^ lane_mask;
  return source < 0 || source > 31 ? value : simt::FromBits<T>(lanes[source]);
}

template <simt::Shuffled T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, simt::Site site = simt::Site::current()) {
  const uint64_t* lanes = simt::Exchange(mask, width, simt::ToBits(value), "__shfl_up_sync", site);
  const unsigned lane = simt::Lane();
  return delta > lane ? value : simt::FromBits<T>(lanes[lane - delta]);
}

template <simt::Shuffled T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, simt::Site site = simt::Site::current()) {
  const uint64_t* lanes = simt::Exchange(mask, width, simt::ToBits(value), "__shfl_down_sync", site);
  const unsigned lane = simt::Lane();
  return delta > 31 - lane ? value : simt::FromBits<T>(lanes[lane + delta]);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, simt::Site site = simt::Site::current()) {
  const uint64_t* lanes = simt::Exchange(mask, 32, predicate != 0, "__ballot_sync", site);
  unsigned ballot = 0;
  for (int lane = 0; lane < 32; ++lane) ballot |= static_cast<unsigned>(lanes[lane]) << lane;
  return ballot;
}

inline int __any_sync(unsigned mask, int predicate, simt::Site site = simt::Site::current()) {
  return __ballot_sync(mask, predicate, site) != 0;
}

inline int __all_sync(unsigned mask, int predicate, simt::Site site = simt::Site::current()) {
  return __ballot_sync(mask, predicate, site) == 0xFFFFFFFFu;
}

inline void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

template <simt::Counter T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  simt::CheckAligned(address, "atomicAdd");
  simt::Interleave();
  return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}

template <simt::Counter T>
T atomicOr(T* address, std::type_identity_t<T> value) {
  simt::CheckAligned(address, "atomicOr");
  simt::Interleave();
  return __atomic_fetch_or(address, value, __ATOMIC_RELAXED);
}

template <simt::Counter T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  simt::CheckAligned(address, "atomicMax");
  simt::Interleave();
  T old = __atomic_load_n(address, __ATOMIC_RELAXED);
  while (old < value && !__atomic_compare_exchange_n(address, &old, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return old;
}

// Cache hints have no effect here but the alignment that the instruction demands.
template <class T>
T __ldcs(const T* address) {
  simt::CheckAligned(address, "__ldcs");
  return *address;
}
template <class T>
T __ldcg(const T* address) {
  simt::CheckAligned(address, "__ldcg");
  return *address;
}
template <class T>
void __stcs(T* address, std::type_identity_t<T> value) {
  simt::CheckAligned(address, "__stcs");
  *address = value;
}

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((static_cast<uint64_t>(high) << 32 | low) >> (shift & 31));
}
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }

#pragma GCC visibility pop

#endif  // PLAIT_CUDA_TEST_SIMT_H_
