// SPDX-License-Identifier: Apache-2.0
// What Alice sent, slot by slot, as a file: two bits a slot, bit 2k its basis (1 = diagonal) and bit 2k + 1 its bit
// (bit j = byte j/8, bit j%8).
#pragma once

#include <filesystem>

#include "controller/secret/bit_string.hpp"
#include "controller/service/tcp.hpp"

namespace nicol::app {

/// Read through one locked buffer; quick where slots rise.
class SentFile {
 public:
  static Result<SentFile> open(const std::filesystem::path& path);
  /// That the file has room for.
  std::uint64_t slots() const { return bytes_ * 4; }

  struct Sent {
    bool diagonal = false, bit = false;
  };
  /// bad_input naming the byte where the file ends before it.
  Result<Sent> at(std::uint64_t slot);

 private:
  static constexpr std::size_t kBuffer = std::size_t{1} << 16;  // bytes
  SentFile(std::filesystem::path path, service::Descriptor file, std::uint64_t bytes)
      : path_(std::move(path)), file_(std::move(file)), bytes_(bytes), buffer_(8 * kBuffer) {}
  Result<void> fetch(std::uint64_t byte);

  std::filesystem::path path_;
  service::Descriptor file_;
  std::uint64_t bytes_;
  secret::BitString buffer_;
  std::uint64_t first_ = 0, held_ = 0;  // bytes
};

}  // namespace nicol::app
