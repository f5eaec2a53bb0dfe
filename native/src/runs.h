// Runs of tokens of one role, and the vector kernels over them.
#ifndef PLAIT_SRC_RUNS_H_
#define PLAIT_SRC_RUNS_H_

#include <cstdint>
#include <cstring>

namespace plait {

// The first token of [begin, end) whose role differs from that of `begin`, or `end`. Null: all are of one role. Eight
// at a time: a batch is mostly long runs, and this is all that most of its tokens cost outside of the vector kernels.
inline int64_t EndOfRole(const unsigned char* roles, int64_t begin, int64_t end) {
  if (!roles || begin >= end) return end;
  const unsigned char role = roles[begin];
  const uint64_t same = role * uint64_t{0x0101010101010101};
  int64_t t = begin + 1;
  for (; t + 8 <= end; t += 8) {
    uint64_t eight;
    std::memcpy(&eight, roles + t, sizeof(eight));
    if (eight != same) break;
  }
  while (t < end && roles[t] == role) ++t;
  return t;
}

// Calls visit(begin, end, role) for every run of [begin, end); without roles its role is `otherwise`.
template <class Visitor>
void VisitRoles(const unsigned char* roles, int64_t begin, int64_t end, int otherwise, const Visitor& visit) {
  while (begin < end) {
    const int64_t last = EndOfRole(roles, begin, end);
    visit(begin, last, roles ? roles[begin] : otherwise);
    begin = last;
  }
}

}  // namespace plait

#endif  // PLAIT_SRC_RUNS_H_
