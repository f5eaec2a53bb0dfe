// What our kernels use of a GPU beyond CUDA C++: shared memory, clusters, asynchronous copies and the exponential. Each
// is one small function of inline PTX with a portable twin, which the tests' emulator runs. Nothing else in this folder
// holds PTX or asks which of the two it is compiled for.
#ifndef PLAIT_CUDA_SRC_TARGET_CUH_
#define PLAIT_CUDA_SRC_TARGET_CUH_

#include <cuda_runtime.h>

#include <cstdint>

#ifdef PLAIT_SIMT
#include "simt.h"
#define PLAIT_DEVICE_TABLE static const
#else
#define PLAIT_DEVICE_TABLE __constant__ const
#endif

#if defined(PLAIT_SIMT) || (defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900)
#define PLAIT_HAS_CLUSTERS 1
#else
#define PLAIT_HAS_CLUSTERS 0
#endif

// How many blocks of 256 threads a multiprocessor should hold of the kernels that read logits: bounds their registers.
// Blackwell's compiler needs some more of them, and spills are worse than one block less.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000
#define PLAIT_BLOCKS_PER_MULTIPROCESSOR 4
#else
#define PLAIT_BLOCKS_PER_MULTIPROCESSOR 5
#endif

namespace plait::cuda {

constexpr int kBlocksPerMultiprocessor = PLAIT_BLOCKS_PER_MULTIPROCESSOR;
constexpr unsigned kFullWarp = 0xffffffffu;
constexpr int kWarp = 32;

// The block's dynamic shared memory, aligned to 16 bytes.
__device__ __forceinline__ char* SharedMemory() {
#ifdef PLAIT_SIMT
  return simt::SharedMemory();
#else
  extern __shared__ uint4 plait_shared_memory[];
  return reinterpret_cast<char*>(plait_shared_memory);
#endif
}

// 2^y, relative error at most 2^-22; exactly 1 at 0, 0 at -inf and where the result is below the normal floats.
__device__ __forceinline__ float Exp2(float y) {
#ifdef PLAIT_SIMT
  return simt::Exp2Approx(y);
#else
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(y));
  return result;
#endif
}

// Starts copying 16 bytes from global to shared memory, past the registers; both aligned to 16 bytes.
__device__ __forceinline__ void CopyAsync16(void* shared, const void* global) {
#ifdef PLAIT_SIMT
  simt::CopyAsync(shared, global, 16);
#else
  const unsigned to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(global) : "memory");
#endif
}

// Ends a group of this thread's copies.
__device__ __forceinline__ void CopyAsyncCommit() {
#ifdef PLAIT_SIMT
  simt::CopyAsyncCommit();
#else
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits until all but the last kPending groups of this thread have arrived. Makes them visible to this thread alone.
template <int kPending>
__device__ __forceinline__ void CopyAsyncWait() {
#ifdef PLAIT_SIMT
  simt::CopyAsyncWait(kPending);
#else
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
#endif
}

// The block's rank in its cluster; 0 where there are no clusters.
__device__ __forceinline__ unsigned ClusterRank() {
#if defined(PLAIT_SIMT)
  return simt::ClusterRank();
#elif PLAIT_HAS_CLUSTERS
  unsigned rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
#else
  return 0;
#endif
}

// A thread arrives at the cluster's barrier, and then waits until all of the cluster's threads have; threads that have
// exited count as arrived. What was written before arriving is seen by all after waiting.
__device__ __forceinline__ void ClusterArrive() {
#if defined(PLAIT_SIMT)
  simt::ClusterArrive();
#elif PLAIT_HAS_CLUSTERS
  asm volatile("barrier.cluster.arrive.release;" ::: "memory");
#endif
}

__device__ __forceinline__ void ClusterWait() {
#if defined(PLAIT_SIMT)
  simt::ClusterWait();
#elif PLAIT_HAS_CLUSTERS
  asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
#endif
}

// Where `shared`, an address in this block's shared memory, lies in that of the cluster's block `rank`.
template <class T>
__device__ __forceinline__ T* ClusterShared(T* shared, unsigned rank) {
#if defined(PLAIT_SIMT)
  return simt::MapShared(shared, rank);
#elif PLAIT_HAS_CLUSTERS
  uint64_t mapped;
  asm volatile("mapa.u64 %0, %1, %2;" : "=l"(mapped) : "l"(reinterpret_cast<uint64_t>(shared)), "r"(rank));
  return reinterpret_cast<T*>(mapped);
#else
  return shared;
#endif
}

}  // namespace plait::cuda

#endif  // PLAIT_CUDA_SRC_TARGET_CUH_
