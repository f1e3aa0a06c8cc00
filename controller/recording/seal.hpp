// SPDX-License-Identifier: Apache-2.0
// What a recording is sealed with: a key file of 32 bytes, or a passphrase read from a descriptor.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "controller/secret/locked_key.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::recording {

enum class SealKind : std::uint8_t { key_file = 1, passphrase = 2 };

struct SealSecret {
  SealKind kind = SealKind::key_file;
  secret::LockedKey bytes;  // 32 of a key file; of a passphrase any number
};

inline constexpr std::size_t kSealKeyBytes = 32, kSaltBytes = 16, kLongestPassphrase = 1024;
using Salt = std::array<std::uint8_t, kSaltBytes>;

/// Argon2id's cost; stands in the recording's header.
struct PassphraseCost {
  std::uint32_t operations = 0, memory_kib = 0;
};
inline constexpr PassphraseCost kPassphraseCost{3, 64 * 1024};
inline constexpr PassphraseCost kHighestPassphraseCost{16, 1024 * 1024};  // that a header may ask of a reader

/// A new key from the OS; the file must not exist. Mode 0600.
Result<void> make_seal_key(const std::filesystem::path& file);
/// 32 bytes, ours, 0600: bad_input says what is wrong.
Result<SealSecret> read_seal_key(const std::filesystem::path& file);
/// Up to the first newline or the end, straight into locked pages. The descriptor stays open.
Result<SealSecret> read_passphrase(int descriptor);

/// The key of one file's stream. locked_memory, or exhausted where Argon2id finds too little memory.
Result<secret::LockedKey> stream_key(const SealSecret& secret, const Salt& salt, PassphraseCost cost);

}  // namespace nicol::recording
