// How plait_token_objective and plait_policy_step divide their workspace.
#ifndef PLAIT_SRC_WORKSPACE_H_
#define PLAIT_SRC_WORKSPACE_H_

#include <algorithm>
#include <cstdint>

#include "objective.h"
#include "row_math.h"

namespace plait {

// Tokens per partial sum of the metrics. Partial sums are added in order, so a sum depends on the tokens alone.
constexpr int64_t kMetricsBlock = 1024;
constexpr int kRoles = 3;

struct Workspace {
  Workspace(void* memory, int64_t tokens, int64_t sequences) {
    char* at = static_cast<char*>(memory);
    const int64_t s = std::max<int64_t>(sequences, 1);
    partials = Take<plait_metrics>(&at, Blocks(tokens));
    sums = Take<SequenceSums>(&at, s * kRoles);
    order = Take<int64_t>(&at, tokens);
    states = Take<RowState>(&at, tokens);
    weights = Take<TermWeights>(&at, s * kRoles);
    sampler_weights = Take<float>(&at, tokens);
    keys = Take<float>(&at, tokens);
    gates = Take<unsigned char>(&at, tokens);
    roles = Take<unsigned char>(&at, tokens);
    bytes = (at - static_cast<char*>(memory) + 7) / 8 * 8;
  }

  static int64_t Bytes(int64_t tokens, int64_t sequences) { return Workspace(nullptr, tokens, sequences).bytes; }
  static int64_t Blocks(int64_t tokens) { return (tokens + kMetricsBlock - 1) / kMetricsBlock; }

  plait_metrics* partials;  // [blocks]
  SequenceSums* sums;       // [sequences][roles]
  int64_t* order;           // [T] tokens being ranked
  RowState* states;         // [T] between the two passes
  TermWeights* weights;     // [sequences][roles]
  float* sampler_weights;   // [T]
  float* keys;              // [T] what tokens are ranked by
  unsigned char* gates;     // [T] TokenGates
  unsigned char* roles;     // [T] as given, but PLAIT_IGNORED where rejected
  int64_t bytes;

 private:
  // Arrays come in order of falling alignment, so none needs padding.
  template <class T>
  static T* Take(char** at, int64_t count) {
    T* array = reinterpret_cast<T*>(*at);
    *at += count * static_cast<int64_t>(sizeof(T));
    return array;
  }
};

}  // namespace plait

#endif  // PLAIT_SRC_WORKSPACE_H_
