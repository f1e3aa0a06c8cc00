// SPDX-License-Identifier: Apache-2.0
// The life of a key in the store, what is remembered of it, and what two openers may do.
#include <limits>

#include "tests/unit/keystore/store_bench.hpp"

namespace nicol::keystore::test {
namespace {

constexpr Split kSplit{.pools = {64, 128, 256, 512}, .delivery = 1000};
constexpr std::uint64_t kBits = 1960;

KeyInfo only_key(const KeyStore& store) {
  const auto keys = store.keys();
  EXPECT_EQ(keys.size(), 1u);
  return keys.empty() ? KeyInfo{} : keys.front();
}

TEST(PendingKeyInStore, FeedsNothingAndIsNotDelivered) {
  const Bench bench;
  const auto store = bench.open();
  ASSERT_TRUE(store->put(pending_key(1, kBits), kSplit, {}).ok());
  EXPECT_EQ(status(*store, Pool::otp_ab).end, 0u);
  EXPECT_EQ(code_of(store->deliver(id_of(1))), Code::refused);
  EXPECT_EQ(only_key(*store).state, KeyState::pending);
}

TEST(PendingKeyInStore, SurvivesARestart) {
  const Bench bench;
  KeyStore::Settlement settlement;
  {
    const auto store = bench.open();
    settlement = {.query_ba = *store->reserve(Pool::auth_ba, 64), .answer_ab = *store->reserve(Pool::auth_ab, 64)};
    ASSERT_TRUE(store->put(pending_key(1, kBits), kSplit, settlement).ok());
  }
  const auto store = bench.open();
  const auto pending = store->pending();
  ASSERT_TRUE(pending.has_value());
  EXPECT_EQ(pending->id, id_of(1));
  EXPECT_EQ(pending->block, 1u);
  EXPECT_EQ(pending->settlement, settlement);
}

TEST(PendingKeyInStore, IsTheOnlyOne) {
  const Bench bench;
  const auto store = bench.open();
  ASSERT_TRUE(store->put(pending_key(1, kBits), kSplit, {}).ok());
  EXPECT_EQ(code_of(store->put(pending_key(2, kBits), kSplit, {})), Code::refused);
}

TEST(PendingKeyInStore, MustBeOfTheClassOfThePools) {
  const Bench bench({.pool_class = Origin::production, .plan = {.auth_high_water = 8192}});
  EXPECT_EQ(code_of(bench.open()->put(pending_key(1, kBits), kSplit, {})), Code::refused);
}

TEST(PendingKeyInStore, MustBeCutIntoItsWholeLength) {
  const Bench bench;
  EXPECT_EQ(code_of(bench.open()->put(pending_key(1, kBits - 1), kSplit, {})), Code::bad_input);
}

TEST(SettlementPads, AreOpenAgainAfterARestartEachOnce) {
  const Bench bench;
  const auto alice = bench.open("alice");
  Interval query;
  {
    const auto bob = bench.open("bob");
    query = *bob->reserve(Pool::auth_ba, 128);
    ASSERT_TRUE(bob->put(pending_key(1, kBits), kSplit, {.query_ba = query, .answer_ab = {}}).ok());
  }
  ASSERT_TRUE(alice->accept_reservation(Pool::auth_ba, query).ok());
  const auto expected = bits_of(*alice->take_pad(Pool::auth_ba, {0, 64}), 64);
  {
    const auto bob = bench.open("bob");
    const auto pad = bob->take_pad(Pool::auth_ba, {0, 64});
    ASSERT_TRUE(pad.ok()) << describe(pad.error());
    EXPECT_EQ(bits_of(*pad, 64), expected);
  }
  const auto bob = bench.open("bob");
  EXPECT_EQ(code_of(bob->take_pad(Pool::auth_ba, {0, 64})), Code::refused);
  EXPECT_TRUE(bob->take_pad(Pool::auth_ba, {64, 128}).ok());
}

TEST(SettlementPads, MustLieInAReservationOfThisRun) {
  const Bench bench;
  const auto store = bench.open();
  EXPECT_EQ(code_of(store->put(pending_key(1, kBits), kSplit, {.query_ba = {0, 64}, .answer_ab = {}})), Code::refused);
  EXPECT_EQ(code_of(store->remember(id_of(1), std::nullopt, {.query_ba = {0, 64}, .answer_ab = {}})), Code::refused);
}

TEST(SettlementPads, CloseOnceTheKeyIsSettled) {
  const Bench bench;
  {
    const auto store = bench.open();
    const Interval query = *store->reserve(Pool::auth_ba, 64);
    ASSERT_TRUE(store->put(pending_key(1, kBits), kSplit, {.query_ba = query, .answer_ab = {}}).ok());
    ASSERT_TRUE(store->settle(id_of(1), available(id_of(1))).ok());
  }
  EXPECT_EQ(code_of(bench.open()->take_pad(Pool::auth_ba, {0, 64})), Code::refused);
}

TEST(SettlementPads, OfARememberedBlockOutliveItsSettledKey) {
  const Bench bench;
  {
    const auto store = bench.open();
    const KeyStore::Settlement s{.query_ba = *store->reserve(Pool::auth_ba, 64), .answer_ab = {}};
    ASSERT_TRUE(store->remember(id_of(1), std::nullopt, s).ok());
    ASSERT_TRUE(store->put(pending_key(1, kBits), kSplit, s).ok());
    ASSERT_TRUE(store->settle(id_of(1), available(id_of(1))).ok());
  }
  EXPECT_TRUE(bench.open()->take_pad(Pool::auth_ba, {0, 64}).ok());
}

TEST(SettledKey, FeedsPoolsAndDeliveryWithItsOwnBits) {
  const Bench bench;
  add_key(*bench.open(), 1, kSplit);
  const auto store = bench.open();
  EXPECT_EQ(status(*store, Pool::auth_ab).end, 8192u + 64);
  EXPECT_EQ(status(*store, Pool::auth_ba).end, 8192u + 128);
  EXPECT_EQ(bits_of(store->take_otp(Pool::otp_ab, 256)->bits, 256), key_bits(1, 192, 256));
  EXPECT_EQ(bits_of(store->take_otp(Pool::otp_ba, 512)->bits, 512), key_bits(1, 448, 512));
  ASSERT_TRUE(store->reserve(Pool::auth_ab, 8192).ok());
  const Interval fed = *store->reserve(Pool::auth_ab, 64);
  EXPECT_EQ(bits_of(*store->take_pad(Pool::auth_ab, fed), 64), key_bits(1, 0, 64));
  const auto key = store->deliver(id_of(1));
  ASSERT_TRUE(key.ok());
  secret::PublicBits every(1000);
  for (std::size_t i = 0; i < 1000; ++i) every.set(i, true);
  const auto bits = key->bits().disclose(every);
  for (std::size_t i = 0; i < 1000; ++i) ASSERT_EQ(bits.get(i), key_bit(1, 960 + i)) << i;
}

TEST(SettledKey, MayBeSettledAgainTheSameWayOnly) {
  const Bench bench;
  const auto store = bench.open();
  add_key(*store, 1, kSplit);
  EXPECT_TRUE(store->settle(id_of(1), available(id_of(1))).ok());
  EXPECT_EQ(code_of(store->settle(id_of(1), destroyed(id_of(1)))), Code::refused);
  EXPECT_EQ(status(*store, Pool::otp_ab).end, 256u);
}

TEST(SettledKey, NeedsAVerdictOfItsOwn) {
  const Bench bench;
  const auto store = bench.open();
  ASSERT_TRUE(store->put(pending_key(1, kBits), kSplit, {}).ok());
  EXPECT_EQ(code_of(store->settle(id_of(1), available(id_of(2)))), Code::refused);
}

TEST(DestroyedKey, LeavesNothingOnDisk) {
  const Bench bench;
  const auto store = bench.open();
  ASSERT_TRUE(store->put(pending_key(1, kBits), kSplit, {}).ok());
  ASSERT_TRUE(store->settle(id_of(1), destroyed(id_of(1))).ok());
  EXPECT_TRUE(store->keys().empty());
  EXPECT_FALSE(store->pending().has_value());
  for (const auto& file : fs::directory_iterator(bench.state() / "store/keys"))
    EXPECT_EQ(file.path().filename(), "preshared.bits");
}

TEST(DestroyedKey, IsUnknownAndUnknownMeansDestroyed) {
  const Bench bench;
  const auto store = bench.open();
  EXPECT_TRUE(store->settle(id_of(9), destroyed(id_of(9))).ok());
  EXPECT_EQ(code_of(store->settle(id_of(9), available(id_of(9)))), Code::not_found);
}

TEST(DeliveredKey, IsDeliveredOnceEvenAcrossARestart) {
  const Bench bench;
  {
    const auto store = bench.open();
    add_key(*store, 1, kSplit);
    ASSERT_TRUE(store->deliver(id_of(1)).ok());
    EXPECT_EQ(code_of(store->deliver(id_of(1))), Code::refused);
  }
  const auto store = bench.open();
  EXPECT_EQ(code_of(store->deliver(id_of(1))), Code::refused);
  EXPECT_EQ(only_key(*store).state, KeyState::delivered);
  EXPECT_EQ(status(*store, Pool::otp_ab).available(), 256u);
}

TEST(DeliveredKey, HasNoBitsLeftOnDisk) {
  const Bench bench;
  const auto store = bench.open();
  add_key(*store, 1, {.pools = {}, .delivery = 4096});
  ASSERT_TRUE(store->deliver(id_of(1)).ok());
  EXPECT_FALSE(fs::exists(bench.state() / "store/keys/01010101-0101-0101-0101-010101010101.bits"));
}

TEST(KeyRecordInStore, ComesBackWhole) {
  KeyRecord r = record_of(3, kBits);
  r.facts.sifted = {1000, 900};
  r.facts.sample = {distillation::BasisCounts{100, 3}, distillation::BasisCounts{900, 17}};
  r.facts.key_bits = {900, 0};
  r.facts.sample_share = {0.1, 1.0};
  r.facts.slots_kept = 123456;
  r.facts.inputs.function = distillation::LengthFunction::sps_g2;
  r.facts.inputs.key_bases = sifting::KeyBases::both;
  r.facts.inputs.epsilon = {1e-11, 2e-11, 3e-11, 4e-11};
  r.facts.inputs.receiver = hal::ReceiverKind::active;
  r.facts.inputs.model.g2 = 0.015;
  r.facts.inputs.model.source_provenance = hal::Provenance::measured;
  r.facts.inputs.verification_bits = 96;
  r.facts.ledger.add(sifting::LeakClass::sample, 1000, 0);
  r.facts.ledger.add(sifting::LeakClass::reconciliation, 321, 321);
  r.facts.corrected_errors = 27;
  r.length.ell = 1992.5;
  r.length.abort = "none";
  r.length.gamma1 = std::numeric_limits<double>::quiet_NaN();
  r.epsilon = {1e-10, 2e-10, 3e-10, 6e-10, 9e-10};
  r.backing = secret::Backing::memfd_secret;
  r.notes = {"equal efficiencies assumed", "g2 declared"};

  const Bench bench;
  {
    const auto store = bench.open();
    auto key = distillation::AmplificationStage::pending_for_test(secret::BitString(kBits), r);
    ASSERT_TRUE(store->put(std::move(key), kSplit, {}).ok());
  }
  const auto back = bench.open()->record(id_of(3));
  ASSERT_TRUE(back.ok()) << describe(back.error());
  EXPECT_EQ(back->id, r.id);
  EXPECT_EQ(back->check, r.check);
  EXPECT_EQ(back->facts.sifted, r.facts.sifted);
  EXPECT_EQ(back->facts.sample, r.facts.sample);
  EXPECT_EQ(back->facts.key_bits, r.facts.key_bits);
  EXPECT_EQ(back->facts.sample_share, r.facts.sample_share);
  EXPECT_EQ(back->facts.slots_kept, r.facts.slots_kept);
  EXPECT_EQ(back->facts.inputs.function, r.facts.inputs.function);
  EXPECT_EQ(back->facts.inputs.key_bases, r.facts.inputs.key_bases);
  EXPECT_EQ(back->facts.inputs.epsilon, r.facts.inputs.epsilon);
  EXPECT_EQ(back->facts.inputs.receiver, r.facts.inputs.receiver);
  EXPECT_EQ(back->facts.inputs.model.g2, 0.015);
  EXPECT_EQ(back->facts.inputs.model.source_provenance, hal::Provenance::measured);
  EXPECT_EQ(back->facts.inputs.verification_bits, 96u);
  EXPECT_EQ(back->facts.ledger, r.facts.ledger);
  EXPECT_EQ(back->facts.corrected_errors, r.facts.corrected_errors);
  EXPECT_EQ(back->length.ell, 1992.5);
  EXPECT_EQ(back->length.abort, "none");
  EXPECT_TRUE(std::isnan(back->length.gamma1));
  EXPECT_EQ(back->epsilon.cumulative, 9e-10);
  EXPECT_EQ(back->backing, secret::Backing::memfd_secret);
  EXPECT_EQ(back->notes, r.notes);
}

TEST(Verdicts, AreRememberedAcrossARestartUntilForgotten) {
  const Bench bench;
  KeyStore::Settlement s;
  {
    const auto store = bench.open();
    s = {.query_ba = *store->reserve(Pool::auth_ba, 64), .answer_ab = *store->reserve(Pool::auth_ab, 64)};
    ASSERT_TRUE(store->remember(id_of(1), std::nullopt, s).ok());
    ASSERT_TRUE(store->remember(id_of(1), Verdict::Kind::destroyed, s).ok());
  }
  const auto store = bench.open();
  const auto known = store->remembered();
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known[0].id, id_of(1));
  EXPECT_EQ(known[0].verdict, Verdict::Kind::destroyed);
  EXPECT_EQ(known[0].settlement, s);
  ASSERT_TRUE(store->forget(id_of(1)).ok());
  EXPECT_TRUE(store->remembered().empty());
  EXPECT_EQ(code_of(store->take_pad(Pool::auth_ba, {0, 64})), Code::refused);
}

TEST(Verdicts, NeverChange) {
  const Bench bench;
  const auto store = bench.open();
  ASSERT_TRUE(store->remember(id_of(1), Verdict::Kind::destroyed, {}).ok());
  EXPECT_TRUE(store->remember(id_of(1), Verdict::Kind::destroyed, {}).ok());
  EXPECT_EQ(code_of(store->remember(id_of(1), Verdict::Kind::available, {})), Code::refused);
  EXPECT_EQ(code_of(store->remember(id_of(1), std::nullopt, {})), Code::refused);
}

TEST(Verdicts, AreBoundedInNumber) {
  const Bench bench;
  const auto store = bench.open();
  for (int i = 0; i < 256; ++i) {
    KeyId id = id_of(1);
    id.bytes[0] = static_cast<std::uint8_t>(i);
    ASSERT_TRUE(store->remember(id, std::nullopt, {}).ok());
  }
  EXPECT_EQ(code_of(store->remember(id_of(2), std::nullopt, {})), Code::refused);
}

TEST(BlockNumbers, IncreaseAcrossARestart) {
  const Bench bench;
  EXPECT_EQ(*bench.open()->next_block(), 0u);
  const auto store = bench.open();
  EXPECT_EQ(*store->next_block(), 1u);
  EXPECT_EQ(*store->next_block(), 2u);
}

TEST(CumulativeEpsilon, AddsUpDurablyAndTakesProbabilitiesOnly) {
  const Bench bench;
  ASSERT_TRUE(bench.open()->add_epsilon(1e-10).ok());
  const auto store = bench.open();
  ASSERT_TRUE(store->add_epsilon(2e-10).ok());
  EXPECT_DOUBLE_EQ(store->cumulative_epsilon(), 3e-10);
  EXPECT_EQ(code_of(store->add_epsilon(-1)), Code::bad_input);
  EXPECT_EQ(code_of(store->add_epsilon(std::numeric_limits<double>::quiet_NaN())), Code::bad_input);
}

TEST(StateFolder, HasOneUserAtATime) {
  const Bench bench;
  const auto first = bench.open();
  const auto second = bench.try_open();
  ASSERT_EQ(code_of(second), Code::busy);
  EXPECT_NE(second.error().message.find("another nicol is using"), std::string::npos);
}

TEST(StateFolder, IsFreeAgainWhenItsUserEnds) {
  const Bench bench;
  bench.open();
  EXPECT_TRUE(bench.try_open().ok());
}

TEST(StateFolder, IsForItsOwnerAloneDownToEachFile) {
  const Bench bench;
  const auto store = bench.open();
  add_key(*store, 1, kSplit);
  EXPECT_EQ(fs::status(bench.state()).permissions(), fs::perms::owner_all);
  for (const auto& entry : fs::recursive_directory_iterator(bench.state()))
    EXPECT_EQ(entry.status().permissions(),
              entry.is_directory() ? fs::perms::owner_all : fs::perms::owner_read | fs::perms::owner_write)
        << entry.path();
}

TEST(StateFolder, IsRefusedWhenOthersMayEnterIt) {
  const Bench bench;
  fs::create_directory(bench.state());
  fs::permissions(bench.state(), fs::perms(0755));
  const auto store = bench.try_open();
  ASSERT_EQ(code_of(store), Code::bad_input);
  EXPECT_NE(store.error().message.find("0755"), std::string::npos) << store.error().message;
}

TEST(StateFolder, HoldsNoKeyBitInTheClear) {
  const Bench bench;
  const auto store = bench.open();
  add_key(*store, 1, kSplit);
  std::string first(16, '\0');
  for (std::size_t k = 0; k < 128; ++k)
    if (key_bit(1, k)) first[k / 8] = static_cast<char>(first[k / 8] | (1 << (k % 8)));
  for (const auto& entry : fs::recursive_directory_iterator(bench.state())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string all((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(all.find(first), std::string::npos) << entry.path();
  }
}

TEST(Store, KeepsLittleMemoryLocked) {
  const Bench bench;
  const std::size_t before = secret::locked_usage().held;
  const auto store = bench.open();
  for (std::uint8_t n = 1; n <= 20; ++n) add_key(*store, n, {.pools = {64, 64, 4096, 4096}, .delivery = 20'000});
  EXPECT_LT(secret::locked_usage().held - before, 128u * 1024);
}

}  // namespace
}  // namespace nicol::keystore::test
