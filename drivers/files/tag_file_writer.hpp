// SPDX-License-Identifier: Apache-2.0
// Events written as a file of any format we know. What a format cannot hold is counted, or refused where leaving it out
// would make another recording of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drivers/files/tag_file.hpp"

namespace nicol::files {

/// Of the events to come.
struct TagFileShape {
  TickLength tick;
  std::vector<hal::ChannelRole> roles;  // one a channel
  std::optional<std::uint32_t> origin_epoch = std::nullopt;
};

/// What the new file does not say.
struct NotWritten {
  std::uint64_t dummies = 0, losses = 0;
  std::uint64_t split = 0;    // events of several detectors that became one entry each
  std::uint64_t blank = 0;    // events of no detector
  std::uint64_t rounded = 0;  // times rounded down to the format's tick
  Picoseconds origin;         // that all times are less than they were
  /// "12 dummies; 3 fractions of a tick: times rounded down", empty where nothing is missing.
  std::string text() const;
};

class TagFileWriter {
 public:
  /// `path` appears with finish(), whole; for the epoch formats it is a folder of files. io, access_denied, not_found;
  /// bad_input for channels that the format cannot name.
  static Result<TagFileWriter> create(const std::filesystem::path& path, FileFormat format, const TagFileShape& shape);
  TagFileWriter(TagFileWriter&&) noexcept;
  TagFileWriter& operator=(TagFileWriter&&) noexcept;
  ~TagFileWriter();

  /// bad_input, with the number of the event: a channel that the format has not, a time before its zero, or a step back
  /// in time where it cannot say that.
  Result<void> add(std::span<const FileEvent> events);
  Result<NotWritten> finish();

 private:
  struct Impl;
  explicit TagFileWriter(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// All of `from`, as `format`.
Result<NotWritten> convert(TagFile& from, const std::filesystem::path& to, FileFormat format);

}  // namespace nicol::files
