// What an engine says when the threads of a cluster cannot go on together.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "scheduler.h"

namespace simt {

namespace {

std::string Where(const char* operation, const Site& site) {
  return std::string(operation) + " (" + site.file_name() + ":" + std::to_string(site.line()) + ")";
}

std::string What(const Thread& thread) {
  if (thread.waits == Waits::kReturned) return "returned";
  return "at " + Where(thread.operation, thread.site);
}

}  // namespace

// One line for each barrier that threads wait at, with the threads' numbers: "block 3: threads 0-31 at ...".
std::string Engine::Describe(const Block* only) const {
  constexpr size_t kLines = 16;
  std::string text;
  size_t lines = 0;
  for (const Block& block : blocks_) {
    if (only && &block != only) continue;
    std::vector<std::pair<std::string, std::string>> numbers;  // in the order of the first thread of each
    const size_t begin = size_t{block.rank} * launch_->threads;
    for (size_t i = begin; i < begin + launch_->threads;) {
      const Thread& thread = threads_[i];
      if (thread.waits == Waits::kNot) {
        ++i;
        continue;
      }
      const std::string what = What(thread);
      size_t end = i + 1;
      while (end < begin + launch_->threads && threads_[end].waits != Waits::kNot && What(threads_[end]) == what) ++end;
      auto known = std::find_if(numbers.begin(), numbers.end(), [&](const auto& one) { return one.first == what; });
      if (known == numbers.end()) known = numbers.insert(known, {what, {}});
      std::string& list = known->second;
      if (!list.empty()) list += ",";
      list += std::to_string(i - begin);
      if (end - i > 1) list.append("-").append(std::to_string(end - 1 - begin));
      i = end;
    }
    for (const auto& [what, list] : numbers) {
      if (lines++ == kLines) return text + "  ...\n";
      text += "  block ";
      text += std::to_string(threads_[begin].block_index.x) + ": threads " + list + " " + what + "\n";
    }
  }
  return text;
}

void Engine::FailDivergent(const char* what, const char* operation, Site site) {
  failure_ = std::string(what) + ": thread " + std::to_string(current_->index.x) + " of block " +
             std::to_string(current_->block_index.x) + " comes to " + Where(operation, site) + " while others wait\n" +
             Describe(current_->block);
  GiveUp();
}

}  // namespace simt
