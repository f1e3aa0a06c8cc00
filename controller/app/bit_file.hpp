// SPDX-License-Identifier: Apache-2.0
// Files of bits for the pure tools: bit k = byte k/8, bit k%8, least significant first.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "controller/secret/bit_string.hpp"

namespace nicol::app {

/// Exactly `bits` bits, unused bits of the last byte ignored; bad_input with sizes when the file is shorter.
Result<secret::PublicBits> read_bits(const std::filesystem::path& file, std::uint64_t bits);
/// The same, read(2) straight into locked pages.
Result<secret::BitString> read_secret_bits(const std::filesystem::path& file, std::uint64_t bits);
/// 0600; unused bits of the last byte are zero.
Result<void> write_bits(const std::filesystem::path& file, std::span<const std::uint64_t> words, std::uint64_t bits);
Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& file);

}  // namespace nicol::app
