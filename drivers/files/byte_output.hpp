// SPDX-License-Identifier: Apache-2.0
// A file that appears whole or not at all: written beside its place, renamed when it is complete.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "drivers/files/byte_input.hpp"

namespace nicol::files {

class ByteOutput {
 public:
  enum class Readers { everybody, owner };  // as the umask allows, or 0600

  /// Creates `path`.partial; the directory must be there.
  static Result<ByteOutput> create(const std::filesystem::path& path, Readers readers = Readers::everybody);
  ByteOutput(ByteOutput&&) noexcept = default;
  ByteOutput& operator=(ByteOutput&&) = delete;
  /// What was not committed is removed.
  ~ByteOutput();

  Result<void> put(std::span<const std::uint8_t> bytes);
  Result<void> put(std::string_view text);
  /// Unsigned, least significant byte first.
  template <class Unsigned>
  Result<void> put_le(Unsigned value) {
    std::uint8_t bytes[sizeof(Unsigned)];
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
    return put(bytes);
  }
  /// Writes over what was put there: a count that is known at the end only.
  Result<void> patch(std::uint64_t offset, std::span<const std::uint8_t> bytes);
  std::uint64_t size() const noexcept { return size_; }
  Result<void> commit();
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  ByteOutput(std::filesystem::path path, std::filesystem::path partial, FileHandle file);
  Result<void> flush();

  std::filesystem::path path_, partial_;
  FileHandle file_;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t size_ = 0;
};

}  // namespace nicol::files
