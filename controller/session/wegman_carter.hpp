// SPDX-License-Identifier: Apache-2.0
// Wegman-Carter authentication: tag = msb_t(GHASH_alpha(frames)) XOR one-time pad (Wegman-Carter 1981, Portmann 2014).
// Forgery of one tag <= (L+1)/2^t, L = 16-byte blocks of the longer message.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "controller/secret/locked_key.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::session {

/// GHASH of NIST SP 800-38D, no associated data, with its length block. Constant time; carry-less multiply when
/// present.
std::array<std::uint8_t, 16> ghash(std::span<const std::uint8_t, 16> key, std::span<const std::uint8_t> message);
enum class GhashKernel : std::uint8_t { portable, pclmul, vpclmul };
std::vector<GhashKernel> available_ghash_kernels();
std::array<std::uint8_t, 16> ghash(std::span<const std::uint8_t, 16> key, std::span<const std::uint8_t> message,
                                   GhashKernel kernel);

/// Running hash of one direction. All state derived from alpha stays in locked pages. Restarts with each block.
class RunningHash {
 public:
  explicit RunningHash(const secret::LockedKey& alpha);
  RunningHash(RunningHash&&) noexcept = default;
  void append(std::span<const std::uint8_t> canonical_frame);
  std::uint64_t bytes() const { return bytes_; }
  /// The tag over everything appended so far (the hash goes on afterwards): tag_bits/8 bytes, pad of that many.
  std::array<std::uint8_t, 16> tag(const secret::LockedKey& pad, unsigned tag_bits) const;
  /// Constant-time comparison with a received tag.
  bool verify(std::span<const std::uint8_t> tag, const secret::LockedKey& pad, unsigned tag_bits) const;

 private:
  secret::LockedKey state_;  // alpha, powers, accumulator, partial block
  std::uint64_t bytes_ = 0;
};

/// (L+1)/2^t for a message of so many bytes.
double forgery_bound(std::uint64_t bytes, unsigned tag_bits) noexcept;

/// tool mac: tag = pad XOR GHASH(message).
std::array<std::uint8_t, 16> one_time_mac(std::span<const std::uint8_t, 16> hash_key,
                                          std::span<const std::uint8_t, 16> pad, std::span<const std::uint8_t> message);

}  // namespace nicol::session
