// SPDX-License-Identifier: Apache-2.0
// Where a replay ends: the bits that a recorded run would have made, of a type that no store, otp, api or export takes.
#pragma once

#include "controller/distillation/blocks.hpp"

namespace nicol::distillation {

class ReplayedKey {
 public:
  /// There is no way back.
  static ReplayedKey of(PendingKey&& key) { return {std::move(key.bits_), std::move(key.record_)}; }
  ReplayedKey(ReplayedKey&&) noexcept = default;
  ReplayedKey& operator=(ReplayedKey&&) noexcept = default;
  const KeyRecord& record() const { return record_; }
  std::size_t size() const { return bits_.size(); }
  /// Constant time.
  bool same_bits(const ReplayedKey& other) const { return bits_.equal_ct(other.bits_); }

 private:
  friend struct nicol::keystore::KeyDigest;
  ReplayedKey(BitString bits, KeyRecord record) : bits_(std::move(bits)), record_(std::move(record)) {
    record_.origin = Origin::replayed;
  }
  BitString bits_;
  KeyRecord record_;
};

}  // namespace nicol::distillation
