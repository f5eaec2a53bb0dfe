// Checks of what a caller passes, before anything is written. Every message names the argument, what was expected and
// what came. Only what the host can read is checked here: scalars, structures and address ranges. The values behind the
// pointers (row_index, temperatures, offsets, roles) are the backends' to check, as they may live on a device.
#ifndef PLAIT_SRC_CHECKS_H_
#define PLAIT_SRC_CHECKS_H_

#include <cstdint>

#include "backend.h"
#include "plait.h"
#include "status.h"

namespace plait {

// Counts beyond these are refused: no memory holds them, and sizes in bytes might not fit 63 bits. A token takes up to
// 64 bytes of an array or of the workspace, a sequence or a group up to 512.
constexpr int64_t kMaxTokens = INT64_MAX / 128;
constexpr int64_t kMaxSequences = INT64_MAX / 1024;

// The address ranges of one call, so that no output overlaps anything.
class AddressRanges {
 public:
  void AddInput(const char* name, const void* data, int64_t bytes) { Add(name, data, bytes, Use::kInput); }
  void AddOutput(const char* name, const void* data, int64_t bytes) { Add(name, data, bytes, Use::kOutput); }
  // On the host, whatever the device; or null.
  template <class S>
  void AddStructure(const char* name, const S* structure) {
    Add(name, structure, sizeof(S), Use::kStructure);
  }
  // Refuses an output that overlaps another range, and what the device cannot reach.
  plait_status Check(const Backend& backend, int32_t device) const;

 private:
  enum class Use { kInput, kOutput, kStructure };
  struct Range {
    const char* name;
    uintptr_t begin;
    uintptr_t end;
    Use use;
  };
  static constexpr int kCapacity = 32;

  plait_status CheckOutputs() const;
  void Add(const char* name, const void* data, int64_t bytes, Use use);

  Range ranges_[kCapacity];
  int size_ = 0;
};

// `count` elements of `element_bytes` at `data`: aligned, and not null unless optional or empty.
plait_status CheckArray(const char* name, const void* data, int64_t count, int64_t element_bytes);
plait_status CheckOptionalArray(const char* name, const void* data, int64_t element_bytes);

// Checks an array and adds it to `ranges`; an optional one may be null.
enum class Presence { kRequired, kOptional };
plait_status AddInput(AddressRanges* ranges, const char* name, const void* data, int64_t count, int64_t element_bytes,
                      Presence presence);
plait_status AddOutput(AddressRanges* ranges, const char* name, const void* data, int64_t count, int64_t element_bytes,
                       Presence presence);

// Checks `logits` and adds its arrays to `ranges` (`data` too, unless it is `dlogits`, which is written; or null).
plait_status CheckLogits(const plait_logits* logits, const void* dlogits, AddressRanges* ranges);

// Checks the gradient's place: in place, or apart from the logits.
plait_status CheckDlogits(const plait_logits& logits, const void* dlogits, int64_t stride, AddressRanges* ranges);

plait_status CheckObjective(const plait_objective* objective);
plait_status CheckNormalizers(const plait_normalizers* normalizers, const plait_objective& objective);
plait_status CheckBatch(const plait_token_batch* batch, const plait_objective& objective, AddressRanges* ranges);
plait_status CheckWorkspace(const void* workspace, int64_t bytes, int64_t needed, AddressRanges* ranges);
plait_status CheckAdvantageOptions(const plait_advantage_options* options);

// Tokens, sequences and offsets of a packed batch, by their scalars.
plait_status CheckPacking(int64_t tokens, int64_t sequences, const int64_t* offsets, AddressRanges* ranges);

// A structure whose first field is its size, as `expected`.
plait_status CheckStructBytes(const char* name, const void* pointer, int64_t expected);

plait_status CheckEnum(const char* name, int32_t value, int32_t last);
plait_status CheckTemperature(const char* name, float temperature);

// By value, for arrays on the host.
plait_status CheckTemperatureValues(const float* temperatures, int64_t count);
plait_status CheckRowIndexValues(const plait_logits& logits);
plait_status CheckOffsetValues(const int64_t* offsets, int64_t count, int64_t total);
plait_status CheckRoleValues(const uint8_t* roles, int64_t tokens);

}  // namespace plait

#endif  // PLAIT_SRC_CHECKS_H_
