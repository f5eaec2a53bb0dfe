// How plait_token_objective and plait_policy_step divide their workspace, on every device. Some arrays are there for
// the CUDA backend alone, whose kernels hand over to each other through memory.
#ifndef PLAIT_SRC_WORKSPACE_H_
#define PLAIT_SRC_WORKSPACE_H_

#include <algorithm>
#include <cstdint>

#include "objective.h"
#include "row_math.h"
#include "term_weights.h"

namespace plait {

// Tokens per partial sum of the metrics. Partial sums are added in order, so a sum depends on the tokens alone.
constexpr int64_t kMetricsBlock = 1024;
constexpr int64_t kDeviceMetricsBlock = 256;  // on a CUDA device: a token per thread
// Sequences per partial sum of the sampler's metrics.
constexpr int64_t kSequenceBlock = 16;
constexpr int kRoles = 3;

// Of the tokens that a sampler correction applies to.
struct WeightSums {
  double sum;
  double count;
};

struct Workspace {
  Workspace(void* memory, int64_t tokens, int64_t sequences) {
    uintptr_t at = reinterpret_cast<uintptr_t>(memory);  // a pointer may not move away from null
    const int64_t s = std::max<int64_t>(sequences, 1);
    partials = Take<plait_metrics>(&at, DeviceBlocks(tokens));
    sampler_partials = Take<plait_metrics>(&at, SequenceBlocks(s));
    normalizers = Take<plait_normalizers>(&at, 1);
    counts = Take<TokenCounts>(&at, s);
    corrected = Take<WeightSums>(&at, s + 1);
    sums = Take<SequenceSums>(&at, s * kRoles);
    order = Take<int64_t>(&at, tokens);
    token_sequences = Take<int64_t>(&at, tokens);
    states = Take<RowState>(&at, tokens);
    weights = Take<TermWeights>(&at, s * kRoles);
    sampler_weights = Take<float>(&at, tokens);
    keys = Take<float>(&at, tokens);
    c = Take<float>(&at, tokens);
    h = Take<float>(&at, tokens);
    gates = Take<unsigned char>(&at, tokens);
    roles = Take<unsigned char>(&at, tokens);
    bytes = static_cast<int64_t>((at - reinterpret_cast<uintptr_t>(memory) + 7) / 8 * 8);
  }

  // Fits 63 bits for counts up to kMaxTokens and kMaxSequences.
  static int64_t Bytes(int64_t tokens, int64_t sequences) { return Workspace(nullptr, tokens, sequences).bytes; }
  static int64_t SequenceBlocks(int64_t sequences) { return (sequences + kSequenceBlock - 1) / kSequenceBlock; }
  static int64_t DeviceBlocks(int64_t tokens) { return (tokens + kDeviceMetricsBlock - 1) / kDeviceMetricsBlock; }
  static int64_t Blocks(int64_t tokens) { return (tokens + kMetricsBlock - 1) / kMetricsBlock; }

  // Of kMetricsBlock or kDeviceMetricsBlock tokens each, and, of the sampler, of kSequenceBlock sequences.
  plait_metrics* partials;
  plait_metrics* sampler_partials;
  plait_normalizers* normalizers;  // resolved
  TokenCounts* counts;             // [sequences]
  WeightSums* corrected;           // [sequences], then the batch's
  SequenceSums* sums;              // [sequences][roles]
  int64_t* order;                  // [T] tokens being ranked
  int64_t* token_sequences;        // [T]
  RowState* states;                // [T] between the two passes
  TermWeights* weights;            // [sequences][roles]
  float* sampler_weights;          // [T]
  float* keys;                     // [T] what tokens are ranked by
  float* c;                        // [T] between the two passes, as h
  float* h;
  unsigned char* gates;  // [T] TokenGates
  unsigned char* roles;  // [T] as given, but PLAIT_IGNORED where rejected
  int64_t bytes;

 private:
  // Arrays come in order of falling alignment, so none needs padding.
  template <class T>
  static T* Take(uintptr_t* at, int64_t count) {
    T* array = reinterpret_cast<T*>(*at);
    *at += static_cast<uintptr_t>(count) * sizeof(T);
    return array;
  }
};

}  // namespace plait

#endif  // PLAIT_SRC_WORKSPACE_H_
