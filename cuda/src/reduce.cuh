// Sums over a warp or a block, in an order that depends on nothing but the number of threads.
#ifndef PLAIT_CUDA_SRC_REDUCE_CUH_
#define PLAIT_CUDA_SRC_REDUCE_CUH_

#include "target.cuh"

namespace plait::cuda {

// All lanes get the same bits: a butterfly adds the same two numbers on both sides of each exchange.
template <class T>
__device__ __forceinline__ T WarpSum(T value) {
  for (int step = kWarp / 2; step > 0; step /= 2) value += __shfl_xor_sync(kFullWarp, value, step);
  return value;
}

// NaNs are passed over.
__device__ __forceinline__ float WarpMax(float value) {
  for (int step = kWarp / 2; step > 0; step /= 2) value = fmaxf(value, __shfl_xor_sync(kFullWarp, value, step));
  return value;
}

__device__ __forceinline__ int LaneOf(int thread) { return thread % kWarp; }
__device__ __forceinline__ int WarpOf(int thread) { return thread / kWarp; }

// Bytes of shared memory that BlockSums needs.
template <int kCount>
constexpr int BlockSumsBytes(int threads) {
  return kCount * (threads / kWarp) * static_cast<int>(sizeof(double));
}

// Replaces each of `values` by its sum over the block, in all threads; every thread of the block takes part. `shared`
// may be used again at once.
template <int kCount>
__device__ void BlockSums(double (&values)[kCount], double* shared) {
  const int warps = WarpOf(blockDim.x);
  for (int i = 0; i < kCount; ++i) {
    const double sum = WarpSum(values[i]);
    if (LaneOf(threadIdx.x) == 0) shared[i * warps + WarpOf(threadIdx.x)] = sum;
  }
  __syncthreads();
  for (int i = 0; i < kCount; ++i) {
    double sum = 0;
    for (int w = 0; w < warps; ++w) sum += shared[i * warps + w];
    values[i] = sum;
  }
  __syncthreads();  // before `shared` is written again
}

// The maximum over the block, in all threads; NaNs are passed over. `shared`: a double per warp.
__device__ inline double BlockMax(double value, double* shared) {
  for (int step = kWarp / 2; step > 0; step /= 2) value = fmax(value, __shfl_xor_sync(kFullWarp, value, step));
  if (LaneOf(threadIdx.x) == 0) shared[WarpOf(threadIdx.x)] = value;
  __syncthreads();
  for (int w = 0; w < WarpOf(blockDim.x); ++w) value = fmax(value, shared[w]);
  __syncthreads();
  return value;
}

// How many threads of the block before this one have `flag` set; `total` of all. `shared`: a double per warp.
__device__ inline int BlockRank(bool flag, int* total, double* shared) {
  int* counts = reinterpret_cast<int*>(shared);
  const unsigned votes = __ballot_sync(kFullWarp, flag);
  const int warp = WarpOf(threadIdx.x);
  if (LaneOf(threadIdx.x) == 0) counts[warp] = __popc(votes);
  __syncthreads();
  int before = __popc(votes & ((1u << LaneOf(threadIdx.x)) - 1));
  *total = 0;
  for (int w = 0; w < WarpOf(blockDim.x); ++w) {
    if (w < warp) before += counts[w];
    *total += counts[w];
  }
  __syncthreads();
  return before;
}

}  // namespace plait::cuda

#endif  // PLAIT_CUDA_SRC_REDUCE_CUH_
