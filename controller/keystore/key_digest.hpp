// SPDX-License-Identifier: Apache-2.0
// Whether two keys are the same, said without a bit of either: keyed BLAKE2b-256 of a key's bits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "controller/distillation/replayed_key.hpp"

namespace nicol::keystore {

/// `key`: 32 random bytes, kept where the digest is.
struct KeyDigest {
  using Value = std::array<std::uint8_t, 32>;
  static Value of(const distillation::PendingKey& pending, std::span<const std::uint8_t, 32> key);
  static Value of(const distillation::ReplayedKey& replayed, std::span<const std::uint8_t, 32> key);
};

}  // namespace nicol::keystore
