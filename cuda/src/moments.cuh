// The moments of many values, by one block: two passes in float64.
#ifndef PLAIT_CUDA_SRC_MOMENTS_CUH_
#define PLAIT_CUDA_SRC_MOMENTS_CUH_

#include "group_advantage.h"
#include "reduce.cuh"

namespace plait::cuda {

// visit(body) calls body(value) for each of this thread's values; all threads of the block take part and get the same.
// `shared`: BlockSumsBytes<2>.
template <class Visit>
__device__ Moments BlockMoments(bool sample, double* shared, const Visit& visit) {
  Moments moments = EmptyMoments();
  visit([&](double value) { AddReward(value, &moments); });
  double sums[2] = {moments.count, moments.sum};
  BlockSums(sums, shared);
  moments.count = sums[0];
  moments.sum = sums[1];
  moments.max = BlockMax(moments.max, shared);
  moments.min = -BlockMax(-moments.min, shared);
  FinishMean(&moments);
  visit([&](double value) { AddSquare(value, &moments); });
  double squares[1] = {moments.squares};
  BlockSums(squares, shared);
  moments.squares = squares[0];
  FinishStd(sample, &moments);
  return moments;
}

}  // namespace plait::cuda

#endif  // PLAIT_CUDA_SRC_MOMENTS_CUH_
