// Logits of any shape and content with their targets, and the float64 definition of what is computed from them.
#ifndef PLAIT_TEST_FUZZ_LOGITS_INPUT_H_
#define PLAIT_TEST_FUZZ_LOGITS_INPUT_H_

#include <sanitizer/asan_interface.h>

#include "call.h"
#include "dtype.h"

namespace plait::fuzz {

inline bool IsTemperature(float v) { return v >= FLT_MIN && v < kInf; }

struct Statistics {
  double logp;
  double entropy;
  double logsumexp;
  double max;      // of the row
  double log_sum;  // logsumexp without it
};

class Logits {
 public:
  // kWhole: of the whole vocabulary; kShard: of a part of it, perhaps. `in_place`: the data is overwritten.
  enum class Vocabulary { kWhole, kShard };

  Logits(Call* call, Vocabulary vocabulary, bool in_place) : call_(call) {
    x_.struct_bytes = sizeof(x_);
    DrawShape(vocabulary);
    DrawTemperatures();
    DrawTargets();
    DrawData(in_place);
    SpoilFields(vocabulary);
    pointer_ = call->Structure("logits", x_);
  }
  const plait_logits* get() const { return pointer_; }
  // As it is in a call that nothing has spoiled.
  const plait_logits& value() const { return x_; }
  int64_t tokens() const { return tokens_; }
  int64_t rows() const { return rows_; }
  int64_t vocab() const { return vocab_; }
  int64_t stride() const { return stride_; }
  int64_t element_bytes() const { return ElementBytes(dtype_); }
  int64_t bytes() const { return rows_ == 0 ? 0 : ((rows_ - 1) * stride_ + vocab_) * element_bytes(); }
  int64_t RowOf(int64_t token) const { return row_index_.empty() ? token : row_index_[static_cast<size_t>(token)]; }
  float TemperatureOf(int64_t token) const {
    return std::fmin(0x1p100f, x_.temperatures ? temperatures_[static_cast<size_t>(token)] : x_.temperature);
  }
  int64_t TargetOf(int64_t token) const { return targets_[static_cast<size_t>(token)]; }
  bool IsBadTarget(int64_t token) const { return TargetOf(token) < 0 || TargetOf(token) >= x_.vocab_total; }
  // The target's column in this shard, or -1.
  int64_t ColumnOf(int64_t token) const {
    if (IsBadTarget(token)) return -1;
    const int64_t column = TargetOf(token) - x_.vocab_begin;
    return column < 0 || column >= vocab_ ? -1 : column;
  }
  int64_t BadTargets() const {
    int64_t count = 0;
    for (int64_t t = 0; t < tokens_; ++t) count += IsBadTarget(t);
    return count;
  }
  const std::vector<char>& content() const { return content_; }
  float At(int64_t token, int64_t column) const {
    return LoadElement(content_.data(), RowOf(token) * stride_ + column, dtype_);
  }
  // Whether the row has statistics: neither NaN nor +inf, and not only -inf.
  bool IsSound(int64_t token) const {
    bool any = false;
    for (int64_t j = 0; j < vocab_; ++j) {
      const float x = At(token, j);
      if (!(x < kInf)) return false;
      any = any || x > -kInf;
    }
    return any;
  }
  // Of a sound row.
  Statistics StatisticsOf(int64_t token) const {
    const double temperature = TemperatureOf(token);
    double max = -HUGE_VAL, sum = 0, weighted = 0;
    for (int64_t j = 0; j < vocab_; ++j) max = std::fmax(max, At(token, j));
    for (int64_t j = 0; j < vocab_; ++j) {
      const double y = (At(token, j) - max) / temperature;
      const double e = std::exp(y);
      sum += e;
      if (e > 0) weighted += e * y;
    }
    const int64_t column = ColumnOf(token);
    const double target = column < 0 ? -HUGE_VAL : (At(token, column) - max) / temperature;
    const double log_sum = std::log(sum);
    return {target - log_sum, log_sum - weighted / sum, max / temperature + log_sum, max, log_sum};
  }

  // While it lives, the address sanitizer stops whoever reads what no call may read: what lies between the rows, rows
  // that row_index leaves out, and rows that are forbidden. Nothing if the data is overwritten.
  class Guard {
   public:
    explicit Guard(const Logits& logits) : logits_(logits) {
      for (const auto& [element, count] : logits_.forbidden_) {
        ASAN_POISON_MEMORY_REGION(logits_.data_ + element * logits_.element_bytes(),
                                  static_cast<size_t>(count * logits_.element_bytes()));
      }
    }
    ~Guard() {
      if (logits_.data_) ASAN_UNPOISON_MEMORY_REGION(logits_.data_, static_cast<size_t>(logits_.bytes()));
    }

   private:
    const Logits& logits_;
  };
  void Forbid(int64_t token) { ForbidElements(RowOf(token) * stride_, vocab_); }
  // Whether byte i of an array like the data, of the given stride, belongs to no token's row.
  bool IsGap(int64_t i, int64_t stride) const {
    const int64_t element = i / element_bytes();
    const int64_t row = element / stride;
    return element % stride >= vocab_ || !used_[static_cast<size_t>(row)];
  }

 private:
  void DrawShape(Vocabulary vocabulary) {
    const int64_t kind = call_->Int(0, 15);
    if (kind < 10) {
      vocab_ = call_->Int(1, 40);
    } else if (kind < 15) {
      vocab_ = call_->Int(1, 300);
    } else {
      vocab_ = call_->Pick<int64_t>({4095, 4096, 4097, 4112, 8192, 9000});  // the row kernels' blocks are of 4096
    }
    rows_ = call_->Int(0, kind < 10 ? 20 : kind < 15 ? 6 : 2);
    stride_ = vocab_ + (call_->Bool() ? call_->Int(0, 19) : 0);
    tokens_ = rows_;
    used_.assign(static_cast<size_t>(rows_), true);
    if (call_->Bool()) {
      Random random = call_->Seed();
      indexed_ = true;
      for (int64_t row = 0; row < rows_; ++row) {
        used_[static_cast<size_t>(row)] = random.Below(4) != 0;
        if (used_[static_cast<size_t>(row)]) row_index_.push_back(row);
      }
      tokens_ = static_cast<int64_t>(row_index_.size());
    }
    dtype_ = call_->Enum("logits.dtype", PLAIT_FLOAT16);
    x_.dtype = dtype_;
    x_.rows = rows_;
    x_.vocab = x_.vocab_total = vocab_;
    x_.row_stride = stride_;
    x_.tokens = tokens_;
    if (vocabulary == Vocabulary::kShard && call_->Bool()) {
      x_.vocab_begin = call_->Int(0, 50);
      x_.vocab_total += x_.vocab_begin + call_->Int(0, 50);
    }
    if (!indexed_) return;
    std::vector<int64_t> index = row_index_;
    if (tokens_ > 0 && call_->Spoil("logits.row_index")) {
      int64_t& row = index[static_cast<size_t>(call_->Int(0, tokens_ - 1))];
      row = &row > index.data() && call_->Bool() ? *(&row - 1) - call_->Int(0, 1)
                                                 : call_->Pick<int64_t>({rows_, -1, INT64_MAX, INT64_MIN});
    }
    x_.row_index = call_->Input("logits.row_index", index, Null::kNever);
  }

  void DrawTemperatures() {
    if (call_->Bool()) {
      temperatures_ = call_->Floats(tokens_, 0.1f, 3, false);
      if (tokens_ > 0)
        temperatures_[static_cast<size_t>(call_->Int(0, tokens_ - 1))] = call_->Number("temperatures", IsTemperature);
      x_.temperatures = call_->Input("logits.temperatures", temperatures_, Null::kNever);
      x_.temperature = call_->Float();  // is not read
    } else {
      x_.temperature = call_->Number("logits.temperature", IsTemperature);
    }
  }

  void DrawTargets() {
    Random random = call_->Seed();
    targets_.resize(static_cast<size_t>(tokens_));
    for (int64_t& target : targets_) target = random.Below(x_.vocab_total);
    const bool narrow = call_->Bool();
    for (int64_t i = tokens_ > 0 ? call_->Int(0, 3) : 0; i > 0; --i) {
      int64_t target =
          call_->Pick<int64_t>({0, -1, x_.vocab_total - 1, x_.vocab_total, x_.vocab_begin, x_.vocab_begin - 1,
                                x_.vocab_begin + vocab_, INT32_MIN, INT32_MAX, INT64_MIN, INT64_MAX, int64_t{1} << 32});
      if (narrow) target = static_cast<int32_t>(std::clamp<int64_t>(target, INT32_MIN, INT32_MAX));
      targets_[static_cast<size_t>(call_->Int(0, tokens_ - 1))] = target;
    }
    if (narrow) {
      x_.targets = call_->Input("logits.targets", std::vector<int32_t>(targets_.begin(), targets_.end()));
    } else {
      x_.targets = call_->Input("logits.targets", targets_);
    }
    x_.target_dtype = narrow ? PLAIT_INT32 : PLAIT_INT64;
    if (call_->Spoil("logits.target_dtype")) x_.target_dtype = call_->Pick<int32_t>({0, 1, 2, 5, -1, INT32_MIN});
  }

  // What a row may hold.
  enum Profile {
    kUsual,
    kOffset,
    kHuge,
    kMasked,
    kOneLeft,
    kAllMasked,
    kHasNan,
    kHasInf,
    kTiny,
    kEqual,
    kBits,
    kCount
  };

  void FillRow(Random* random, int64_t profile, int64_t row) {
    const int64_t begin = row * stride_;
    const float constant = random->Uniform(-5, 5);
    for (int64_t j = 0; j < stride_ && begin + j < bytes() / element_bytes(); ++j) {
      float v = random->Uniform(-3, 3) + random->Uniform(-3, 3);
      if (profile == kOffset) v += 1e4f;
      if (profile == kHuge) v *= dtype_ == PLAIT_FLOAT16 ? 1e4f : 5e37f;
      if (profile == kMasked && random->Below(3) == 0) v = -kInf;
      if (profile == kOneLeft || profile == kAllMasked) v = -kInf;
      if (profile == kTiny) v *= 1e-39f;
      if (profile == kEqual) v = constant;
      if (profile == kBits) v = random->Bits();
      StoreElement(content_.data(), begin + j, dtype_, v);
    }
    const int64_t at = begin + random->Below(vocab_);
    if (profile == kOneLeft) StoreElement(content_.data(), at, dtype_, constant);
    if (profile == kHasNan) StoreElement(content_.data(), at, dtype_, kNan);
    if (profile == kHasInf) StoreElement(content_.data(), at, dtype_, kInf);
  }

  void DrawData(bool in_place) {
    content_.resize(static_cast<size_t>(bytes()));
    Random random = call_->Seed();
    const int64_t mix = call_->Int(0, kCount);  // one profile for all rows, or any
    for (int64_t row = 0; row < rows_; ++row) FillRow(&random, mix == kCount ? random.Below(kCount) : mix, row);
    for (int64_t i = rows_ > 0 ? call_->Int(0, 3) : 0; i > 0; --i) {
      const int64_t at = call_->Int(0, rows_ - 1) * stride_ + call_->Int(0, vocab_ - 1);
      StoreElement(content_.data(), at, dtype_, call_->Float());
    }
    if (tokens_ > 0 && call_->Spoil("logits.data")) return;
    in_place_ = in_place;
    if (in_place) {
      x_.data = data_ = call_->InPlace("logits.data", content_.data(), bytes(), element_bytes());
      call_->last().left = [this](int64_t i) { return IsGap(i, stride_); };
      return;
    }
    x_.data = data_ = const_cast<char*>(call_->InputBytes("logits.data", content_, element_bytes()));
    for (int64_t row = 0; row < rows_; ++row) {
      if (!used_[static_cast<size_t>(row)]) ForbidElements(row * stride_, vocab_);
      if (row + 1 < rows_) ForbidElements(row * stride_ + vocab_, stride_ - vocab_);
    }
  }

  void SpoilFields(Vocabulary vocabulary) {
    if (call_->Spoil("logits.rows")) x_.rows = call_->Pick<int64_t>({-1, INT64_MIN});
    if (call_->Spoil("logits.tokens")) {
      x_.tokens = call_->Pick<int64_t>({-1, INT64_MIN, rows_ + 1, indexed_ ? rows_ + 1 : rows_ - 1});
    }
    if (call_->Spoil("logits.vocab")) x_.vocab = call_->Pick<int64_t>({0, -1, INT64_MIN});
    if (call_->Spoil("logits.row_stride")) {
      x_.row_stride = call_->Pick<int64_t>({vocab_ - 1, 0, -1, INT64_MIN, rows_ > 1 ? INT64_MAX : 0});
    }
    if (call_->Spoil("logits.vocab_begin")) {
      switch (call_->Int(0, 4)) {
        case 0:
          x_.vocab_begin = call_->Pick<int64_t>({-1, INT64_MIN, INT64_MAX});
          break;
        case 1:
          x_.vocab_total = vocab_ - 1;
          break;
        case 2:
          x_.vocab_total = call_->Pick<int64_t>({0, -1, INT64_MIN});
          break;
        default:
          x_.vocab_begin = x_.vocab_total - vocab_ + 1;
          break;
      }
    }
    if (vocabulary == Vocabulary::kWhole && call_->Spoil("logits.vocab_total")) {
      x_.vocab_total += call_->Pick<int64_t>({1, int64_t{1} << 40});
    }
    x_.reserved = call_->Reserved("logits.reserved");
  }

  void ForbidElements(int64_t element, int64_t count) {
    if (!in_place_ && data_) forbidden_.emplace_back(element, count);
  }

  Call* call_;
  int64_t rows_ = 0, vocab_ = 0, stride_ = 0, tokens_ = 0;
  int32_t dtype_ = 0;
  bool indexed_ = false, in_place_ = false;
  std::vector<std::pair<int64_t, int64_t> > forbidden_;
  std::vector<bool> used_;
  std::vector<int64_t> row_index_, targets_;
  std::vector<float> temperatures_;
  std::vector<char> content_;
  char* data_ = nullptr;
  plait_logits x_ = {};
  const plait_logits* pointer_ = nullptr;
};

// Whether a statistic is that of the definition, for results that are not lost in rounding.
inline bool IsClose(float got, double want) {
  if (static_cast<float>(want) == got) return true;
  return std::fabs(got - want) <= 3e-5 * (1 + std::fabs(want));
}

}  // namespace plait::fuzz

#endif  // PLAIT_TEST_FUZZ_LOGITS_INPUT_H_
