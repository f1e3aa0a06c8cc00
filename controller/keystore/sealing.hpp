// SPDX-License-Identifier: Apache-2.0
// Sealing at rest: XChaCha20-Poly1305 under a store key that lives in a 0600 file beside what it seals (README.md says
// what that protects). Bits go from locked pages to ciphertext and from ciphertext to locked pages, never elsewhere.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>

#include "controller/keystore/codec.hpp"
#include "controller/secret/locked_key.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::keystore {

inline constexpr std::size_t kSealOverhead = 16;
inline constexpr std::size_t kStoreKeyBytes = 32;
using Nonce = std::array<std::uint8_t, 24>;
using Mac = std::array<std::uint8_t, 16>;

/// Keyed BLAKE2b of libsodium, 16..64 bytes, key of 16..64 bytes.
void keyed_hash(std::span<const std::byte> key, std::span<const std::uint8_t> message, std::span<std::uint8_t> out);

/// What the key of one purpose is derived under: eight letters, so that purposes cannot be prefixes of each other.
using Purpose8 = char[9];

class Sealer {
 public:
  /// internal when libsodium cannot start.
  static Result<Sealer> create(secret::LockedKey store_key);

  /// Ciphertext of plain.size() + 16 bytes. A nonce is used once.
  Bytes seal(std::span<const std::byte> plain, const Nonce& nonce, std::span<const std::uint8_t> header) const;
  /// Into `plain`, whose size is sealed.size() - 16. False, and plain zeroed, when anything was changed.
  [[nodiscard]] bool open(std::span<const std::uint8_t> sealed, const Nonce& nonce,
                          std::span<const std::uint8_t> header, std::span<std::byte> plain) const;
  /// For public records: tells torn, changed and foreign files from whole ones.
  Mac mac(const Purpose8& purpose, std::span<const std::uint8_t> bytes) const;
  bool mac_matches(const Purpose8& purpose, std::span<const std::uint8_t> bytes,
                   std::span<const std::uint8_t> mac) const;

 private:
  explicit Sealer(secret::LockedKey key) : key_(std::move(key)) {}
  secret::LockedKey key_;  // 32 bytes to seal | 32 bytes to authenticate
};

/// Copies `count` bits, least significant first, from bit `from_bit` of `from` to bit `to_bit` of a zeroed `to`.
void copy_bits(std::span<const std::byte> from, std::uint64_t from_bit, std::span<std::byte> to, std::uint64_t to_bit,
               std::uint64_t count);

}  // namespace nicol::keystore
