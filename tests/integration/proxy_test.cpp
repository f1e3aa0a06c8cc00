// SPDX-License-Identifier: Apache-2.0
// Eve on the classical channel of two whole nodes: what she changes, invents or loses gives her no basis and nobody a
// key that the other does not have, and the next honest block works.
#include <gtest/gtest.h>

#include "controller/session/link.hpp"
#include "drivers/hal/random.hpp"
#include "tests/integration/live_nodes.hpp"

namespace nicol::test {
namespace {

using session::BlockReason;
using session::BlockStatus;

constexpr std::size_t kPayload = session::kHeaderBytes;
constexpr std::size_t kBody = session::kHeaderBytes + session::kStampBytes;

struct Target {
  Direction direction;
  FrameType type;
};
constexpr Direction kAb = Direction::a_to_b, kBa = Direction::b_to_a;

/// Every frame of a connection with one block, in order.
const Target kTargets[] = {
    {kAb, FrameType::hello},      {kBa, FrameType::hello},          {kAb, FrameType::marks},
    {kBa, FrameType::marks},      {kAb, FrameType::block_open},     {kBa, FrameType::block_ready},
    {kBa, FrameType::hint},       {kBa, FrameType::detections},     {kAb, FrameType::bases},
    {kBa, FrameType::samples},    {kBa, FrameType::parity_ask},     {kAb, FrameType::parity_answer},
    {kBa, FrameType::reconciled}, {kAb, FrameType::verify},         {kBa, FrameType::verified},
    {kAb, FrameType::amplify},    {kAb, FrameType::transcript_tag}, {kBa, FrameType::accept_tag},
    {kAb, FrameType::verdict},    {kBa, FrameType::settle_done}};

std::string target_name(const Target& t) {
  return std::string(t.direction == kAb ? "ALICE_" : "BOB_") + std::string(session::to_string(t.type));
}

bool contact(FrameType t) { return t == FrameType::hello || t == FrameType::marks; }
/// After Alice's commitment the key exists, whatever becomes of the frame that tells of it.
bool committed(FrameType t) { return t == FrameType::verdict || t == FrameType::settle_done; }
/// Frames that Bob's tag of D covers: Alice discloses nothing once one of them was changed.
bool before_any_basis(const Target& t) {
  return t.direction == kBa ? t.type <= FrameType::detections
                            : t.type == FrameType::marks || t.type == FrameType::block_open;
}

/// One link for many tests: each starts fresh nodes on the folders that the one before left.
class EveOnTheLine : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    LinkUnderTest::Options options;
    options.reply_timeout = std::chrono::milliseconds(1'500);
    options.light_timeout = std::chrono::milliseconds(2'500);
    link_ = new LinkUnderTest(options);
  }
  static void TearDownTestSuite() {
    delete link_;
    link_ = nullptr;
  }
  void SetUp() override { nodes_ = std::make_unique<LiveNodes>(*link_); }
  void TearDown() override {
    nodes_.reset();
    link_->proxy().set_line({});
  }
  /// One block with Eve on the line.
  session::BlockResult attacked_block(const EveOnce& eve, FrameType type) {
    link_->proxy().set_line(eve.line());
    if (contact(type)) link_->proxy().cut();
    session::BlockResult result = nodes_->run_block();
    // A block that Alice opened before she saw the cut ends without any new contact.
    if (contact(type) && !eve.acted()) result = nodes_->run_block();
    EXPECT_TRUE(eve.acted());
    return result;
  }
  void expect_next_block_makes_key() {
    link_->proxy().set_line({});
    const session::BlockResult next = nodes_->run_block();
    EXPECT_EQ(next.status, BlockStatus::key) << next.detail;
  }
  /// Ends the nodes. No victim of Eve's is a key anywhere, and both folders hold the same.
  void expect_no_key_of(const EveOnce& eve) {
    nodes_->stop();
    EXPECT_TRUE(stores_agree(*link_, Compare::keys_and_pools));
    for (const Side side : {Side::alice, Side::bob})
      for (const std::string& id : eve.victims()) EXPECT_FALSE(store_face(*link_, side).has(id, "available")) << id;
  }
  static inline LinkUnderTest* link_ = nullptr;
  std::unique_ptr<LiveNodes> nodes_;
};

class EveChanges : public EveOnTheLine, public testing::WithParamInterface<Target> {
 protected:
  bool somebody_calls_it_an_attack() {
    for (const Side side : {Side::alice, Side::bob})
      for (const auto& result : nodes_->results(side))
        if (result.reason == BlockReason::authentication) return nodes_->has_alarm(side, "authentication-failure");
    return false;
  }
  enum class Expect : std::uint8_t { no_key, alarm };
  void attack(Line act, Expect expect) {
    const Target t = GetParam();
    const EveOnce eve(t.direction, t.type, std::move(act));
    const session::BlockResult result = attacked_block(eve, t.type);
    EXPECT_TRUE(contact(t.type) || (result.status == BlockStatus::key) == committed(t.type)) << result.detail;
    EXPECT_FALSE(before_any_basis(t) && eve.saw_bases());
    expect_next_block_makes_key();
    const bool block_died = !contact(t.type) && t.type != FrameType::settle_done;
    EXPECT_TRUE(expect == Expect::no_key || !block_died || somebody_calls_it_an_attack());
    if (!committed(t.type)) expect_no_key_of(eve);
    nodes_->stop();
    EXPECT_TRUE(stores_agree(*link_, Compare::keys_and_pools));
  }
  CounterStream dice() const {
    return CounterStream({11, NodeId::world, Purpose::test, static_cast<std::uint64_t>(GetParam().type)});
  }
};

TEST_P(EveChanges, ABitOfThePayloadAndNobodyGainsAKey) {
  CounterStream random = dice();
  const std::uint64_t place = random(), bit = random() % 8;
  attack(
      [=](const session::FrameHeader& header, Bytes frame) {
        return flip_bit(kPayload + place % (frame.size() - kPayload), static_cast<unsigned>(bit))(header,
                                                                                                  std::move(frame));
      },
      Expect::no_key);
}

/// Each field of the header, in turn along the frames of either direction.
TEST_P(EveChanges, AFieldOfTheHeaderAndNobodyGainsAKey) {
  constexpr std::size_t kVersion = 4, kSession = 9, kDirection = 21, kSequence = 22, kType = 30, kLength = 36;
  constexpr std::size_t kFields[] = {kVersion, kSession, kDirection, kSequence, kType, kLength};
  attack(flip_bit(kFields[static_cast<std::size_t>(GetParam().type) / 2 % 6], 0), Expect::alarm);
}

INSTANTIATE_TEST_SUITE_P(EachFrame, EveChanges, testing::ValuesIn(kTargets),
                         [](const auto& p) { return target_name(p.param); });

/// The control of all the others: the same Eve, only watching.
TEST_F(EveOnTheLine, ABlockThatSheOnlyWatchesShowsHerTheBasesAndMakesKey) {
  const EveOnce eve(kBa, FrameType::detections,
                    [](const session::FrameHeader&, Bytes frame) { return passed(std::move(frame)); });
  EXPECT_EQ(attacked_block(eve, FrameType::detections).status, BlockStatus::key);
  EXPECT_TRUE(eve.saw_bases());
  nodes_->stop();
  ASSERT_EQ(eve.victims().size(), 1U);
  EXPECT_TRUE(store_face(*link_, Side::alice).has(eve.victims()[0], "available"));
}

/// The receiver waits for bytes that never come, or takes the next frame's for them.
TEST_F(EveOnTheLine, ALengthThatIsTooLargeEndsInNoKey) {
  constexpr std::size_t kSecondByteOfLength = 33;
  const EveOnce eve(kBa, FrameType::detections, [](const session::FrameHeader&, Bytes frame) {
    ++frame.at(kSecondByteOfLength);
    return passed(std::move(frame));
  });
  EXPECT_EQ(attacked_block(eve, FrameType::detections).status, BlockStatus::aborted);
  EXPECT_FALSE(eve.saw_bases());
  expect_next_block_makes_key();
  expect_no_key_of(eve);
}

/// The session MAC covers no HELLO: what it says of the source is believed only because the block's tags cover it.
TEST_F(EveOnTheLine, ABetterSourceThanAlicesMakesNoKey) {
  const EveOnce eve(kAb, FrameType::hello, [](const session::FrameHeader& header, Bytes frame) {
    auto hello = session::decode_hello(std::span(frame).subspan(kBody));
    EXPECT_TRUE(hello.ok());
    hello->model.p_multi /= 2;
    const session::Bytes body = session::encode(*hello);
    EXPECT_EQ(body.size(), header.length - session::kStampBytes);
    std::copy(body.begin(), body.end(), frame.begin() + kBody);
    return passed(std::move(frame));
  });
  const session::BlockResult result = attacked_block(eve, FrameType::hello);
  EXPECT_EQ(result.status, BlockStatus::aborted);
  EXPECT_EQ(eve.victims().size(), 1U);
  expect_next_block_makes_key();
  expect_no_key_of(eve);
}

/// What Eve puts in the place of D: stamp and tag of the frame she replaces, header made to fit.
Bytes forged_list(const session::FrameHeader& replaced, const Bytes& frame, const sifting::DetectionList& list,
                  const Bytes& tag) {
  const session::Bytes body = session::encode(list);
  session::FrameHeader header = replaced;
  header.type = FrameType::detections;
  header.length = session::kStampBytes + body.size() + tag.size();
  const auto start = session::encode_header(header);
  Bytes forged(start.begin(), start.end());
  forged.insert(forged.end(), frame.begin() + kPayload, frame.begin() + kBody);
  forged.insert(forged.end(), body.begin(), body.end());
  forged.insert(forged.end(), tag.begin(), tag.end());
  return forged;
}

sifting::DetectionList list_of(const Bytes& frame) {
  auto list = session::decode_detections(std::span(frame).subspan(kBody, frame.size() - kBody - 8), 6'500'000);
  EXPECT_TRUE(list.ok());
  return *std::move(list);
}

Bytes tag_of(const Bytes& frame) { return Bytes(frame.end() - 8, frame.end()); }

sifting::DetectionList invented() {
  CounterStream random({12, NodeId::world, Purpose::test, 0});
  sifting::DetectionList list;
  for (std::uint64_t slot = 0; slot < 3'000'000; slot += 1 + random() % 100) {
    list.slots.push_back(slot);
    list.bases.push_back((random() & 1) != 0);
  }
  return list;
}

class InventedDetections : public EveOnTheLine {
 protected:
  void expect_no_basis_and_no_key(FrameType replaced, Line act) {
    const EveOnce eve(kBa, replaced, std::move(act));
    const session::BlockResult result = attacked_block(eve, replaced);
    EXPECT_EQ(result.reason, BlockReason::authentication) << result.detail;
    EXPECT_TRUE(nodes_->has_alarm(Side::alice, "authentication-failure"));
    EXPECT_FALSE(eve.saw_bases());
    expect_next_block_makes_key();
    expect_no_key_of(eve);
  }
};

TEST_F(InventedDetections, OfHerOwnSlotsAndBasesGetNoBasis) {
  expect_no_basis_and_no_key(FrameType::detections, [](const session::FrameHeader& header, const Bytes& frame) {
    return passed(forged_list(header, frame, invented(), tag_of(frame)));
  });
}

TEST_F(InventedDetections, OfHisSlotsAndHerBasesGetNoBasis) {
  expect_no_basis_and_no_key(FrameType::detections, [](const session::FrameHeader& header, const Bytes& frame) {
    sifting::DetectionList list = list_of(frame);
    const std::size_t n = list.bases.size();
    list.bases = {};
    for (std::size_t i = 0; i < n; ++i) list.bases.push_back(i % 2 == 0);
    return passed(forged_list(header, frame, list, tag_of(frame)));
  });
}

TEST_F(InventedDetections, OfASubsetOfHisGetNoBasis) {
  expect_no_basis_and_no_key(FrameType::detections, [](const session::FrameHeader& header, const Bytes& frame) {
    const sifting::DetectionList all = list_of(frame);
    sifting::DetectionList half;
    for (std::size_t i = 0; i < all.slots.size(); i += 2) {
      half.slots.push_back(all.slots[i]);
      half.bases.push_back(all.bases.get(i));
    }
    return passed(forged_list(header, frame, half, tag_of(frame)));
  });
}

TEST_F(InventedDetections, WithAGuessedTagGetNoBasis) {
  expect_no_basis_and_no_key(FrameType::detections, [](const session::FrameHeader& header, const Bytes& frame) {
    return passed(forged_list(header, frame, invented(), Bytes(8, 0)));
  });
}

/// She holds the light and needs the bases while it is still in her hands.
TEST_F(InventedDetections, WhileBobStillMeasuresGetNoBasis) {
  expect_no_basis_and_no_key(FrameType::hint, [](const session::FrameHeader& header, const Bytes& frame) {
    return passed(forged_list(header, frame, invented(), Bytes(8, 0)));
  });
}

// ---- frames that never arrive ----

enum class Loss : std::uint8_t { with_the_connection, in_silence };
struct Lost {
  FrameType type;
  Loss loss;
};

class ALostFrame : public EveOnTheLine, public testing::WithParamInterface<Lost> {
 protected:
  /// From the first frame of this type on nothing passes; then the line heals.
  void lose(FrameType type, Loss loss) {
    Sightings seen;
    link_->proxy().set_line(seen.noting([type, lost = false](const session::FrameHeader& h, Bytes frame) mutable {
      lost = lost || h.type == type;
      return lost ? Outgoing{} : passed(std::move(frame));
    }));
    nodes_->alice().submit({service::Command::Kind::run, 1, "", "test"});
    ASSERT_TRUE(seen.wait(type, 1));
    if (loss == Loss::with_the_connection) {
      link_->proxy().set_line({});
      link_->proxy().cut();
    }
    ASSERT_TRUE(nodes_->alice().wait(std::chrono::seconds(30)));
  }
};

TEST_P(ALostFrame, IsSettledAtTheNextContactAndBothStoresAreEqual) {
  const std::size_t before = link_->proxy().records().size();
  lose(GetParam().type, GetParam().loss);
  expect_next_block_makes_key();
  nodes_->stop();
  const auto records = link_->proxy().records();
  EXPECT_TRUE(stores_agree(*link_, Compare::keys_and_pools));
  const std::string id = opened_ids(records, before, records.size()).at(0);
  const bool kept = GetParam().type != FrameType::accept_tag;
  EXPECT_EQ(store_face(*link_, Side::bob).has(id, "available"), kept);
  const bool in_doubt = GetParam().type != FrameType::settle_done;
  EXPECT_EQ(count_of(records, FrameType::settle_answer, before, records.size()), in_doubt ? 1U : 0U);
  EXPECT_TRUE(disjoint(pads_used_in(records)));
}

INSTANTIATE_TEST_SUITE_P(OfTheLastThree, ALostFrame,
                         testing::Values(Lost{FrameType::accept_tag, Loss::with_the_connection},
                                         Lost{FrameType::accept_tag, Loss::in_silence},
                                         Lost{FrameType::verdict, Loss::with_the_connection},
                                         Lost{FrameType::verdict, Loss::in_silence},
                                         Lost{FrameType::settle_done, Loss::with_the_connection},
                                         Lost{FrameType::settle_done, Loss::in_silence}),
                         [](const auto& p) {
                           return std::string(session::to_string(p.param.type)) +
                                  (p.param.loss == Loss::in_silence ? "_in_silence" : "_with_the_connection");
                         });

/// Two of the three tries are spoiled: the query is changed, then the answer.
TEST_F(EveOnTheLine, ASettlementThatSheSpoilsTwiceIsMadeAtTheThirdTry) {
  const std::size_t before = link_->proxy().records().size();
  Sightings seen;
  int query = 0, answer = 0;
  link_->proxy().set_line(seen.noting([&](const session::FrameHeader& h, Bytes frame) {
    if (h.type == FrameType::verdict) frame.back() ^= 1;
    if (h.type == FrameType::settle_query && ++query == 1) frame.back() ^= 1;
    if (h.type == FrameType::settle_answer && ++answer == 1) frame.back() ^= 1;
    return passed(std::move(frame));
  }));
  EXPECT_EQ(nodes_->run_block().status, BlockStatus::key);
  ASSERT_TRUE(seen.wait(FrameType::settle_answer, 2));
  expect_next_block_makes_key();
  nodes_->stop();
  EXPECT_TRUE(stores_agree(*link_, Compare::keys_and_pools));
  const auto records = link_->proxy().records();
  EXPECT_EQ(count_of(records, FrameType::settle_query, before, records.size()), 3U);
  EXPECT_TRUE(disjoint(pads_used_in(records)));
}

}  // namespace
}  // namespace nicol::test
