// SPDX-License-Identifier: Apache-2.0
// The pre-shared key: the root of trust, sealed by nothing, read straight into locked pages.
//   "NICOLPSK" | version u8 | class u8 | auth_high_water u64 | otp_share f64 | identity 32 B | alpha_ab 16 B |
//   alpha_ba 16 B | service_key 32 B | auth pool AB | auth pool BA (high water / 8 bytes each) | checksum 32 B
// identity keys the checksum and the public fingerprint and nothing else, so that neither says anything about the rest.
#pragma once

#include <array>
#include <filesystem>
#include <optional>

#include "controller/keystore/key_store.hpp"

namespace nicol::keystore {

using Fingerprint = std::array<std::uint8_t, 16>;

struct PresharedKey {
  PresharedKeyPlan plan;
  Fingerprint fingerprint{};
  secret::LockedKey file;  // the whole of it, as read
  std::size_t roots = 0;   // offset of alpha_ab | alpha_ba | service_key, 64 bytes
  std::size_t pools = 0;   // offset of the two authentication pools
};
inline constexpr std::size_t kRootBytes = 64;

/// not_found, bad_input (mode, owner, damage), not_supported (newer).
Result<PresharedKey> read_preshared_key(const std::filesystem::path& file);

}  // namespace nicol::keystore
