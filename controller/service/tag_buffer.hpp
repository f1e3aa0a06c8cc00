// SPDX-License-Identifier: Apache-2.0
// Where tags wait between the driver and detection: bounded, kept out of dumps, wiped after every block of the stream.
#pragma once

#include <cstddef>
#include <span>

#include "drivers/hal/time_tagger.hpp"

namespace nicol::service {

class TagBuffer {
 public:
  /// Pages of its own; std::bad_alloc when the OS has none.
  explicit TagBuffer(std::size_t tags);
  ~TagBuffer();
  TagBuffer(const TagBuffer&) = delete;
  TagBuffer& operator=(const TagBuffer&) = delete;

  /// An empty block over this storage, for acquire().
  hal::TagBlock block() noexcept;
  /// Overwrites the tags that the last block used.
  void wipe(const hal::TagBlock& used) noexcept;

 private:
  std::span<hal::TimeTag> tags_;
  hal::LossInterval losses_[64];
  std::size_t bytes_ = 0;
};

}  // namespace nicol::service
