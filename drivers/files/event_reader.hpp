// SPDX-License-Identifier: Apache-2.0
// What each format's reader is to TagFile: something that gives events in pieces. One `open_…` a format.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "drivers/files/byte_input.hpp"
#include "drivers/files/tag_file.hpp"
#include "drivers/hal/time_tagger.hpp"

namespace nicol::files {

class EventReader {
 public:
  virtual ~EventReader() = default;
  /// At least one event; empty at the end. Valid until the next call.
  virtual Result<std::span<const FileEvent>> next() = 0;
};

/// A file whose header was read and understood.
struct OpenedFile {
  std::unique_ptr<EventReader> reader;
  TickLength tick;
  std::vector<hal::ChannelRole> roles = {};  // one a channel
  std::optional<std::uint32_t> origin_epoch = std::nullopt;
};
std::vector<hal::ChannelRole> detectors(std::size_t channels);

/// The events of one next(): never more than kMost, so that nothing is allocated after the first; no time beyond 2^61
/// ps (26 days) from the origin, so that no difference of two overflows.
class EventBatch {
 public:
  static constexpr std::size_t kMost = 16384;

  explicit EventBatch(TickLength tick);
  void clear() noexcept { events_.clear(); }
  bool full() const noexcept { return events_.size() >= kMost; }
  bool holds(std::int64_t ticks) const noexcept { return ticks >= -limit_ && ticks <= limit_; }
  std::int64_t limit() const noexcept { return limit_; }
  void add(const FileEvent& event) { events_.push_back(event); }
  std::span<const FileEvent> events() const noexcept { return events_; }

 private:
  std::vector<FileEvent> events_;
  std::int64_t limit_;  // ticks
};
/// What a time that a batch does not hold is refused with.
inline constexpr std::string_view kTooFar = "a time more than 26 days from the origin";

/// Any format's file from its first byte on; of the epoch formats one file.
Result<OpenedFile> open_input(ByteInput input, FileFormat format);

Result<OpenedFile> open_readevents(ByteInput input, FileFormat format);
Result<OpenedFile> open_fast_hex(ByteInput input);
Result<OpenedFile> open_csv(ByteInput input);
/// readevents_fast, tdc1, qutag, xqp.
Result<OpenedFile> open_records(ByteInput input, FileFormat format);
Result<OpenedFile> open_ptu(ByteInput input);
Result<OpenedFile> open_nicol(ByteInput input);
Result<OpenedFile> open_epoch(ByteInput input, FileFormat format);
/// All files of a folder that are named as epochs, in their order; a missing one is a loss.
Result<OpenedFile> open_epoch_folder(const std::filesystem::path& folder, FileFormat format);

}  // namespace nicol::files
