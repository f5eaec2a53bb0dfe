// A call of plait.h made from the bytes of a fuzzer, and what must hold of every call.
//
// A target draws its arguments one after another. Each comes out valid, unless one of the input's two "spoils" falls on
// it: then it breaks the contract, and the call must be refused with a message that names it. So a target knows of
// every input whether the library has to accept it. Arrays lie on heap blocks of exactly their size, so that the
// address sanitizer sees each byte read or written beyond them; a wrong count or pointer comes only with a call that
// must be refused, as the library cannot know how large an array is.
#ifndef PLAIT_TEST_FUZZ_CALL_H_
#define PLAIT_TEST_FUZZ_CALL_H_

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "plait.h"
#include "values.h"

namespace plait::fuzz {

enum class Null {
  kNever,    // the array is there
  kOptional  // it may be left out
};

// A heap block of exactly the bytes that an argument may touch.
struct Block {
  enum class Use { kInput, kOutput, kInPlace, kWorkspace, kStructure };

  Block(std::string block_name, int64_t size, int64_t element, int64_t shift, Use block_use)
      : name(std::move(block_name)), bytes(size), element_bytes(element), use(block_use) {
    // Without a byte to touch, the address is that of the first one beyond a block.
    const int64_t before = size == 0 ? 16 : shift;
    memory.reset(static_cast<char*>(std::malloc(static_cast<size_t>(before + size))));
    data = memory.get() + before;
  }

  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::string name;
  int64_t bytes;
  int64_t element_bytes;
  Use use;
  std::unique_ptr<char, Free> memory;
  char* data;
  std::vector<char> content;          // of an input, or of an array that is overwritten in place, before the call
  std::function<bool(int64_t)> left;  // whether the call must leave an output's byte alone; null: none
};

class Call {
 public:
  // `sites`: about how many arguments the target has, so that spoils seldom miss them.
  Call(const uint8_t* data, size_t size, int sites) : source_(data, size) {
    const int kind = static_cast<int>(Int(0, 7));
    if (kind >= 4) spoils_[0] = static_cast<int>(Int(1, sites));
    if (kind == 7) spoils_[1] = static_cast<int>(Int(1, sites));
    SelectTarget();
  }

  // ---- Values -------------------------------------------------------------------------------------------------

  int64_t Int(int64_t low, int64_t high) { return source_.ConsumeIntegralInRange<int64_t>(low, high); }
  bool Bool() { return source_.ConsumeBool(); }
  template <class T>
  T Pick(std::initializer_list<T> values) {
    return values.begin()[Int(0, static_cast<int64_t>(values.size()) - 1)];
  }
  std::string String(int64_t longest) { return source_.ConsumeRandomLengthString(static_cast<size_t>(longest)); }
  Random Seed() { return Random(static_cast<uint64_t>(Int(0, 0xFFFF))); }

  float Float() {
    constexpr int64_t kCount = sizeof(kEdges) / sizeof(*kEdges);
    const int64_t kind = Int(0, kCount + 15);
    if (kind < kCount) return kEdges[kind];
    Random random = Seed();
    return kind < kCount + 12 ? random.Uniform(-3, 3) : random.Bits();
  }

  // Whether this input breaks the argument `name` ("": whatever the message names).
  bool Spoil(const std::string& name) {
    ++site_;
    if (site_ != spoils_[0] && site_ != spoils_[1]) return false;
    violations_.push_back(name);
    return true;
  }
  // For what breaks the contract without a spoil.
  void Refuse(const std::string& name) { violations_.push_back(name); }
  bool IsSpoiled() const { return !violations_.empty(); }
  size_t violations() const { return violations_.size(); }

  int32_t Enum(const std::string& name, int32_t last) {
    if (Spoil(name)) return Pick<int32_t>({-1, last + 1, INT32_MIN, INT32_MAX, 256});
    return static_cast<int32_t>(Int(0, last));
  }

  // A number for which the contract's rule holds, or, spoiled, one for which it does not.
  template <class Rule>
  float Number(const std::string& name, const Rule& rule) {
    const bool valid = !Spoil(name);
    float value = Float();
    for (size_t i = 0; rule(value) != valid; ++i) value = kEdges[i];
    return value;
  }

  // 0, in a field that is reserved.
  int32_t Reserved(const std::string& name) { return Spoil(name) ? Pick<int32_t>({1, -1, INT32_MIN}) : 0; }

  // Mostly within [low, high]; `wild`: any float may come.
  std::vector<float> Floats(int64_t count, float low, float high, bool wild = true) {
    std::vector<float> values(static_cast<size_t>(count));
    const int64_t profile = Int(0, wild ? 5 : 2);
    Random random = Seed();
    const float constant = random.Uniform(low, high);
    constexpr int64_t kCount = sizeof(kEdges) / sizeof(*kEdges);
    for (float& v : values) {
      v = profile == 1 ? constant : random.Uniform(low, high);
      if (profile == 3 && random.Below(4) == 0) v = kEdges[random.Below(kCount)];
      if (profile == 4) v = random.Bits();
    }
    if (profile == 5 && count > 0) values[static_cast<size_t>(Int(0, count - 1))] = Float();
    return values;
  }

  // ---- Arguments ----------------------------------------------------------------------------------------------

  int32_t Device() { return Spoil("device") ? Pick<int32_t>({-2, INT32_MIN, 0, 7, INT32_MAX}) : PLAIT_CPU; }

  template <class T>
  const T* Input(const std::string& name, const std::vector<T>& values, Null null) {
    const int64_t count = static_cast<int64_t>(values.size());
    if (null == Null::kOptional && Bool()) return nullptr;
    return reinterpret_cast<const T*>(
        Add(name, values.data(), count * static_cast<int64_t>(sizeof(T)), sizeof(T), Block::Use::kInput));
  }
  // One that is needed if it has elements.
  template <class T>
  const T* Input(const std::string& name, const std::vector<T>& values) {
    if (values.empty() ? Bool() : Spoil(name)) return nullptr;
    return Input(name, values, Null::kNever);
  }

  const char* InputBytes(const std::string& name, const std::vector<char>& content, int64_t element) {
    return Add(name, content.data(), static_cast<int64_t>(content.size()), element, Block::Use::kInput);
  }

  template <class T>
  T* Output(const std::string& name, int64_t count, Null null) {
    if (null == Null::kOptional && Bool()) return nullptr;
    return reinterpret_cast<T*>(OutputBytes(name, count * static_cast<int64_t>(sizeof(T)), alignof(T)));
  }
  template <class T>
  T* Output(const std::string& name, int64_t count) {
    if (count == 0 ? Bool() : Spoil(name)) return nullptr;
    return Output<T>(name, count, Null::kNever);
  }
  char* OutputBytes(const std::string& name, int64_t bytes, int64_t element) {
    if (bytes > 0 && Spoil(name)) {
      if (char* overlap = Overlap(bytes, element)) return overlap;
      violations_.pop_back();
    }
    return Add(name, nullptr, bytes, element, Block::Use::kOutput);
  }
  // An array that is read and overwritten.
  char* InPlace(const std::string& name, const void* content, int64_t bytes, int64_t element) {
    return Add(name, content, bytes, element, Block::Use::kInPlace);
  }

  struct Memory {
    void* data;
    int64_t bytes;
  };
  Memory Workspace(int64_t needed) {
    if (needed > 0 && Spoil("workspace_bytes")) {
      const int64_t bytes = Pick<int64_t>({needed - 1, 0, -1, INT64_MIN});
      return {Add("workspace", nullptr, std::max<int64_t>(bytes, 0), 8, Block::Use::kWorkspace), bytes};
    }
    if (needed > 0 && Spoil("workspace")) {
      char* overlap = Bool() ? nullptr : Overlap(needed, 8);
      return {overlap, needed};
    }
    const int64_t more = Bool() ? Int(0, 40) : 0;
    return {Add("workspace", nullptr, needed, 8, Block::Use::kWorkspace), needed + more};
  }

  // A structure whose first field is its size.
  template <class S>
  const S* Structure(const std::string& name, S value, Null null = Null::kNever) {
    if (null == Null::kNever && Spoil(name)) return nullptr;
    int64_t size = sizeof(S);
    if (Spoil(name + ".struct_bytes")) {
      size = Pick<int64_t>({0, 8, size - 8, size - 1, size + 1, size + 8, -1, INT64_MIN, INT64_MAX});
    }
    value.struct_bytes = size;
    const int64_t readable = std::clamp<int64_t>(size, 8, sizeof(S));
    return reinterpret_cast<const S*>(Add(name, &value, readable, alignof(S), Block::Use::kStructure));
  }

  // An address that no array of elements of more than one byte may have, for calls that must not start.
  template <class T>
  T* Misaligned() {
    blocks_.emplace_back("", sizeof(T), 1, 1, Block::Use::kOutput);
    return reinterpret_cast<T*>(blocks_.back().data);
  }

  // Of the array that was added last.
  Block& last() { return blocks_.back(); }
  Block* Find(const void* data) {
    for (Block& block : blocks_) {
      if (data && block.data == data) return &block;
    }
    return nullptr;
  }
  // Called between the two runs, to change what must not matter.
  void Between(std::function<void()> change) { between_.push_back(std::move(change)); }

  // ---- The call -----------------------------------------------------------------------------------------------

  // Makes the call, and makes it again if it is accepted. Refused, it has written nothing and says why; accepted, it
  // has written every byte of its outputs, the same both times, and of its inputs none. Returns whether it is accepted.
  template <class Run>
  bool Check(const Run& run) {
    Fill(kFirst);
    const int32_t status = run();
    CheckInputs();
    if (status != PLAIT_OK) {
      CheckRefusal(status);
      return false;
    }
    PLAIT_EXPECT(violations_.empty(), "accepted, though %s is broken", violations_.front().c_str());
    std::vector<std::vector<char> > outputs;
    for (const Block& block : blocks_) outputs.push_back(ContentOf(block));
    for (const auto& change : between_) change();
    Fill(kSecond);
    PLAIT_EXPECT(run() == PLAIT_OK, "refused the second time");
    for (size_t i = 0; i < blocks_.size(); ++i) Compare(blocks_[i], outputs[i]);
    return true;
  }

 private:
  static constexpr unsigned char kFirst = 0xFF;  // NaN, -1
  static constexpr unsigned char kSecond = 0x41;

  void SelectTarget() {
    static const std::vector<const char*> targets = [] {
      setenv("PLAIT_CUDA_PLUGIN", "/nonexistent", 1);  // a GPU must change nothing here
      std::vector<const char*> found;
      for (const char* name : {"AVX-512", "AVX2", "SSE4", "NEON", "baseline"}) {
        if (plait_cpu_select_target(name) == PLAIT_OK) found.push_back(name);
      }
      return found;
    }();
    const char* name = targets[static_cast<size_t>(Int(0, static_cast<int64_t>(targets.size()) - 1))];
    PLAIT_EXPECT(plait_cpu_select_target(name) == PLAIT_OK && std::strcmp(plait_cpu_target(), name) == 0, "%s", name);
  }

  char* Add(const std::string& name, const void* content, int64_t bytes, int64_t element, Block::Use use) {
    int64_t shift = Int(0, 3) * element;
    if (bytes > 0 && element > 1 && Spoil(name)) shift += Int(1, element - 1);
    blocks_.emplace_back(name, bytes, element, shift, use);
    Block& block = blocks_.back();
    if (content && bytes > 0) {
      block.content.assign(static_cast<const char*>(content), static_cast<const char*>(content) + bytes);
      std::memcpy(block.data, content, static_cast<size_t>(bytes));
    }
    return block.data;
  }

  // An address at which `bytes` bytes overlap an array of the call.
  char* Overlap(int64_t bytes, int64_t element) {
    std::vector<const Block*> candidates;
    for (const Block& block : blocks_) {
      if (block.bytes > 0) candidates.push_back(&block);
    }
    if (candidates.empty()) return nullptr;
    const Block& block = *candidates[static_cast<size_t>(Int(0, static_cast<int64_t>(candidates.size()) - 1))];
    violations_.push_back(block.name);
    const uintptr_t begin = reinterpret_cast<uintptr_t>(block.data);
    // From the first address whose last byte is the block's first, to that of the block's last byte.
    const uintptr_t at =
        begin + static_cast<uintptr_t>(Int(0, block.bytes - 1 + bytes - 1)) - static_cast<uintptr_t>(bytes - 1);
    const uintptr_t aligned = at / static_cast<uintptr_t>(element) * static_cast<uintptr_t>(element);
    const bool overlaps = aligned + static_cast<uintptr_t>(bytes) > begin;
    return reinterpret_cast<char*>(overlaps ? aligned : aligned + static_cast<uintptr_t>(element));
  }

  static bool IsWritten(const Block& block) {
    return block.use == Block::Use::kOutput || block.use == Block::Use::kInPlace;
  }
  static std::vector<char> ContentOf(const Block& block) { return {block.data, block.data + block.bytes}; }

  void Fill(unsigned char pattern) {
    for (Block& block : blocks_) {
      if (block.bytes == 0) continue;
      if (block.use == Block::Use::kInPlace) {
        std::memcpy(block.data, block.content.data(), block.content.size());
      } else if (block.use == Block::Use::kOutput || block.use == Block::Use::kWorkspace) {
        std::memset(block.data, pattern, static_cast<size_t>(block.bytes));
      }
    }
    pattern_ = pattern;
  }

  void CheckInputs() const {
    for (const Block& block : blocks_) {
      if (IsWritten(block) || block.content.empty()) continue;
      PLAIT_EXPECT(ContentOf(block) == block.content, "%s was written", block.name.c_str());
    }
  }

  void CheckRefusal(int32_t status) const {
    const std::string message = plait_last_error();
    PLAIT_EXPECT(!violations_.empty(), "refused, though nothing is broken");
    bool named = false;
    for (const std::string& name : violations_) named = named || Names(message, name);
    PLAIT_EXPECT(named, "expected to hear of %s", violations_.front().c_str());
    const bool of_device = message.find("device") == 0;
    PLAIT_EXPECT(status == (of_device ? PLAIT_UNAVAILABLE : PLAIT_INVALID_ARGUMENT), "got status %d", status);
    PLAIT_EXPECT(of_device || message.find(": expected ") != std::string::npos, "expected to hear what is expected");
    for (const Block& block : blocks_) {
      if (!IsWritten(block) || IsUntouched(block)) continue;
      for (int64_t i = 0; i < block.bytes; ++i) {
        const char before =
            block.use == Block::Use::kInPlace ? block.content[static_cast<size_t>(i)] : static_cast<char>(pattern_);
        PLAIT_EXPECT(block.data[i] == before, "byte %lld of %s was written by a call that is refused",
                     static_cast<long long>(i), block.name.c_str());
      }
    }
  }

  bool IsUntouched(const Block& block) const {
    const size_t size = static_cast<size_t>(block.bytes);
    if (size == 0) return true;
    if (block.use == Block::Use::kInPlace) return std::memcmp(block.data, block.content.data(), size) == 0;
    return block.data[0] == static_cast<char>(pattern_) && std::memcmp(block.data, block.data + 1, size - 1) == 0;
  }

  // "name: ...", "name[3]: ...", "name.field: ...", "device 3: ...", or "... an overlap with name".
  static bool Names(const std::string& message, const std::string& name) {
    if (message.size() <= name.size()) return false;
    if (name.empty()) return true;
    if (message.compare(0, name.size(), name) == 0 && std::strchr(":[. ", message[name.size()])) return true;
    const std::string end = "overlap with " + name;
    return message.size() > end.size() && message.compare(message.size() - end.size(), end.size(), end) == 0;
  }

  void Compare(const Block& block, const std::vector<char>& first) const {
    if (!IsWritten(block) || block.bytes == 0) return;
    if (!block.left && std::memcmp(block.data, first.data(), first.size()) == 0) return;
    for (int64_t i = 0; i < block.bytes; ++i) {
      const char before = first[static_cast<size_t>(i)];
      if (!block.left || !block.left(i)) {
        PLAIT_EXPECT(block.data[i] == before, "byte %lld of %s is 0x%02x, then 0x%02x: unwritten, or not repeatable",
                     static_cast<long long>(i), block.name.c_str(), before & 0xFF, block.data[i] & 0xFF);
      } else if (block.use == Block::Use::kInPlace) {
        PLAIT_EXPECT(block.data[i] == block.content[static_cast<size_t>(i)], "byte %lld of %s was written",
                     static_cast<long long>(i), block.name.c_str());
      } else {
        PLAIT_EXPECT(before == static_cast<char>(kFirst) && block.data[i] == static_cast<char>(kSecond),
                     "byte %lld of %s was written", static_cast<long long>(i), block.name.c_str());
      }
    }
  }

  FuzzedDataProvider source_;
  int spoils_[2] = {0, 0};
  int site_ = 0;
  std::vector<std::string> violations_;
  std::vector<Block> blocks_;
  std::vector<std::function<void()> > between_;
  unsigned char pattern_ = 0;
};

}  // namespace plait::fuzz

#endif  // PLAIT_TEST_FUZZ_CALL_H_
