// SPDX-License-Identifier: Apache-2.0
// The vault's answers as bytes: one visitor function a type serves both directions.
#pragma once

#include "controller/keystore/codec.hpp"
#include "controller/keystore/key_digest.hpp"
#include "controller/session/vault.hpp"

namespace nicol::service {

enum class Question : std::uint8_t {
  pool_class = 1,
  fingerprint,
  pools,
  marks,
  pending,
  remembered,
  cumulative_epsilon,
  epsilon_of,
  advance_marks,
  next_block,
  reserve,
  accept_reservation,
  put,
  settle,
  remember,
  forget,
  add_epsilon,
  tag,
  verify,
  service_mac,
  service_check
};
std::string_view to_string(Question q) noexcept;

/// What is written of a key instead of it.
struct KeyWitness {
  distillation::KeyId id;
  std::uint64_t bits = 0;
  std::uint32_t check = 0;
  keystore::KeyDigest::Value digest{};
  bool operator==(const KeyWitness&) const = default;
};

// ---- a visitor `v` is a keystore::Writer (values are read) or a keystore::Reader (values are set) ----
template <class V, class T>
void visit(V& v, T& value) {
  v(value);
}
template <class V>
void visit(V& v, distillation::KeyId& id) {
  v(id.bytes);
}
template <class V>
void visit(V& v, keystore::Origin& origin) {
  v.choice(origin, keystore::Origin::replayed);
}
template <class V>
void visit(V& v, keystore::Interval& i) {
  v(i.begin, i.end);
}
template <class V>
void visit(V& v, std::array<keystore::PoolStatus, 4>& pools) {
  for (keystore::PoolStatus& p : pools) {
    v.choice(p.pool, keystore::Pool::otp_ba);
    v(p.mark, p.end);
  }
}
template <class V>
void visit(V& v, keystore::KeyStore::Settlement& s) {
  visit(v, s.query_ba);
  visit(v, s.answer_ab);
}
template <class V>
void visit(V& v, KeyWitness& k) {
  v(k.id.bytes, k.bits, k.check, k.digest);
}
template <class V>
void visit(V& v, std::optional<keystore::KeyStore::PendingInfo>& pending) {
  bool there = pending.has_value();
  v(there);
  if (!there) return pending.reset();
  if (!pending) pending.emplace();
  visit(v, pending->id);
  visit(v, pending->settlement);
  v(pending->block);
}
template <class V>
void visit(V& v, keystore::KeyStore::Remembered& r) {
  visit(v, r.id);
  bool decided = r.verdict.has_value(), available = r.verdict == distillation::Verdict::Kind::available;
  v(decided, available);
  r.verdict.reset();
  if (decided) r.verdict = available ? distillation::Verdict::Kind::available : distillation::Verdict::Kind::destroyed;
  visit(v, r.settlement);
}
template <class V>
void visit(V& v, std::vector<keystore::KeyStore::Remembered>& all) {
  v.list(all, std::size_t{1} << 16, [](auto& each, auto& one) {
    if constexpr (V::kReads) {
      visit(each, one);
    } else {
      auto copy = one;
      visit(each, copy);
    }
  });
}

/// What there is of a Result: the value, or why there is none.
struct Failure {
  bool failed = false;
  Code code = Code::internal;
  std::string message;
};
template <class V>
void visit(V& v, Failure& f) {
  v(f.failed);
  if (!f.failed) return;
  v.choice(f.code, Code::over_rate);
  v(f.message);
}

}  // namespace nicol::service
