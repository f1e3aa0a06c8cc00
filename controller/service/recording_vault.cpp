// SPDX-License-Identifier: Apache-2.0
// Writes down what a vault answers.
#include "controller/service/recorded_answers.hpp"
#include "controller/service/recorded_vault.hpp"

namespace nicol::service {

std::string_view to_string(Question q) noexcept {
  constexpr std::array<std::string_view, 22> names{
      "nothing",     "pool class",       "fingerprint",        "pools",      "marks",
      "pending",     "remembered",       "cumulative epsilon", "epsilon of", "advance",
      "number",      "reserve",          "reservation",        "put",        "settle",
      "remember",    "forget",           "add epsilon",        "tag",        "tag check",
      "service MAC", "service MAC check"};
  const auto i = static_cast<std::size_t>(q);
  return i < names.size() ? names[i] : "unknown";
}

namespace {

class RecordingVault final : public session::Vault {
 public:
  RecordingVault(session::Vault& inner, recording::Writer& to, const DigestKey& digest_key)
      : inner_(&inner), to_(&to), digest_key_(digest_key) {}

  keystore::Origin pool_class() override { return plain(Question::pool_class, inner_->pool_class()); }
  std::array<std::uint8_t, 16> preshared_fingerprint() override {
    return plain(Question::fingerprint, inner_->preshared_fingerprint());
  }
  std::array<keystore::PoolStatus, 4> pools() override { return plain(Question::pools, inner_->pools()); }
  keystore::Marks marks() override { return plain(Question::marks, inner_->marks()); }
  std::optional<keystore::KeyStore::PendingInfo> pending() override {
    return plain(Question::pending, inner_->pending());
  }
  std::vector<keystore::KeyStore::Remembered> remembered() override {
    return plain(Question::remembered, inner_->remembered());
  }
  double cumulative_epsilon() override { return plain(Question::cumulative_epsilon, inner_->cumulative_epsilon()); }
  Result<double> epsilon_of(const keystore::KeyId& id) override {
    return valued(Question::epsilon_of, inner_->epsilon_of(id));
  }
  Result<void> advance_marks(const keystore::Marks& peer, std::uint64_t bits) override {
    return done(Question::advance_marks, inner_->advance_marks(peer, bits));
  }
  Result<std::uint64_t> next_block() override { return valued(Question::next_block, inner_->next_block()); }
  Result<keystore::Interval> reserve(keystore::Pool pool, std::uint64_t bits) override {
    return valued(Question::reserve, inner_->reserve(pool, bits));
  }
  Result<void> accept_reservation(keystore::Pool pool, keystore::Interval interval) override {
    return done(Question::accept_reservation, inner_->accept_reservation(pool, interval));
  }
  Result<void> put(keystore::PendingKey&& key, const keystore::Split& split, const Settlement& settlement) override {
    KeyWitness witness{key.record().id, key.record().secret_bits, key.record().check,
                       keystore::KeyDigest::of(key, digest_key_)};
    auto stored = inner_->put(std::move(key), split, settlement);
    keystore::Writer w = begin(Question::put);
    write_failure(w, stored);
    visit(w, witness);
    end(w);
    return stored;
  }
  Result<void> settle(const keystore::KeyId& id, keystore::Verdict verdict) override {
    return done(Question::settle, inner_->settle(id, verdict));
  }
  Result<void> remember(const keystore::KeyId& id, std::optional<keystore::Verdict::Kind> verdict,
                        const Settlement& settlement) override {
    return done(Question::remember, inner_->remember(id, verdict, settlement));
  }
  Result<void> forget(const keystore::KeyId& id) override { return done(Question::forget, inner_->forget(id)); }
  Result<void> add_epsilon(double total) override { return done(Question::add_epsilon, inner_->add_epsilon(total)); }

  void fill_from_os(std::span<std::byte> out) override {
    inner_->fill_from_os(out);
    recording::put_draw(*to_, recording::kDrawFromOs, 0, out);
  }
  const secret::LockedKey& alpha(session::Direction direction) override { return inner_->alpha(direction); }
  Result<std::vector<std::uint8_t>> tag(keystore::Pool pool, keystore::Interval pad,
                                        const session::RunningHash& hash) override {
    auto made = inner_->tag(pool, pad, hash);
    keystore::Writer w = begin(Question::tag);
    write_failure(w, made);
    end(w);
    return made;
  }
  Result<bool> verify(keystore::Pool pool, keystore::Interval pad, const session::RunningHash& hash,
                      ByteSpan tag) override {
    return valued(Question::verify, inner_->verify(pool, pad, hash, tag));
  }
  std::array<std::uint8_t, 32> service_mac(const session::SessionId& session, session::Direction direction,
                                           ByteSpan frame) override {
    return inner_->service_mac(session, direction, frame);
  }
  bool service_mac_matches(const session::SessionId& session, session::Direction direction, ByteSpan frame,
                           ByteSpan mac) override {
    return plain(Question::service_check, inner_->service_mac_matches(session, direction, frame, mac));
  }

 private:
  static keystore::Writer begin(Question q) {
    keystore::Writer w;
    w(static_cast<std::uint8_t>(q));
    return w;
  }
  void end(const keystore::Writer& w) { to_->put(recording::Entry::answer, {w.bytes()}); }

  template <class R>
  static void write_failure(keystore::Writer& w, const R& result) {
    Failure failure{!result, Code::internal, {}};
    if (!result) failure = {true, result.error().code, result.error().message.substr(0, 1000)};
    visit(w, failure);
  }
  template <class T>
  T plain(Question q, T value) {
    keystore::Writer w = begin(q);
    visit(w, value);
    end(w);
    return value;
  }
  template <class T>
  Result<T> valued(Question q, Result<T> result) {
    keystore::Writer w = begin(q);
    write_failure(w, result);
    if (result) visit(w, *result);
    end(w);
    return result;
  }
  Result<void> done(Question q, Result<void> result) {
    keystore::Writer w = begin(q);
    write_failure(w, result);
    end(w);
    return result;
  }

  session::Vault* inner_;
  recording::Writer* to_;
  DigestKey digest_key_;
};

}  // namespace

std::unique_ptr<session::Vault> make_recording_vault(session::Vault& inner, recording::Writer& to,
                                                     const DigestKey& digest_key) {
  return std::make_unique<RecordingVault>(inner, to, digest_key);
}

}  // namespace nicol::service
