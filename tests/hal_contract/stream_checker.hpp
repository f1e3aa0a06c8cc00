// SPDX-License-Identifier: Apache-2.0
// The tag stream contract as code: sees every block of a stream and says in words what it broke.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "drivers/hal/time_tagger.hpp"

namespace nicol::hal_contract {

class StreamChecker {
 public:
  /// The next block as acquire() gave it.
  void see(hal::StreamStatus status, const hal::TagBlock& block);
  const std::vector<std::string>& violations() const { return violations_; }
  std::uint64_t tags() const { return tags_; }
  std::uint64_t overflows() const { return overflows_; }  // loss intervals caused by a full FIFO

 private:
  struct Previous {
    std::uint64_t sequence = 0, next_index = 0, lost = 0;
    std::int64_t t_end = 0;
    bool any_loss = false, all_lost_known = true;
  };
  void check_time(const hal::TagBlock& block);
  void check_order(hal::StreamStatus status, const hal::TagBlock& block);
  void check_tags(const hal::TagBlock& block);
  void check_losses(hal::StreamStatus status, const hal::TagBlock& block);
  void check_index(const hal::TagBlock& block);
  void remember(const hal::TagBlock& block);
  void violate(std::string what) { violations_.push_back(std::move(what)); }

  std::vector<std::string> violations_;
  std::optional<Previous> previous_;
  std::optional<std::int64_t> last_tag_;  // of all blocks before this one
  std::uint64_t tags_ = 0, overflows_ = 0;
};

/// How a stream is drawn, and the verdict on it.
struct StreamRun {
  std::size_t tags = 2000;  // ends here, or when no more come
  std::size_t tag_storage = 256, loss_storage = 8;
  std::function<void()> meanwhile = nullptr;  // after each block with data
};
struct StreamVerdict {
  std::uint64_t tags = 0, overflows = 0;
  hal::StreamStatus last = hal::StreamStatus::ok;
  std::vector<std::string> violations;  // the run ends at the hundredth
};
/// Draws from a started tagger; also judges allocation and writing past the storage.
StreamVerdict run_stream(hal::TimeTagger& tagger, const StreamRun& run);

}  // namespace nicol::hal_contract
