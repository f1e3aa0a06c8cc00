// SPDX-License-Identifier: Apache-2.0
// Many patterns at once in a stretch of bytes. Holds the patterns unmasked: only for a process that is not scanned.
#pragma once

#include <cstddef>
#include <cstdint>
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

  struct Match {
    std::size_t offset = 0, pattern = 0;
  };
  /// Every match that starts below `starts` and lies inside `data`.
  std::vector<Match> find(std::span<const std::uint8_t> data, std::size_t starts) const;

 private:
  void verify(std::span<const std::uint8_t> data, std::size_t offset, std::vector<Match>& matches) const;

  std::vector<std::vector<std::uint8_t>> patterns_;
  std::unordered_multimap<std::uint64_t, std::size_t> by_first_word_;
  std::vector<std::uint64_t> maybe_;  // a bit for each hash of a first word
  std::size_t longest_ = 0;
};

}  // namespace nicol::test
