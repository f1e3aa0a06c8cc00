// SPDX-License-Identifier: Apache-2.0
// A recording's file for a fuzz target: in a folder of its own, under a key of zeros.
#pragma once

#include <filesystem>
#include <fstream>
#include <span>
#include <string>

#include "controller/recording/reader.hpp"
#include "controller/recording/writer.hpp"
#include "tests/support/folder.hpp"

namespace nicol::fuzz {

class RecordingFile {
 public:
  std::filesystem::path path() const { return folder_ / "recording"; }
  static recording::SealSecret secret() {
    return {recording::SealKind::key_file, secret::LockedKey(recording::kSealKeyBytes)};
  }
  void write(std::span<const std::uint8_t> bytes) const {
    std::ofstream(path(), std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  std::unique_ptr<recording::Writer> begin() const {
    std::filesystem::remove(path());
    auto writer = recording::Writer::create(path(), recording::Node::bob, secret());
    if (!writer) std::abort();
    return *std::move(writer);
  }

 private:
  test::Folder folder_;
};

/// Entries {kind u8, length u16, payload} of fuzzed bytes, sealed as they are.
inline void put_entries(recording::Writer& to, std::span<const std::uint8_t> bytes) {
  while (bytes.size() >= 3) {
    const std::size_t length = std::min<std::size_t>(recording::get_le(bytes.subspan(1, 2)), bytes.size() - 3);
    to.put(static_cast<recording::Entry>(bytes[0]), {bytes.subspan(3, length)});
    bytes = bytes.subspan(3 + length);
  }
}

}  // namespace nicol::fuzz
