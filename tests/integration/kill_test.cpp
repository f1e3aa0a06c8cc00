// SPDX-License-Identifier: Apache-2.0
// kill -9 of either node in every state of the protocol: after its restart the next block makes key, no one-time bit
// was used twice over the link's whole history, and both stores end with the same keys.
#include <gtest/gtest.h>

#include <thread>

#include "drivers/hal/random.hpp"
#include "tests/integration/kill_switch.hpp"

namespace nicol::test {
namespace {

/// One link and its history for all tests of a suite.
class AKilledNode : public testing::Test {
 protected:
  static void SetUpTestSuite() { link_ = new LinkUnderTest; }
  static void TearDownTestSuite() {
    delete link_;
    link_ = nullptr;
  }
  static inline LinkUnderTest* link_ = nullptr;
  TwoPrograms nodes_{*link_};
};

enum class Held : std::uint8_t { lost, delivered };
struct Moment {
  const char* state;  // of the victim when it dies
  Side victim;
  Direction direction;
  FrameType frame;
  Held held = Held::lost;
};
constexpr Side A = Side::alice, B = Side::bob;
constexpr Direction kAb = Direction::a_to_b, kBa = Direction::b_to_a;

/// `lost`: the victim waits for this frame. `delivered`: it has just sent it, and the other acts on it.
const Moment kMoments[] = {
    {"Alice_hello_wait", A, kBa, FrameType::hello},
    {"Bob_hello_wait", B, kAb, FrameType::hello},
    {"Alice_marks_wait", A, kBa, FrameType::marks},
    {"Bob_marks_wait", B, kAb, FrameType::marks},
    {"Bob_idle", B, kAb, FrameType::block_open},
    {"Alice_ready_wait", A, kBa, FrameType::block_ready},
    {"Bob_receiving", B, kBa, FrameType::block_ready},
    {"Bob_receiving_hint", B, kBa, FrameType::hint, Held::delivered},
    {"Alice_emitting_hint", A, kBa, FrameType::hint},
    {"Alice_list_wait", A, kBa, FrameType::detections},
    {"Bob_detections_sent", B, kBa, FrameType::detections, Held::delivered},
    {"Bob_bases_wait", B, kAb, FrameType::bases},
    {"Alice_bases_sent", A, kAb, FrameType::bases, Held::delivered},
    {"Alice_samples_wait", A, kBa, FrameType::samples},
    {"Alice_ask_wait", A, kBa, FrameType::parity_ask},
    {"Bob_parity_wait", B, kAb, FrameType::parity_answer},
    {"Bob_verify_wait", B, kAb, FrameType::verify},
    {"Alice_verified_wait", A, kBa, FrameType::verified},
    {"Bob_amplify_wait", B, kAb, FrameType::amplify},
    {"Bob_transcript_wait", B, kAb, FrameType::transcript_tag},
    {"Alice_accept_wait", A, kBa, FrameType::accept_tag},
    {"Bob_accept_sent", B, kBa, FrameType::accept_tag, Held::delivered},
    {"Bob_verdict_wait", B, kAb, FrameType::verdict},
    {"Alice_verdict_sent", A, kAb, FrameType::verdict, Held::delivered},
    {"Alice_confirm_wait", A, kBa, FrameType::settle_done},
    {"Bob_done_sent", B, kBa, FrameType::settle_done, Held::delivered},
};

Line kill_at(const Moment& m, KillSwitch& killing) {
  return on_first_from(m.direction, m.frame, [&killing, held = m.held](const session::FrameHeader&, Bytes frame) {
    killing.pull();
    return held == Held::lost ? Outgoing{} : passed(std::move(frame));
  });
}

class InEachState : public AKilledNode, public testing::WithParamInterface<Moment> {};

TEST_P(InEachState, MakesKeyAgainAndNoPadServesTwice) {
  const Moment& m = GetParam();
  KillSwitch killing;
  link_->proxy().set_line(kill_at(m, killing));
  nodes_.start_both();
  killing.aim(nodes_.program(m.victim).pid());
  nodes_.expect_killed(m.victim);
  ASSERT_TRUE(killing.pulled());
  nodes_.expect_one_more_key_and_equal_stores();
}

INSTANTIATE_TEST_SUITE_P(KillNine, InEachState, testing::ValuesIn(kMoments),
                         [](const auto& p) { return p.param.state; });

/// A spoiled VERDICT leaves Bob's key in doubt; the victim dies while it is being settled.
class InASettlement : public AKilledNode, public testing::WithParamInterface<Moment> {};

TEST_P(InASettlement, MakesKeyAgainAndNoPadServesTwice) {
  const Moment& m = GetParam();
  KillSwitch killing;
  link_->proxy().set_line(
      [&, spoiled = false, kill = kill_at(m, killing)](const session::FrameHeader& header, Bytes frame) mutable {
        if (header.type == FrameType::verdict) {
          spoiled = true;
          frame.back() ^= 1;
        }
        return spoiled ? kill(header, std::move(frame)) : passed(std::move(frame));
      });
  nodes_.start_both();
  killing.aim(nodes_.program(m.victim).pid());
  nodes_.expect_killed(m.victim);
  ASSERT_TRUE(killing.pulled());
  nodes_.expect_one_more_key_and_equal_stores();
}

INSTANTIATE_TEST_SUITE_P(KillNine, InASettlement,
                         testing::Values(Moment{"Alice_query_wait", A, kBa, FrameType::settle_query},
                                         Moment{"Bob_answer_wait", B, kAb, FrameType::settle_answer},
                                         Moment{"Alice_answer_sent", A, kAb, FrameType::settle_answer, Held::delivered},
                                         Moment{"Alice_done_wait", A, kBa, FrameType::settle_done}),
                         [](const auto& p) { return p.param.state; });

class FiveTimesInARow : public AKilledNode, public testing::WithParamInterface<Side> {};

/// Each time Alice has reserved pads that Bob never hears of.
TEST_P(FiveTimesInARow, BeforeABlockOpensMakesKeyAgainAndNoPadServesTwice) {
  const Side victim = GetParam();
  nodes_.start(other(victim));
  const std::size_t before = link_->proxy().records().size();
  for (int i = 0; i < 5; ++i) {
    KillSwitch killing;
    link_->proxy().set_line(kill_at({"", victim, kAb, FrameType::block_open}, killing));
    nodes_.start(victim);
    killing.aim(nodes_.program(victim).pid());
    nodes_.expect_killed(victim);
    ASSERT_TRUE(killing.pulled());
    link_->proxy().set_line({});  // before the switch is gone
  }
  const auto records = link_->proxy().records();
  EXPECT_GE(count_of(records, FrameType::block_open, before, records.size()), 5U);
  EXPECT_EQ(count_of(records, FrameType::block_ready, before, records.size()), 0U);
  nodes_.expect_one_more_key_and_equal_stores();
}

INSTANTIATE_TEST_SUITE_P(KillNine, FiveTimesInARow, testing::Values(A, B),
                         [](const auto& p) { return std::string(p.param == A ? "Alice" : "Bob"); });

class AtASeededTime : public AKilledNode, public testing::WithParamInterface<std::uint64_t> {};

TEST_P(AtASeededTime, MakesKeyAgainAndNoPadServesTwice) {
  CounterStream random({21, NodeId::world, Purpose::test, GetParam()});
  const Side victim = (random() & 1) != 0 ? A : B;
  Sightings seen;
  link_->proxy().set_line(seen.noting());
  nodes_.start_both();
  ASSERT_TRUE(seen.wait(FrameType::block_open, 1 + random() % 2));
  std::this_thread::sleep_for(std::chrono::microseconds(random() % 250'000));
  nodes_.program(victim).kill(SIGKILL);
  nodes_.expect_killed(victim);
  nodes_.expect_one_more_key_and_equal_stores();
}

INSTANTIATE_TEST_SUITE_P(KillNine, AtASeededTime, testing::Range(std::uint64_t{0}, std::uint64_t{4}));

/// The control of the checks above.
TEST(Pads, ThatServeTwiceAreSeen) {
  using keystore::Pool;
  EXPECT_FALSE(
      disjoint({{Pool::auth_ab, {0, 64}, "a"}, {Pool::auth_ba, {0, 64}, "b"}, {Pool::auth_ab, {63, 127}, "c"}}));
  EXPECT_TRUE(
      disjoint({{Pool::auth_ab, {64, 128}, "a"}, {Pool::auth_ba, {0, 64}, "b"}, {Pool::auth_ab, {0, 64}, "c"}}));
}

}  // namespace
}  // namespace nicol::test
