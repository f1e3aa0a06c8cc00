// SPDX-License-Identifier: Apache-2.0
#include "controller/keystore/key_digest.hpp"

#include "controller/keystore/sealing.hpp"

namespace nicol::keystore {
namespace {

KeyDigest::Value digest(const secret::BitString& bits, std::span<const std::uint8_t, 32> key) {
  KeyDigest::Value out{};
  bits.with_read([&](std::span<const std::uint64_t> words) {
    const auto bytes = std::as_bytes(words);
    keyed_hash(std::as_bytes(key), {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, out);
  });
  return out;
}

}  // namespace

KeyDigest::Value KeyDigest::of(const distillation::PendingKey& pending, std::span<const std::uint8_t, 32> key) {
  return digest(pending.bits_, key);
}

KeyDigest::Value KeyDigest::of(const distillation::ReplayedKey& replayed, std::span<const std::uint8_t, 32> key) {
  return digest(replayed.bits_, key);
}

}  // namespace nicol::keystore
