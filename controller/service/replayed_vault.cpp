// SPDX-License-Identifier: Apache-2.0
// Answers as the recorded vault did, and keeps what would have become keys.
#include <fmt/format.h>

#include "controller/service/recorded_answers.hpp"
#include "controller/service/recorded_vault.hpp"

namespace nicol::service {
namespace {

constexpr std::size_t kLongestAnswer = std::size_t{16} << 20, kAlphaBytes = 16;

class Answers final : public ReplayedVault {
 public:
  Answers(recording::Reader& from, recording::Departure& departure, const DigestKey& digest_key)
      : from_(&from), departure_(&departure), digest_key_(digest_key), no_alpha_(kAlphaBytes) {}

  std::vector<ReplayedResult> take_keys() override { return std::exchange(keys_, {}); }

  keystore::Origin pool_class() override { return plain<keystore::Origin>(Question::pool_class); }
  std::array<std::uint8_t, 16> preshared_fingerprint() override {
    return plain<std::array<std::uint8_t, 16>>(Question::fingerprint);
  }
  std::array<keystore::PoolStatus, 4> pools() override {
    return plain<std::array<keystore::PoolStatus, 4>>(Question::pools);
  }
  keystore::Marks marks() override { return plain<keystore::Marks>(Question::marks); }
  std::optional<keystore::KeyStore::PendingInfo> pending() override {
    return plain<std::optional<keystore::KeyStore::PendingInfo>>(Question::pending);
  }
  std::vector<keystore::KeyStore::Remembered> remembered() override {
    return plain<std::vector<keystore::KeyStore::Remembered>>(Question::remembered);
  }
  double cumulative_epsilon() override { return plain<double>(Question::cumulative_epsilon); }
  Result<double> epsilon_of(const keystore::KeyId&) override { return valued<double>(Question::epsilon_of); }
  Result<void> advance_marks(const keystore::Marks&, std::uint64_t) override { return done(Question::advance_marks); }
  Result<std::uint64_t> next_block() override { return valued<std::uint64_t>(Question::next_block); }
  Result<keystore::Interval> reserve(keystore::Pool, std::uint64_t) override {
    return valued<keystore::Interval>(Question::reserve);
  }
  Result<void> accept_reservation(keystore::Pool, keystore::Interval) override {
    return done(Question::accept_reservation);
  }
  Result<void> put(keystore::PendingKey&& key, const keystore::Split&, const Settlement&) override {
    auto replayed = distillation::ReplayedKey::of(std::move(key));
    const distillation::KeyRecord& record = replayed.record();
    const KeyWitness mine{record.id, record.secret_bits, record.check, keystore::KeyDigest::of(replayed, digest_key_)};
    KeyWitness recorded;
    auto stored = done(Question::put, [&](keystore::Reader& r) { visit(r, recorded); });
    const bool same = mine == recorded, identical = same && !departure_->first();
    if (!same) departure_->note(*from_, fmt::format("key {} is another", distillation::to_string(record.id)));
    keys_.push_back({std::move(replayed), identical});
    return stored;
  }
  Result<void> settle(const keystore::KeyId&, keystore::Verdict) override { return done(Question::settle); }
  Result<void> remember(const keystore::KeyId&, std::optional<keystore::Verdict::Kind>, const Settlement&) override {
    return done(Question::remember);
  }
  Result<void> forget(const keystore::KeyId&) override { return done(Question::forget); }
  Result<void> add_epsilon(double) override { return done(Question::add_epsilon); }

  void fill_from_os(std::span<std::byte> out) override {
    recording::take_draw(*from_, *departure_, recording::kDrawFromOs, 0, out);
  }
  const secret::LockedKey& alpha(session::Direction) override { return no_alpha_; }
  Result<std::vector<std::uint8_t>> tag(keystore::Pool, keystore::Interval pad, const session::RunningHash&) override {
    if (auto made = done(Question::tag); !made) return made.error();
    return std::vector<std::uint8_t>(pad.size() / 8, 0);
  }
  Result<bool> verify(keystore::Pool, keystore::Interval, const session::RunningHash&, ByteSpan) override {
    auto verified = valued<bool>(Question::verify);
    // The peer's tags are over answers to what was said then: they do not cover anything else.
    if (verified && departure_->first()) return false;
    return verified;
  }
  std::array<std::uint8_t, 32> service_mac(const session::SessionId&, session::Direction, ByteSpan) override {
    return {};
  }
  bool service_mac_matches(const session::SessionId&, session::Direction, ByteSpan, ByteSpan) override {
    return plain<bool>(Question::service_check);
  }

 private:
  /// Runs f over the payload of the next entry if it answers this question; false (and a departure) otherwise.
  template <class F>
  bool take(Question q, F&& f) {
    const auto entry = from_->head();
    if (!entry || entry->kind != recording::Entry::answer) {
      departure_->note(*from_, fmt::format("a question ({}) that was not recorded", to_string(q)));
      return false;
    }
    const auto payload = from_->rest(kLongestAnswer);
    from_->done();
    if (payload) {
      keystore::Reader r(*payload);
      std::uint8_t asked = 0;
      r(asked);
      if (asked == static_cast<std::uint8_t>(q)) {
        f(r);
        if (r.complete()) return true;
      }
    }
    departure_->note(*from_,
                     fmt::format("entry {} (answer): not the one to the question {}", entry->number, to_string(q)));
    return false;
  }
  template <class T>
  T plain(Question q) {
    T value{};
    return take(q, [&](keystore::Reader& r) { visit(r, value); }) ? value : T{};
  }
  static Error no_answer() { return {Code::refused, "the recording has no answer to this", "", 0, {}}; }
  template <class T>
  Result<T> valued(Question q) {
    T value{};
    auto failure = done(q, [&](keystore::Reader& r, bool failed) {
      if (!failed) visit(r, value);
    });
    if (!failure) return failure.error();
    return value;
  }
  template <class F>
  Result<void> done(Question q, F&& more) {
    Failure failure;
    const bool taken = take(q, [&](keystore::Reader& r) {
      visit(r, failure);
      if constexpr (std::is_invocable_v<F, keystore::Reader&, bool>)
        more(r, failure.failed);
      else
        more(r);
    });
    if (!taken) return no_answer();
    if (failure.failed) return Error{failure.code, failure.message, "", 0, {}};
    return {};
  }
  Result<void> done(Question q) {
    return done(q, [](keystore::Reader&) {});
  }

  recording::Reader* from_;
  recording::Departure* departure_;
  DigestKey digest_key_;
  secret::LockedKey no_alpha_;
  std::vector<ReplayedResult> keys_;
};

}  // namespace

std::unique_ptr<ReplayedVault> make_replayed_vault(recording::Reader& from, recording::Departure& departure,
                                                   const DigestKey& digest_key) {
  return std::make_unique<Answers>(from, departure, digest_key);
}

}  // namespace nicol::service
