// How the threads of a device divide a row among them. A plan follows from V, the element size and the device alone,
// and so does the order in which a row is added up: row_stats and policy_step give the same bits, whatever T.
#ifndef PLAIT_CUDA_SRC_ROW_PLAN_H_
#define PLAIT_CUDA_SRC_ROW_PLAN_H_

#include <cstdint>

namespace plait::cuda {

// Threads of a block, and vectors that a thread takes of a stage.
constexpr int kBlockThreads = 256;
constexpr int kWideThreads = 1024;
// Of kernels that one block runs for a whole batch or sequence, and that need more registers than 1024 threads have.
constexpr int kRankThreads = 512;
constexpr int kStepVectors = 4;
// Stages of a row that does not fit, at most.
constexpr int kMaxRing = 3;

// What a block keeps in its shared memory beside rows: the sums of all warps of its cluster, and what each of its teams
// knows of its token.
constexpr int kMaxCluster = 8;
constexpr int kMaxPartials = kMaxCluster * kBlockThreads / 32;
constexpr int kMaxTeams = kBlockThreads / 32;
constexpr int kPartialBytes = 24;
constexpr int kTeamBytes = 192;
constexpr int kHeaderBytes = kMaxPartials * kPartialBytes + kMaxTeams * kTeamBytes;

struct RowPlan {
  int team;            // threads per row and block: 32, kBlockThreads or kWideThreads
  int cluster;         // blocks per row
  int64_t slice;       // vectors of the row per block
  int stages;          // of team * kStepVectors vectors each, as many as shared memory holds or the slice has
  bool resident;       // the whole slice stays in shared memory: it is read once even if it is needed twice
  int rows_per_block;  // of blocks that hold several teams
  int shared_bytes;

  int threads() const { return team < kBlockThreads ? kBlockThreads : team; }
  int stage_vectors() const { return team * kStepVectors; }
};

// `shared_limit`: bytes of shared memory that a block may have. `clusters`: whether the device has them.
inline RowPlan PlanRow(int64_t vectors, int shared_limit, bool clusters) {
  constexpr int64_t kVector = 16;
  // Up to 4 KB a warp has a row to itself. Up to 32 KB a block is enough; of larger rows each block of a cluster takes
  // about that much, so that five of them share a multiprocessor, and some load while others wait.
  constexpr int64_t kWarpBytes = 4 * 1024, kBlockBytes = 32 * 1024;
  const int64_t bytes = vectors * kVector;
  RowPlan plan = {kBlockThreads, 1, vectors, 0, true, 1, 0};
  if (bytes <= kWarpBytes) {
    plan.team = 32;
    plan.rows_per_block = kMaxTeams;
  } else if (clusters) {
    while (plan.cluster < kMaxCluster && bytes > plan.cluster * kBlockBytes) plan.cluster *= 2;
  } else if (bytes > kBlockBytes) {
    plan.team = kWideThreads;
  }
  plan.slice = (vectors + plan.cluster - 1) / plan.cluster;
  int64_t stages = (plan.slice + plan.stage_vectors() - 1) / plan.stage_vectors();
  int64_t shared = kHeaderBytes + plan.rows_per_block * plan.slice * kVector;
  if (shared > shared_limit) {
    // One wide block per multiprocessor walks the row in stages. Few rows are under way then, and a second reading
    // finds them in L2.
    plan = {kWideThreads, 1, vectors, 0, false, 1, 0};
    const int64_t stage_bytes = plan.stage_vectors() * kVector;
    stages = (shared_limit - kHeaderBytes) / stage_bytes;
    stages = stages > kMaxRing ? kMaxRing : stages;
    shared = kHeaderBytes + stages * stage_bytes;
  }
  plan.stages = static_cast<int>(stages);
  plan.shared_bytes = static_cast<int>(shared);
  return plan;
}

}  // namespace plait::cuda

#endif  // PLAIT_CUDA_SRC_ROW_PLAN_H_
