// Loops over independent items on OpenMP's threads, which libtorch shares. Results never depend on which thread runs an
// item, so the schedule is free.
#ifndef PLAIT_SRC_PARALLEL_H_
#define PLAIT_SRC_PARALLEL_H_

#include <algorithm>
#include <cstdint>

#ifdef PLAIT_PLAIN_THREADS
#include <atomic>
#include <thread>
#else
#include <omp.h>
#endif

namespace plait {

// Below this many bytes of work, waking threads costs more than it saves.
constexpr int64_t kSerialBytes = 64 * 1024;

inline int32_t ThreadCount() {
#ifdef PLAIT_PLAIN_THREADS
  return 2;
#else
  return omp_get_max_threads();
#endif
}

// Items of a piece follow each other in memory, so that what is fetched ahead is what comes next; beyond this many
// bytes a piece gains nothing from being longer, and the threads' last ones should be short.
constexpr int64_t kPieceBytes = 1024 * 1024;
constexpr int64_t kPiecesPerThread = 8;

// Items in a piece: at least about kSerialBytes, and at most about kPieceBytes, of work.
inline int64_t PieceOf(int64_t count, int64_t bytes_per_item, int32_t threads) {
  const int64_t bytes = bytes_per_item > 0 ? bytes_per_item : 1;
  const int64_t fair = count / (kPiecesPerThread * threads);
  return std::max({int64_t{1}, kSerialBytes / bytes, std::min(kPieceBytes / bytes, fair)});
}

// Calls body(begin, end) over [0, count) in pieces, given the bytes that one item touches.
template <class Body>
void ParallelFor(int64_t count, int64_t bytes_per_item, const Body& body) {
  const int64_t piece = PieceOf(count, bytes_per_item, ThreadCount());
  const int64_t pieces = (count + piece - 1) / piece;
  if (pieces <= 1) {
    if (count > 0) body(0, count);
    return;
  }
  const auto run = [&](int64_t i) { body(i * piece, i == pieces - 1 ? count : (i + 1) * piece); };
#ifdef PLAIT_PLAIN_THREADS
  std::atomic<int64_t> next{0};
  const auto work = [&] {
    for (int64_t i = next++; i < pieces; i = next++) run(i);
  };
  std::thread other(work);
  work();
  other.join();
#else
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t i = 0; i < pieces; ++i) run(i);
#endif
}

}  // namespace plait

#endif  // PLAIT_SRC_PARALLEL_H_
