// SPDX-License-Identifier: Apache-2.0
// Eve on the classical channel: whatever she does to one frame, no key comes of it, no basis is disclosed early, and
// the next honest block works.
#include <gtest/gtest.h>

#include "controller/session/messages.hpp"
#include "tests/unit/session/tampering.hpp"

namespace nicol::test {
namespace {

using session::BlockReason;
using session::BlockStatus;

/// The order in which an honest connection with one block shows them.
const FrameType kHonestTypes[] = {
    FrameType::hello,      FrameType::marks,   FrameType::block_open, FrameType::block_ready, FrameType::hint,
    FrameType::detections, FrameType::bases,   FrameType::samples,    FrameType::parity_ask,  FrameType::parity_answer,
    FrameType::reconciled, FrameType::verify,  FrameType::verified,   FrameType::amplify,     FrameType::transcript_tag,
    FrameType::accept_tag, FrameType::verdict, FrameType::settle_done};

class EveChanges : public testing::TestWithParam<FrameType> {
 protected:
  /// One block on a changed line, silence as long as anybody waits, then honest blocks until one made key.
  void attack(Line line) {
    nodes_.line = std::move(line);
    nodes_.run_block();
    if (nodes_.connected()) nodes_.let_time_pass();
    after_attack_ = {available_keys(*nodes_.alice().store), available_keys(*nodes_.bob().store)};
    nodes_.line = {};
    nodes_.run_block();
  }
  /// Only the frames after Alice's commitment leave a key behind, and Bob never gets one that she has not.
  void expect_nothing_gained() {
    const bool committed = GetParam() == FrameType::verdict || GetParam() == FrameType::settle_done;
    EXPECT_EQ(after_attack_.first, committed ? 1U : 0U);
    EXPECT_LE(after_attack_.second, after_attack_.first);
    EXPECT_EQ(nodes_.alice().results.back().status, BlockStatus::key) << nodes_.alice().results.back().detail;
    EXPECT_TRUE(stores_agree(nodes_));
  }
  TwoNodes nodes_;
  std::pair<std::size_t, std::size_t> after_attack_;
};

TEST_P(EveChanges, TheLastByteWithoutGainingAnything) {
  attack(flip_first(GetParam(), -1));
  expect_nothing_gained();
}

TEST_P(EveChanges, AByteOfTheStampWithoutGainingAnything) {
  attack(flip_first(GetParam(), session::kHeaderBytes));
  expect_nothing_gained();
}

TEST_P(EveChanges, TheSessionIdWithoutGainingAnything) {
  attack(flip_first(GetParam(), 6));
  expect_nothing_gained();
}

TEST_P(EveChanges, TheOrderByDuplicatingItWithoutGainingAnything) {
  attack(duplicate_first(GetParam()));
  EXPECT_LE(after_attack_.second, after_attack_.first);
  EXPECT_EQ(nodes_.alice().results.back().status, BlockStatus::key);
  EXPECT_TRUE(stores_agree(nodes_));
}

TEST_P(EveChanges, TheConversationByDroppingItWithoutGainingAnything) {
  attack(drop_first(GetParam()));
  expect_nothing_gained();
}

INSTANTIATE_TEST_SUITE_P(EachFrame, EveChanges, testing::ValuesIn(kHonestTypes),
                         [](const auto& param) { return type_name(param.param); });

TEST(SessionAttack, AFlippedDetectionListDisclosesNoBasis) {
  for (const std::ptrdiff_t byte : {-1, -9, -500, 60, 70}) {
    TwoNodes nodes;
    nodes.line = flip_first(FrameType::detections, byte);
    nodes.run_block();
    EXPECT_FALSE(saw(nodes, FrameType::bases)) << "byte " << byte;
    EXPECT_EQ(nodes.alice().results.at(0).reason, BlockReason::authentication);
  }
}

TEST(SessionAttack, AnInventedDetectionListDisclosesNoBasis) {
  TwoNodes nodes;
  nodes.line = on_first(FrameType::detections, [](Bytes frame) {
    sifting::DetectionList invented;
    for (std::uint64_t slot = 0; slot < 1000; ++slot) {
      invented.slots.push_back(slot);
      invented.bases.push_back(slot % 2 == 0);
    }
    const Bytes body = session::encode(invented), tag(frame.end() - 8, frame.end());
    session::FrameHeader header = header_of(frame);
    header.length = 16 + body.size() + tag.size();
    const auto start = session::encode_header(header);
    Bytes forged(start.begin(), start.end());
    forged.insert(forged.end(), frame.begin() + session::kHeaderBytes, frame.begin() + session::kHeaderBytes + 16);
    forged.insert(forged.end(), body.begin(), body.end());
    forged.insert(forged.end(), tag.begin(), tag.end());
    return std::vector<Bytes>{forged};
  });
  nodes.run_block();
  EXPECT_FALSE(saw(nodes, FrameType::bases));
  EXPECT_EQ(nodes.alice().results.at(0).reason, BlockReason::authentication);
}

TEST(SessionAttack, NoBasisIsDisclosedBeforeHerLastSlotIsOut) {
  TwoNodes nodes;
  nodes.drive_light = false;
  nodes.run_block();
  nodes.apply(Side::bob, nodes.bob().session->receiver_ready());
  nodes.pump();
  LinkClicks clicks = simulate_link(nodes.model, 1);
  nodes.apply(Side::bob, nodes.bob().session->detection_finished({std::move(clicks.received), {}}));
  nodes.pump();
  EXPECT_FALSE(saw(nodes, FrameType::bases));
  nodes.apply(Side::alice, nodes.alice().session->emission_finished(std::move(clicks.prepared), nodes.model.slots));
  nodes.pump();
  EXPECT_TRUE(saw(nodes, FrameType::bases));
  EXPECT_EQ(nodes.alice().results.at(0).status, BlockStatus::key);
}

TEST(SessionAttack, AReflectedFrameIsRejected) {
  for (const FrameType type : {FrameType::marks, FrameType::block_open, FrameType::bases, FrameType::transcript_tag}) {
    TwoNodes nodes;
    Bytes copy;
    nodes.line = on_first(type, [&](Bytes frame) {
      copy = frame;
      return std::vector<Bytes>{std::move(frame)};
    });
    nodes.connect();
    if (type != FrameType::marks) nodes.run_block();
    if (!nodes.connected()) continue;
    nodes.apply(Side::alice, nodes.alice().session->on_frame(copy));
    ASSERT_TRUE(nodes.alice().closed) << type_name(type);
    EXPECT_EQ(nodes.alice().closed->code, Code::authentication);
  }
}

TEST(SessionAttack, ReflectingHelloIsRejected) {
  TwoNodes nodes;
  session::Session alice(nodes.alice().config, *nodes.alice().store, *nodes.alice().random, nodes.arena(),
                         nodes.deadlines);
  const session::Step hello = alice.start();
  const session::Step answer = alice.on_frame(hello.send.at(0));
  const auto* closed = std::get_if<session::EventClosed>(&answer.events.at(0));
  ASSERT_NE(closed, nullptr);
  EXPECT_EQ(closed->code, Code::authentication);
}

TEST(SessionAttack, AFrameOfAnEarlierConnectionIsRejected) {
  TwoNodes nodes;
  nodes.run_block();
  Bytes old;
  for (const Bytes& frame : nodes.log())
    if (header_of(frame).type == FrameType::block_open) old = frame;
  nodes.connect();
  nodes.apply(Side::bob, nodes.bob().session->on_frame(old));
  ASSERT_TRUE(nodes.bob().closed);
  EXPECT_EQ(nodes.bob().closed->code, Code::authentication);
}

TEST(SessionAttack, SwappedFramesAreRejected) {
  TwoNodes nodes;
  nodes.line = [held = std::vector<Bytes>()](Bytes frame) mutable -> std::vector<Bytes> {
    const FrameType type = header_of(frame).type;
    if (type == FrameType::amplify) {
      held.push_back(std::move(frame));
      return {};
    }
    if (type == FrameType::transcript_tag && !held.empty()) return {std::move(frame), std::move(held.front())};
    return {std::move(frame)};
  };
  nodes.run_block();
  EXPECT_EQ(nodes.bob().results.at(0).reason, BlockReason::authentication);
  EXPECT_EQ(available_keys(*nodes.alice().store), 0U);
}

TEST(SessionAttack, AFrameThatTheStateDoesNotExpectClosesTheConnection) {
  TwoNodes nodes;
  nodes.line = on_first(FrameType::bases, [](Bytes frame) {
    session::FrameHeader header = header_of(frame);
    header.type = FrameType::verify;
    header.length = 16;
    const auto start = session::encode_header(header);
    Bytes forged(start.begin(), start.end());
    forged.insert(forged.end(), frame.begin() + session::kHeaderBytes, frame.begin() + session::kHeaderBytes + 16);
    return std::vector<Bytes>{forged};
  });
  nodes.run_block();
  EXPECT_EQ(nodes.bob().results.at(0).reason, BlockReason::authentication);
}

TEST(SessionAttack, AForgedAbortAfterTheAcceptingTagDestroysNothing) {
  TwoNodes nodes;
  nodes.line = on_first(FrameType::verdict, [](Bytes frame) {
    session::FrameHeader header = header_of(frame);
    const Bytes body = session::encode(session::Abort{session::AbortKind::request, 0, BlockReason::cancelled, "go"});
    header.type = FrameType::abort_block;
    header.length = 16 + body.size();
    const auto start = session::encode_header(header);
    Bytes forged(start.begin(), start.end());
    forged.insert(forged.end(), frame.begin() + session::kHeaderBytes, frame.begin() + session::kHeaderBytes + 16);
    forged.insert(forged.end(), body.begin(), body.end());
    return std::vector<Bytes>{forged};
  });
  nodes.run_block();
  if (nodes.connected()) nodes.let_time_pass();
  EXPECT_TRUE(nodes.bob().store->pending());
  nodes.line = {};
  nodes.connect();
  EXPECT_TRUE(stores_agree(nodes));
}

TEST(SessionAttack, NobodyIsToldWhyATagFailed) {
  TwoNodes nodes;
  nodes.line = flip_first(FrameType::detections, -1);
  nodes.run_block();
  const Bytes last = nodes.log().back();
  ASSERT_EQ(header_of(last).type, FrameType::abort_block);
  const auto abort = session::decode_abort(std::span(last).subspan(session::kHeaderBytes + 16));
  ASSERT_TRUE(abort.ok());
  EXPECT_EQ(abort->detail, "authentication");
}

}  // namespace
}  // namespace nicol::test
