// Loops over independent items on OpenMP's threads, which libtorch shares. Results never depend on which thread runs an
// item, so the schedule is free.
#ifndef PLAIT_SRC_PARALLEL_H_
#define PLAIT_SRC_PARALLEL_H_

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

// Calls body(begin, end) over [0, count) in pieces of about kSerialBytes, given the bytes that one item touches.
template <class Body>
void ParallelFor(int64_t count, int64_t bytes_per_item, const Body& body) {
  const int64_t piece = bytes_per_item >= kSerialBytes ? 1 : kSerialBytes / (bytes_per_item > 0 ? bytes_per_item : 1);
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

inline int32_t ThreadCount() {
#ifdef PLAIT_PLAIN_THREADS
  return 2;
#else
  return omp_get_max_threads();
#endif
}

}  // namespace plait

#endif  // PLAIT_SRC_PARALLEL_H_
