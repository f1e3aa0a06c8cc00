// SPDX-License-Identifier: Apache-2.0
// A tag file of any format we know, read as one stream of events: what the tools, the players and the offline half of
// detection read recordings through.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "drivers/hal/result.hpp"
#include "drivers/hal/time_tagger.hpp"
#include "drivers/hal/units.hpp"

namespace nicol::files {

enum class FileFormat : std::uint8_t {
  readevents,           // native 64-bit words (readevents -a1)
  readevents_x,         // the same, high 32 bits first (-a1 -X)
  readevents_hex,       // 16 hexadecimal digits a line (-a2)
  readevents_hex32,     // 8 hexadecimal digits a line, low half first (-a0)
  readevents_fast,      // 32-bit words of the fast mode (-f)
  readevents_fast_hex,  // the same, 8 hexadecimal digits a line (-f -a0)
  tdc1,                 // 32-bit words of 2 ns: S-Fifteen TDC1, and readevents4 -a4
  ptu,                  // PicoQuant, T2 records
  qutag,                // qutools and ID Quantique, uncompressed binary
  xqp,                  // u64: time << 4 | channel
  csv,                  // channel,time_ps
  nicol,                // our own: tick length, channel roles, losses said
  epoch_raw,            // qcrypto epoch files of type 1, a file or a folder of them
  epoch                 // type 2, a file or a folder of them
};
/// As on the command line: "readevents-x", "epoch-raw".
std::string_view to_string(FileFormat format) noexcept;
std::optional<FileFormat> file_format(std::string_view name) noexcept;
/// All names, with commas: for the message that refuses another one.
std::string file_format_names();

struct FileEvent {
  enum class Kind : std::uint8_t {
    event,  // a detection
    dummy,  // no photon: an entry that only carries time, or a marker (whose channel its pattern may name)
    loss    // events between the entry before and the one after are missing
  };
  std::int64_t ticks = 0;  // since the file's origin; what the tagger's counter wrapped is unrolled
  /// One bit a channel; several: one word of the file named them together. Of a loss: how many, 0 where nobody knows.
  std::uint32_t pattern = 0;
  Kind kind = Kind::event;
  bool operator==(const FileEvent&) const = default;
};

/// Streamed: memory does not grow with the file. One thread.
class TagFile {
 public:
  /// not_found, access_denied or io with the path; bad_input for a header that is not of this format, or of a version
  /// or kind we do not read.
  static Result<TagFile> open(const std::filesystem::path& path, FileFormat format);
  TagFile(TagFile&&) noexcept;
  TagFile& operator=(TagFile&&) noexcept;
  ~TagFile();

  FileFormat format() const noexcept;
  TickLength tick() const noexcept;
  /// One a channel that can occur, at most 32; bit k of a pattern is channel k. All detectors where the file does not
  /// say.
  std::span<const hal::ChannelRole> roles() const noexcept;
  /// Epoch files: the epoch (2^29 ns) that begins at tick 0. Two files of one clock are compared by it.
  std::optional<std::uint32_t> origin_epoch() const noexcept;

  /// The next events in file order, at least one; empty at the end. Valid until the next call. Times may step back
  /// where the file's do: they are kept as they are and counted. bad_input names path and byte (text: line); it stays.
  Result<std::span<const FileEvent>> next();
  /// Entries so far that were earlier than the entry before them.
  std::uint64_t backward_jumps() const noexcept;

 private:
  struct Impl;
  explicit TagFile(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nicol::files
