// SPDX-License-Identifier: Apache-2.0
// Bob's search for the pairs of a block, on a thread of its own: a first one takes seconds, in which his node must hear
// its peer and its operator.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "controller/detection/pairs/block_matcher.hpp"

namespace nicol::service {

class PairMatching {
 public:
  struct Block {
    detection::pairs::BlockMatcher matcher;  // as the last block left it
    detection::pairs::ClosedList hers;
    detection::pairs::MeasuredClicks his;
  };
  struct Matched {
    detection::pairs::BlockMatcher matcher;  // as this block leaves it
    detection::pairs::MeasuredClicks his;
    detection::pairs::MatchedPairs pairs;
  };
  /// `wake` is called when something was found, from the other thread.
  explicit PairMatching(std::function<void()> wake);
  ~PairMatching();  // waits for the end of the search under way
  PairMatching(const PairMatching&) = delete;
  PairMatching& operator=(const PairMatching&) = delete;

  /// What was begun before is abandoned.
  void begin(Block block);
  /// Nothing of what was begun comes out. The search itself goes on to its end, and the next one waits for it.
  void abandon();
  /// Once a block.
  std::optional<Matched> take();

 private:
  void work(const std::stop_token& stop);
  const std::function<void()> wake_;
  std::mutex mutex_;  // guards the four below
  std::condition_variable_any changed_;
  std::optional<Block> waiting_;
  std::optional<Matched> matched_;
  std::uint64_t wanted_ = 0;  // one more with each that is begun or abandoned
  std::jthread thread_;       // last: it uses all the others
};

}  // namespace nicol::service
