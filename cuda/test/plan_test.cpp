// Emulator only: what is planned for a row fits the device and covers the row; and what is too much for one grid goes
// to several. Neither can be seen from results: the sizes are too large for the emulator.
#include <doctest/doctest.h>

#include "launch.h"
#include "row_plan.h"

using namespace plait;
using namespace plait::cuda;

TEST_CASE("a plan fits the device, covers the row, and has a stage for every vector") {
  for (const int limit : {99 * 1024, 163 * 1024, 227 * 1024}) {
    for (const bool clusters : {false, true}) {
      for (int64_t vectors = 1; vectors < 150000; vectors += vectors < 3000 ? 1 : 7) {
        const RowPlan plan = PlanRow(vectors, limit, clusters);
        const int64_t stage_bytes = plan.stage_vectors() * 16;
        bool good = plan.shared_bytes <= limit && plan.slice * plan.cluster >= vectors && plan.stages > 0 &&
                    (clusters || plan.cluster == 1) && plan.cluster <= kMaxCluster;
        // As few blocks as leave each no more than 32 KB, where the device lets blocks share.
        good = good && (plan.cluster == 1 || vectors * 16 > plan.cluster / 2 * 32 * 1024);
        if (plan.resident) {
          good = good && plan.stages * plan.stage_vectors() >= plan.slice &&
                 plan.shared_bytes >= kHeaderBytes + plan.rows_per_block * plan.slice * 16;
        } else {
          good = good && plan.cluster == 1 && plan.stages <= kMaxRing &&
                 plan.shared_bytes >= kHeaderBytes + plan.stages * stage_bytes;
        }
        CAPTURE(limit);
        CAPTURE(clusters);
        CAPTURE(vectors);
        REQUIRE(good);
      }
    }
  }
}

TEST_CASE("what is too much for one grid is launched in pieces, each token once") {
  constexpr int64_t kBlocks = 1 << 20, kItems = 10000;
  int64_t next = 0, pieces = 0;
  const plait_status status = InGrids(kItems, kBlocks, [&](int64_t first, int64_t count) {
    CHECK(first == next);
    CHECK(count > 0);
    CHECK(count * kBlocks <= 0x7fffffff);
    next += count;
    ++pieces;
    return PLAIT_OK;
  });
  CHECK(status == PLAIT_OK);
  CHECK(next == kItems);
  CHECK(pieces == 5);
}
