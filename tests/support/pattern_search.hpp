// SPDX-License-Identifier: Apache-2.0
// Many patterns at once in a stretch of bytes. Holds the patterns unmasked: only for a process that is not scanned.
#pragma once

#include <bitset>
#include <cstring>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "tests/support/process_scan.hpp"

namespace nicol::test {

class PatternSearch {
 public:
  explicit PatternSearch(std::span<const MaskedPattern> patterns);
  ~PatternSearch();  // wipes: the freed patterns would be found by the next scan of this process
  PatternSearch(const PatternSearch&) = delete;
  PatternSearch& operator=(const PatternSearch&) = delete;
  std::size_t longest() const { return longest_; }

  /// found(offset, pattern index) for every match that starts below `starts` and lies inside `data`.
  template <class F>
  void for_each(std::span<const std::uint8_t> data, std::size_t starts, F&& found) const {
    for (std::size_t i = 0; i < starts && i + shortest_pattern <= data.size(); ++i) {
      const std::uint64_t word = word_at(data.data() + i);
      if (!maybe_->test(filter_index(word))) continue;
      const auto [first, last] = by_first_word_.equal_range(word);
      for (auto candidate = first; candidate != last; ++candidate)
        if (matches(candidate->second, data.subspan(i))) found(i, candidate->second);
    }
  }

 private:
  static std::uint64_t word_at(const std::uint8_t* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
  }
  static std::size_t filter_index(std::uint64_t word) {
    return static_cast<std::size_t>(word * 0x9e3779b97f4a7c15ULL >> 46);
  }
  bool matches(std::size_t pattern, std::span<const std::uint8_t> at) const {
    const auto& bytes = patterns_[pattern];
    return bytes.size() <= at.size() && std::memcmp(bytes.data(), at.data(), bytes.size()) == 0;
  }

  std::vector<std::vector<std::uint8_t>> patterns_;
  std::unordered_multimap<std::uint64_t, std::size_t> by_first_word_;
  std::unique_ptr<std::bitset<std::size_t{1} << 18>> maybe_;
  std::size_t longest_ = 0;
};

}  // namespace nicol::test
