// SPDX-License-Identifier: Apache-2.0
// What each format's writer is to TagFileWriter. Times come in the format's own ticks, in order where it needs that.
#pragma once

#include <memory>

#include "drivers/files/byte_output.hpp"
#include "drivers/files/tag_file_writer.hpp"

namespace nicol::files {

/// What TagFileWriter looks after for a format.
struct WriterTraits {
  TickLength tick;
  unsigned channels = 32;
  enum class Order { any, forward } order = Order::any;
  enum class Zero { any, at_zero } zero = Zero::at_zero;  // at_zero: no negative times
};

class EventWriter {
 public:
  virtual ~EventWriter() = default;
  virtual Result<void> add(const FileEvent& event) = 0;
  /// The file appears.
  virtual Result<void> finish() = 0;
  const NotWritten& not_written() const noexcept { return missing_; }

 protected:
  /// Counts what this format leaves out; true where nothing is left to write.
  bool left_out(const FileEvent& event) noexcept;
  NotWritten missing_;
};

struct OpenedWriter {
  std::unique_ptr<EventWriter> writer;
  WriterTraits traits;
};

/// readevents in its four spellings.
OpenedWriter write_readevents(ByteOutput out, FileFormat format);
/// readevents_fast, readevents_fast_hex, tdc1: words with a short counter, dummies put in so that no wrap is missed.
OpenedWriter write_short_words(ByteOutput out, FileFormat format);
/// xqp, csv, qutag: one entry a channel.
Result<OpenedWriter> write_single_channels(ByteOutput out, FileFormat format);
Result<OpenedWriter> write_ptu(ByteOutput out, const TagFileShape& shape);
Result<OpenedWriter> write_nicol(ByteOutput out, const TagFileShape& shape);
/// A folder of files, one an epoch.
Result<OpenedWriter> write_epochs(const std::filesystem::path& folder, FileFormat format, const TagFileShape& shape);

}  // namespace nicol::files
