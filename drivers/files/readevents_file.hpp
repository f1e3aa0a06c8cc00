// SPDX-License-Identifier: Apache-2.0
// Files of readevents words, read and written in pieces so that a day of tags needs no more memory than a second.
#pragma once

#include <filesystem>
#include <span>

#include "drivers/files/byte_input.hpp"
#include "drivers/files/readevents.hpp"

namespace nicol::files {

class ReadeventsReader {
 public:
  ReadeventsReader(ByteInput input, ReadeventsForm form);
  /// not_found or access_denied or io, with the path.
  static Result<ReadeventsReader> open(const std::filesystem::path& path, ReadeventsForm form);
  /// The next events; empty at the end of the file. Valid until the next call. bad_input names path and place.
  Result<std::span<const EventWord>> next();
  const std::string& name() const noexcept { return input_.name(); }

 private:
  Result<std::span<const EventWord>> located(Result<std::span<const EventWord>> result) const;

  ByteInput input_;
  ReadeventsDecoder decoder_;
  bool ended_ = false;
};

/// Writes every word of `from` to `to`, which appears whole or not at all. Returns the number of words.
Result<std::uint64_t> convert_readevents(const std::filesystem::path& from, ReadeventsForm from_form,
                                         const std::filesystem::path& to, ReadeventsForm to_form);

}  // namespace nicol::files
