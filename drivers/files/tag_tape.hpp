// SPDX-License-Identifier: Apache-2.0
// Blocks of tags into a file in our own format, by whoever sees them.
#pragma once

#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "drivers/files/tag_file_writer.hpp"
#include "drivers/hal/time_tagger.hpp"

namespace nicol::files {

struct TapeOptions {
  std::filesystem::path path;  // it appears, whole, when the tape goes
  /// The detectors' bits in the file, by tagger channel: which channel of the file a tagger's channel is. Empty:
  /// itself.
  std::vector<std::uint16_t> file_channel;
  /// Once, when the file could not be made or written: nothing is kept any more. Any thread.
  std::function<void(const Error&)> failed;
};

/// Tags of one tick become one event; losses stand before the tags that come after them.
class TagTape {
 public:
  TagTape(const hal::TimeTagger& tagger, TapeOptions options);
  ~TagTape();
  TagTape(const TagTape&) = delete;
  TagTape& operator=(const TagTape&) = delete;
  /// In order. A stream that begins anew at an earlier tick goes on in another file: NAME-2.EXT, NAME-3.EXT and so on.
  void keep(const hal::TagBlock& block);

 private:
  void begin();
  void end();
  void check(const Result<void>& written);

  const hal::TaggerCaps caps_;
  std::vector<hal::ChannelRole> roles_;
  const TapeOptions options_;
  std::optional<TagFileWriter> writer_;  // none once writing has failed
  std::vector<FileEvent> events_;        // of one block
  std::int64_t until_ = std::numeric_limits<std::int64_t>::min();
  int files_ = 0;
};

}  // namespace nicol::files
