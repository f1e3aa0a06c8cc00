// SPDX-License-Identifier: Apache-2.0
// The bits of one key (or of the pre-shared key's pools) at rest: five sections, one a pool in the order of kPools and
// one for delivery, sealed in chunks so that 64 bits are read through one page of locked memory.
//   "NICB" | version u8 | owner 16 B | nonce 16 B | section bits 5 x u64 | chunks: 4096 B (last of a section shorter)
//   + 16 B each. The header, the section and the index of a chunk are authenticated with it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "controller/keystore/files.hpp"
#include "controller/keystore/sealing.hpp"

namespace nicol::keystore {

inline constexpr std::size_t kSections = 5;
inline constexpr std::size_t kDeliverySection = 4;
inline constexpr std::uint64_t kChunkBits = std::uint64_t{4096} * 8;
using SectionBits = std::array<std::uint64_t, kSections>;

struct BitsHeader {
  std::array<std::uint8_t, 16> owner{}, nonce{};
  SectionBits bits{};
  Bytes encode() const;
  std::uint64_t total() const { return bits[0] + bits[1] + bits[2] + bits[3] + bits[4]; }
};

/// Fills zeroed `out` with bits [first, first + count) of the whole, all sections counted through.
using BitSource = std::function<void(std::uint64_t first, std::uint64_t count, std::span<std::byte> out)>;
/// The file's bytes. Only ciphertext leaves locked pages.
Result<Bytes> seal_bits(const Sealer& sealer, const BitsHeader& header, const BitSource& source);

class BitsFile {
 public:
  /// Checks the header against the owner and the sections the key's record names.
  static Result<BitsFile> open(const Folder& folder, const std::string& name, const std::array<std::uint8_t, 16>& owner,
                               const SectionBits& sections);
  /// Copies bits [first, first + count) of a section to bit `to_bit` of `out`. checksum when a chunk does not open.
  Result<void> read(const Sealer& sealer, std::size_t section, std::uint64_t first, std::uint64_t count,
                    std::span<std::byte> out, std::uint64_t to_bit) const;
  /// Overwrites one chunk with zeros, best effort.
  void erase_chunk(std::size_t section, std::uint64_t chunk) const noexcept;

 private:
  BitsFile(Fd file, BitsHeader header, std::filesystem::path path)
      : file_(std::move(file)), header_(header), path_(std::move(path)) {}
  Result<void> read_chunk(const Sealer& sealer, std::size_t section, std::uint64_t chunk,
                          std::span<std::byte> plain) const;
  Fd file_;
  BitsHeader header_;
  std::filesystem::path path_;
};

std::uint64_t chunks_in(std::uint64_t section_bits);

}  // namespace nicol::keystore
