// SPDX-License-Identifier: Apache-2.0
// The public face of the store: each call under its mutex.
#include "controller/keystore/key_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/keystore/store_impl.hpp"

namespace nicol::keystore {

using Guard = std::lock_guard<std::mutex>;

Origin KeyStore::pool_class() const { return impl_->identity.pool_class; }
std::array<std::uint8_t, 16> KeyStore::preshared_fingerprint() const { return impl_->identity.fingerprint; }
const SessionKeys& KeyStore::session_keys() const { return impl_->session_keys; }

std::array<std::uint8_t, 32> KeyStore::service_mac(std::span<const std::uint8_t> session_id, std::uint8_t direction,
                                                   std::span<const std::uint8_t> frame) const {
  Bytes purpose{'n', 'i', 'c', 'o', 'l', '.', 's', 'e', 'r', 'v', 'i', 'c', 'e', direction};
  purpose.insert(purpose.end(), session_id.begin(), session_id.end());
  secret::LockedKey session_key(32);
  std::array<std::uint8_t, 32> mac{};
  session_key.with_write([&](std::span<std::byte> derived) {
    impl_->session_keys.service_key.with_read([&](std::span<const std::byte> root) {
      keyed_hash(root, purpose, {reinterpret_cast<std::uint8_t*>(derived.data()), derived.size()});
    });
    keyed_hash(derived, frame, mac);
  });
  return mac;
}

std::array<std::uint8_t, 16> KeyStore::record_seal(std::span<const std::uint8_t> record) const {
  return impl_->sealer.mac("calibrat", record);
}

Result<void> KeyStore::advance_record_head(const RecordHead& head) {
  const Guard guard(impl_->mutex);
  return impl_->advance_record_head(head);
}

std::vector<RecordHead> KeyStore::record_heads() const {
  const Guard guard(impl_->mutex);
  return impl_->ledger.heads;
}

std::array<PoolStatus, 4> KeyStore::pools() const {
  const Guard guard(impl_->mutex);
  std::array<PoolStatus, 4> all{};
  for (const Pool pool : kPools) all[static_cast<std::size_t>(pool)] = impl_->status(pool);
  return all;
}

Marks KeyStore::marks() const {
  Marks marks{};
  std::ranges::transform(pools(), marks.begin(), &PoolStatus::mark);
  return marks;
}

Result<void> KeyStore::advance_marks(const Marks& peer, std::uint64_t reservation_bits) {
  const Guard guard(impl_->mutex);
  return impl_->advance_marks(peer, reservation_bits);
}

Result<Interval> KeyStore::reserve(Pool pool, std::uint64_t bits) {
  const Guard guard(impl_->mutex);
  return impl_->reserve(pool, bits);
}

Result<void> KeyStore::accept_reservation(Pool pool, Interval interval) {
  const Guard guard(impl_->mutex);
  return impl_->accept_reservation(pool, interval);
}

Result<secret::LockedKey> KeyStore::take_pad(Pool pool, Interval interval) {
  const Guard guard(impl_->mutex);
  return impl_->take_pad(pool, interval);
}

Result<void> KeyStore::put(PendingKey&& key, const Split& split, const Settlement& settlement) {
  const PendingKey taken = std::move(key);  // gone from the caller whatever happens
  const Guard guard(impl_->mutex);
  return impl_->put(taken.bits_, taken.record(), split, settlement);
}

Result<void> KeyStore::settle(const KeyId& id, Verdict verdict) {
  if (verdict.id() != id) return Error{.code = Code::refused, .message = "the verdict is another key's"};
  const Guard guard(impl_->mutex);
  return impl_->settle(id, verdict.kind());
}

std::optional<KeyStore::PendingInfo> KeyStore::pending() const {
  const Guard guard(impl_->mutex);
  const Owner* owner = impl_->pending();
  if (owner == nullptr) return std::nullopt;
  return PendingInfo{.id = owner->info.id, .settlement = owner->settlement, .block = owner->info.block};
}

Result<void> KeyStore::remember(const KeyId& id, std::optional<Verdict::Kind> verdict, const Settlement& settlement) {
  const Guard guard(impl_->mutex);
  return impl_->remember(id, verdict, settlement);
}

std::vector<KeyStore::Remembered> KeyStore::remembered() const {
  const Guard guard(impl_->mutex);
  return impl_->ledger.remembered;
}

Result<void> KeyStore::forget(const KeyId& id) {
  const Guard guard(impl_->mutex);
  return impl_->forget(id);
}

std::vector<KeyInfo> KeyStore::keys() const {
  const Guard guard(impl_->mutex);
  std::vector<KeyInfo> list;
  for (const auto& [id, owner] : impl_->owners)
    if (!owner.preshared()) list.push_back(owner.info);
  std::ranges::stable_sort(list, {}, &KeyInfo::block);
  return list;
}

Result<KeyRecord> KeyStore::record(const KeyId& id) const {
  const Guard guard(impl_->mutex);
  if (impl_->find(id) == nullptr)
    return Error{.code = Code::not_found, .message = fmt::format("no key {}", record_name(id).substr(0, 36))};
  auto key = read_key_file(impl_->keys, impl_->sealer, record_name(id));
  if (!key) return std::move(key).error();
  return std::move(key->record);
}

Result<std::uint64_t> KeyStore::next_block() {
  const Guard guard(impl_->mutex);
  if (auto good = impl_->alive(); !good) return std::move(good).error();
  Ledger next = impl_->ledger;
  const std::uint64_t block = next.next_block++;
  if (auto done = impl_->commit(std::move(next)); !done) return std::move(done).error();
  return block;
}

Result<bool> KeyStore::same_key(const KeyStore& other, const KeyId& id) const {
  const auto bits_in = [&id](Impl& store) {
    const Guard guard(store.mutex);
    return store.available_bits(id);
  };
  auto mine = bits_in(*impl_), theirs = bits_in(*other.impl_);
  if (!mine) return std::move(mine).error();
  if (!theirs) return std::move(theirs).error();
  return mine->equal_ct(*theirs);
}

Result<SecretKey> KeyStore::deliver(const KeyId& id) {
  const Guard guard(impl_->mutex);
  auto bits = impl_->deliver(id);
  if (!bits) return std::move(bits).error();
  return SecretKey(std::move(bits).value());
}

Result<KeyStore::PadLoan> KeyStore::take_otp(Pool pool, std::uint64_t bits) {
  const Guard guard(impl_->mutex);
  auto interval = impl_->reserve(pool, bits);
  if (!interval) return std::move(interval).error();
  auto pad = impl_->take_pad(pool, *interval);
  if (!pad) return std::move(pad).error();
  return PadLoan{.interval = *interval, .bits = std::move(pad).value()};
}

Result<secret::LockedKey> KeyStore::take_otp_at(Pool pool, Interval interval) {
  const Guard guard(impl_->mutex);
  if (auto reserved = impl_->reserve_otp_at(pool, interval); !reserved) return std::move(reserved).error();
  return impl_->take_pad(pool, interval);
}

Result<void> KeyStore::reserve_otp_at(Pool pool, Interval interval) {
  const Guard guard(impl_->mutex);
  return impl_->reserve_otp_at(pool, interval);
}

double KeyStore::cumulative_epsilon() const {
  const Guard guard(impl_->mutex);
  return impl_->ledger.epsilon;
}

Result<void> KeyStore::add_epsilon(double total) {
  if (!std::isfinite(total) || total < 0)
    return Error{.code = Code::bad_input, .message = fmt::format("epsilon {} is no probability", total)};
  const Guard guard(impl_->mutex);
  if (auto good = impl_->alive(); !good) return good;
  Ledger next = impl_->ledger;
  next.epsilon += total;
  return impl_->commit(std::move(next));
}

}  // namespace nicol::keystore
