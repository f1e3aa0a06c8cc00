// SPDX-License-Identifier: Apache-2.0
// Two whole nodes that share drawn pairs over a real socket: from tags to a stored key.
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "controller/service/node.hpp"
#include "controller/service/replay.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/must.hpp"
#include "tests/unit/service/drawn_tagger.hpp"

namespace nicol::service {
namespace {

using test::must;

constexpr std::chrono::seconds kPatience{120};

class PairNodes : public testing::Test {
 protected:
  PairNodes() {
    if (const auto written = keystore::write_preshared_key(folder_ / "psk", {}); !written)
      throw std::runtime_error(describe(written.error()));
  }
  ~PairNodes() override {
    if (hers_ != nullptr) hers_->let_go = true;
    alice_.reset();
    bob_.reset();
  }
  std::unique_ptr<Node> node(session::Side side, const test::PairSpec& spec) {
    const bool alice = side == session::Side::alice;
    NodeOptions o;
    o.session.side = side;
    o.session.light_timeout = light_timeout_;
    o.session.agreement.protocol = session::Protocol::bbm92;
    o.session.agreement.length = distillation::LengthFunction::sp_variable;
    o.session.agreement.block_slots = 1'500'000;
    o.session.model.simulated = true;
    o.consent = Consent::given;
    o.peer_role = alice ? PeerRole::listen : PeerRole::connect;
    o.endpoint = {"127.0.0.1", alice ? "0" : std::to_string(alice_->listen_port())};
    o.clicks_per_block = 1 << 18;
    NodeParts parts;
    parts.rig = test::drawn_rig(spec, alice ? test::PairEnd::alice : test::PairEnd::bob);
    (alice ? hers_ : his_) = parts.rig->find<test::DrawnTagger>("tagger");
    parts.store = must(keystore::KeyStore::open(folder_ / (alice ? "alice" : "bob"), folder_ / "psk", {}));
    parts.random = make_seeded_random(5, alice ? NodeId::alice : NodeId::bob);
    if (recorded_) parts.recording = tape(side);
    return must(Node::create(std::move(o), std::move(parts)));
  }
  std::filesystem::path tape_of(session::Side side) const {
    return folder_ / (side == session::Side::alice ? "alice.tape" : "bob.tape");
  }
  std::unique_ptr<recording::Writer> tape(session::Side side) const {
    const auto key = folder_ / "seal.key";
    if (!std::filesystem::exists(key))
      if (const auto made = recording::make_seal_key(key); !made) throw std::runtime_error(describe(made.error()));
    const auto who = side == session::Side::alice ? recording::Node::alice : recording::Node::bob;
    return must(recording::Writer::create(tape_of(side), who, must(recording::read_seal_key(key))));
  }
  void expect_replays(std::size_t keys) {
    alice_->stop();
    bob_->stop();
    const auto seal = must(recording::read_seal_key(folder_ / "seal.key"));
    for (const session::Side side : {session::Side::alice, session::Side::bob}) {
      const auto report = must(replay(tape_of(side), seal, {}));
      EXPECT_TRUE(report.identical()) << tape_of(side) << ": " << report.departure.value_or("");
      EXPECT_FALSE(report.cut_short);
      EXPECT_EQ(report.keys.size(), keys);
    }
  }
  void start(const test::PairSpec& spec) {
    alice_ = node(session::Side::alice, spec);
    bob_ = node(session::Side::bob, spec);
  }
  session::BlockResult run(std::uint64_t blocks) {
    bob_->submit({Command::Kind::run, 0, "", "test"});
    alice_->submit({Command::Kind::run, blocks, "", "test"});
    if (!alice_->wait(kPatience)) throw std::runtime_error("no block: " + alice_->snapshot()->session_state);
    const auto all = alice_->blocks_since(0, 100);
    if (all.empty()) throw std::runtime_error("no block");
    return all.back().value;
  }
  static bool says(const Node& node, std::string_view text) {
    for (const auto& line : node.log_since(0, 4096))
      if (line.value.text.find(text) != std::string::npos) return true;
    return false;
  }
  test::Folder folder_;
  bool recorded_ = false;
  std::chrono::milliseconds light_timeout_{60'000};
  std::unique_ptr<Node> alice_, bob_;
  test::DrawnTagger *hers_ = nullptr, *his_ = nullptr;
};

TEST_F(PairNodes, MakeKeysAndKeepTheirLock) {
  start(test::key_pairs());
  const auto last = run(2);
  EXPECT_EQ(last.status, session::BlockStatus::key) << last.detail;
  EXPECT_EQ(alice_->snapshot()->blocks_done, 2U);
  EXPECT_GT(last.secret_bits, 200U);
  const auto report = bob_->snapshot()->pairs;
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->locked);
  EXPECT_NEAR(report->frequency, 12e-6, 1e-8);
  EXPECT_GT(report->coincidences, 10'000U);
}

TEST_F(PairNodes, LoseTimeToAPulledCableButNotTheBlock) {
  start(test::key_pairs());
  his_->unplugs_at = 1'300'000'000'000;
  const auto block = run(1);
  EXPECT_EQ(block.status, session::BlockStatus::key) << block.detail;
  EXPECT_LT(bob_->snapshot()->pairs->coincidences, 16'500U);
}

TEST_F(PairNodes, LearnWhatBobsDetectorsAreLateByAndTakeItOff) {
  test::PairSpec spec = test::key_pairs();
  spec.delay_bob = {300, -100, -180, -20};
  start(spec);
  const auto last = run(3);
  EXPECT_EQ(last.status, session::BlockStatus::key) << last.detail;
  const auto report = *bob_->snapshot()->pairs;
  for (std::size_t c = 0; c < 4; ++c) {
    EXPECT_NEAR(report.delays[c].ps, spec.delay_bob[c], 5 * report.delays[c].error_ps) << c;
    EXPECT_LT(report.delays[c].error_ps, 10) << c;
  }
  EXPECT_EQ(alice_->snapshot()->pairs.has_value(), false);
}

/// Her tagger's call never comes back, and with it her node; his goes on counting.
TEST_F(PairNodes, GiveABlockUpWhoseOtherSideHangs) {
  light_timeout_ = std::chrono::seconds(5);
  start(test::key_pairs());
  hers_->hangs_at = 200'000'000'000;
  his_->goes_on = true;
  bob_->submit({Command::Kind::run, 0, "", "test"});
  alice_->submit({Command::Kind::run, 1, "", "test"});
  const SteadyDeadlines steady;
  const Deadline patience = steady.in(kPatience);
  while (!says(*bob_, "the peer's list did not come") && !steady.passed(patience))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(says(*bob_, "the peer's list did not come for 5000 ms after the block's time"));
  EXPECT_TRUE(hers_->hung);
  hers_->let_go = true;
  ASSERT_TRUE(alice_->wait(kPatience));
  const auto hers = alice_->blocks_since(0, 10);
  ASSERT_FALSE(hers.empty());
  EXPECT_EQ(hers.back().value.status, session::BlockStatus::aborted);
  EXPECT_EQ(hers.back().value.reason, session::BlockReason::peer);
}

TEST_F(PairNodes, AreReplayedThoughACableWasPulled) {
  recorded_ = true;
  start(test::key_pairs());
  his_->unplugs_at = 1'300'000'000'000;
  ASSERT_EQ(run(1).status, session::BlockStatus::key);
  expect_replays(1);
}

TEST_F(PairNodes, AreReplayedWithTheDelaysThatBlocksBeforeTaught) {
  recorded_ = true;
  test::PairSpec spec = test::key_pairs();
  spec.delay_bob = {300, -100, -180, -20};
  start(spec);
  ASSERT_EQ(run(3).status, session::BlockStatus::key);
  expect_replays(3);
}

TEST_F(PairNodes, SayThatThereAreNoPairs) {
  test::PairSpec spec = test::key_pairs();
  spec.pairs = 0;
  start(spec);
  const auto block = run(1);
  EXPECT_EQ(block.status, session::BlockStatus::no_key);
  EXPECT_EQ(block.reason, session::BlockReason::too_few);
  auto his = bob_->snapshot();  // he ends the block after her
  for (int i = 0; i < 100 && his->last_error.empty(); ++i)
    his = bob_->next_snapshot(his, std::chrono::milliseconds(100));
  EXPECT_NE(his->last_error.find("no coincidences found"), std::string::npos);
}

}  // namespace
}  // namespace nicol::service
