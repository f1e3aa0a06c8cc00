// SPDX-License-Identifier: Apache-2.0
// Files of readevents words, read and written in pieces so that a day of tags needs no more memory than a second.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "drivers/files/readevents.hpp"

namespace nicol::files {

struct FileCloser {
  void operator()(std::FILE* f) const noexcept { std::fclose(f); }
};
using FileHandle = std::unique_ptr<std::FILE, FileCloser>;

class ReadeventsReader {
 public:
  /// not_found or access_denied or io, with the path.
  static Result<ReadeventsReader> open(const std::filesystem::path& path, ReadeventsForm form);
  /// The next events; empty at the end of the file. Valid until the next call. bad_input names path and place.
  Result<std::span<const EventWord>> next();

 private:
  ReadeventsReader(std::filesystem::path path, FileHandle file, ReadeventsForm form);
  Result<std::span<const EventWord>> located(Result<std::span<const EventWord>> result) const;

  std::filesystem::path path_;
  FileHandle file_;
  ReadeventsDecoder decoder_;
  std::vector<std::byte> buffer_;
  bool ended_ = false;
};

/// Writes every word of `from` to `to`, which appears whole or not at all. Returns the number of words.
Result<std::uint64_t> convert_readevents(const std::filesystem::path& from, ReadeventsForm from_form,
                                         const std::filesystem::path& to, ReadeventsForm to_form);

}  // namespace nicol::files
