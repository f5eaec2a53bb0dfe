// From a dtype and a team, known at run time, to the kernel compiled for them.
#ifndef PLAIT_CUDA_SRC_DISPATCH_H_
#define PLAIT_CUDA_SRC_DISPATCH_H_

#include <type_traits>

#include "elements.cuh"
#include "row_plan.h"
#include "status.h"

namespace plait::cuda {

// Calls body(E()) with the elements of a dtype.
template <class Body>
plait_status VisitDtype(int32_t dtype, const Body& body) {
  switch (dtype) {
    case PLAIT_FLOAT32:
      return body(Float32());
    case PLAIT_BFLOAT16:
      return body(Bfloat16());
    default:
      return body(Float16());
  }
}

// Calls body(std::integral_constant<int, team>()).
template <class Body>
plait_status VisitTeam(int team, const Body& body) {
  switch (team) {
    case kWarp:
      return body(std::integral_constant<int, kWarp>());
    case kBlockThreads:
      return body(std::integral_constant<int, kBlockThreads>());
    default:
      return body(std::integral_constant<int, kWideThreads>());
  }
}

// Calls body(E(), team) for every pair.
template <class Body>
plait_status VisitAll(const Body& body) {
  for (const int32_t dtype : {PLAIT_FLOAT32, PLAIT_BFLOAT16, PLAIT_FLOAT16}) {
    for (const int team : {kWarp, kBlockThreads, kWideThreads}) {
      PLAIT_TRY(VisitDtype(dtype, [&](auto e) { return VisitTeam(team, [&](auto t) { return body(e, t); }); }));
    }
  }
  return PLAIT_OK;
}

// Threads of a block of teams, and how many blocks a multiprocessor should hold: what bounds a kernel's registers.
template <int kTeam>
struct Bounds {
  static constexpr int kThreads = kTeam < kBlockThreads ? kBlockThreads : kTeam;
  static constexpr int kBlocks = kTeam == kWideThreads ? 1 : kTeam == kBlockThreads ? kBlocksPerMultiprocessor : 4;
};

}  // namespace plait::cuda

#endif  // PLAIT_CUDA_SRC_DISPATCH_H_
