// SPDX-License-Identifier: Apache-2.0
// A key store as the session sees it.
#include "controller/session/vault.hpp"

namespace nicol::session {
namespace {

bool equal_ct(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

class StoreVault final : public Vault {
 public:
  explicit StoreVault(keystore::KeyStore& store) : store_(&store) {}

  keystore::Origin pool_class() override { return store_->pool_class(); }
  std::array<std::uint8_t, 16> preshared_fingerprint() override { return store_->preshared_fingerprint(); }
  std::array<keystore::PoolStatus, 4> pools() override { return store_->pools(); }
  keystore::Marks marks() override { return store_->marks(); }
  std::optional<keystore::KeyStore::PendingInfo> pending() override { return store_->pending(); }
  std::vector<keystore::KeyStore::Remembered> remembered() override { return store_->remembered(); }
  double cumulative_epsilon() override { return store_->cumulative_epsilon(); }
  Result<double> epsilon_of(const keystore::KeyId& id) override {
    const auto record = store_->record(id);
    if (!record) return record.error();
    return record->epsilon.total;
  }

  Result<void> advance_marks(const keystore::Marks& peer, std::uint64_t reservation_bits) override {
    return store_->advance_marks(peer, reservation_bits);
  }
  Result<std::uint64_t> next_block() override { return store_->next_block(); }
  Result<keystore::Interval> reserve(keystore::Pool pool, std::uint64_t bits) override {
    return store_->reserve(pool, bits);
  }
  Result<void> accept_reservation(keystore::Pool pool, keystore::Interval interval) override {
    return store_->accept_reservation(pool, interval);
  }
  Result<void> put(keystore::PendingKey&& key, const keystore::Split& split, const Settlement& settlement) override {
    return store_->put(std::move(key), split, settlement);
  }
  Result<void> settle(const keystore::KeyId& id, keystore::Verdict verdict) override {
    return store_->settle(id, verdict);
  }
  Result<void> remember(const keystore::KeyId& id, std::optional<keystore::Verdict::Kind> verdict,
                        const Settlement& settlement) override {
    return store_->remember(id, verdict, settlement);
  }
  Result<void> forget(const keystore::KeyId& id) override { return store_->forget(id); }
  Result<void> add_epsilon(double total) override { return store_->add_epsilon(total); }

  void fill_from_os(std::span<std::byte> out) override { os_random_fill(out); }
  const secret::LockedKey& alpha(Direction direction) override {
    const keystore::SessionKeys& keys = store_->session_keys();
    return direction == Direction::a_to_b ? keys.alpha_ab : keys.alpha_ba;
  }
  Result<std::vector<std::uint8_t>> tag(keystore::Pool pool, keystore::Interval pad, const RunningHash& hash) override {
    const Result<secret::LockedKey> key = store_->take_pad(pool, pad);
    if (!key) return key.error();
    const auto whole = hash.tag(*key, static_cast<unsigned>(pad.size()));
    return std::vector<std::uint8_t>(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(pad.size() / 8));
  }
  Result<bool> verify(keystore::Pool pool, keystore::Interval pad, const RunningHash& hash, ByteSpan tag) override {
    const Result<secret::LockedKey> key = store_->take_pad(pool, pad);
    if (!key) return key.error();
    return hash.verify(tag, *key, static_cast<unsigned>(pad.size()));
  }
  std::array<std::uint8_t, 32> service_mac(const SessionId& session, Direction direction, ByteSpan frame) override {
    return store_->service_mac(session, static_cast<std::uint8_t>(direction), frame);
  }
  bool service_mac_matches(const SessionId& session, Direction direction, ByteSpan frame, ByteSpan mac) override {
    return equal_ct(service_mac(session, direction, frame), mac);
  }

 private:
  keystore::KeyStore* store_;
};

}  // namespace

std::unique_ptr<Vault> vault_of(keystore::KeyStore& store) { return std::make_unique<StoreVault>(store); }

}  // namespace nicol::session
