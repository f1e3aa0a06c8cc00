// SPDX-License-Identifier: Apache-2.0
// Where every reader of this room takes its bytes from: a window that moves over a file, and the place to name when
// what stands there is refused.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/hal/result.hpp"

namespace nicol::files {

struct FileCloser {
  void operator()(std::FILE* f) const noexcept { std::fclose(f); }
};
using FileHandle = std::unique_ptr<std::FILE, FileCloser>;

/// not_found, access_denied or io, with the path.
Error file_error(const std::filesystem::path& path, int error);
Result<FileHandle> open_file(const std::filesystem::path& path, const char* mode);

class ByteInput {
 public:
  static constexpr std::size_t kWindow = std::size_t{64} * 1024;

  static Result<ByteInput> open(const std::filesystem::path& path);
  ByteInput(FileHandle file, std::string name);

  /// All that is buffered: at least `least` bytes (1..kWindow), fewer only where the input ends. Valid until the next
  /// peek. io.
  Result<std::span<const std::uint8_t>> peek(std::size_t least);
  void take(std::size_t bytes) noexcept;
  /// Of the first byte not taken yet.
  std::uint64_t offset() const noexcept { return offset_; }
  const std::string& name() const noexcept { return name_; }
  /// bad_input: "name: byte N: what", N counted from the first byte not taken.
  Error refuse(std::string_view what, std::uint64_t ahead = 0) const;

 private:
  std::string name_;
  FileHandle file_;
  std::vector<std::uint8_t> window_;
  std::size_t begin_ = 0, end_ = 0;  // in window_
  std::uint64_t offset_ = 0;
  bool ended_ = false;
};

/// Lines of text, however they end. The last one must have its end, or nobody could tell that it was cut.
class LineInput {
 public:
  explicit LineInput(ByteInput bytes) : bytes_(std::move(bytes)) {}
  /// Without its end; nothing at the end of the input. Valid until the next call.
  Result<std::optional<std::string_view>> next();
  /// bad_input: "name: line N: what", of the line given last.
  Error refuse(std::string_view what) const;
  std::uint64_t number() const noexcept { return number_; }

 private:
  ByteInput bytes_;
  std::uint64_t number_ = 0;
  std::size_t taken_ = 0;  // of the line given last
};

}  // namespace nicol::files
