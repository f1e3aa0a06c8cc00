// SPDX-License-Identifier: Apache-2.0
// One-time-pad encryption of files over the store's pads: every pad bit serves once, whatever is killed when.
//   "NICOLOTP" | version u8 | pool u8 | class u8 | pre-shared key fingerprint 16 B | first bit u64 | message bytes u64
//   | message XOR pad | tag 16 B
// The pool's bits from `first bit` on: 128 of GHASH key, 128 of tag pad, 8 a message byte. The tag covers all before
// it.
#pragma once

#include <cstdint>
#include <filesystem>

#include "controller/keystore/key_store.hpp"
#include "controller/sifting/sifting.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::app {

enum class NonProduction : std::uint8_t { refuse, allow };

struct OtpPolicy {
  NonProduction non_production = NonProduction::refuse;
  /// As the store's: "otp.reserved", "otp.piece", "otp.written", "otp.fsync", "otp.rename", "otp.dirsync".
  keystore::FaultPoint fault;
};

struct OtpReport {
  keystore::Pool pool = keystore::Pool::otp_ab;
  keystore::Interval interval;
  std::uint64_t message_bytes = 0;
  keystore::Origin origin = keystore::Origin::simulated;
};

inline constexpr std::uint64_t kOtpTagBits = 256;  // spent beside the message: key and pad of the tag

/// `side` is this node: Alice encrypts from otp-ab, Bob from otp-ba. Memory is bounded whatever the size; `output`
/// (0600) appears whole or not at all, and replaces what was there.
/// refused (non-production pool), exhausted (how many bits are missing), io. Bits reserved by a try that failed are
/// burnt.
Result<OtpReport> otp_encrypt(keystore::KeyStore& store, sifting::Side side, const std::filesystem::path& input,
                              const std::filesystem::path& output, const OtpPolicy& policy);

/// The peer's file. No plaintext is written before the tag verifies. A file that is cut, foreign or of this side's own
/// making is refused with nothing spent; from there on its bits are spent on either outcome (one try a tag).
/// bad_input (not such a file, cut), refused (wrong direction, other pre-shared key, bits used before), authentication.
Result<OtpReport> otp_decrypt(keystore::KeyStore& store, sifting::Side side, const std::filesystem::path& input,
                              const std::filesystem::path& output, const OtpPolicy& policy);

}  // namespace nicol::app
