// SPDX-License-Identifier: Apache-2.0
// The wire: frames out of a stream, headers judged before payloads, numbers and stamps of a connection.
#include "controller/session/frames.hpp"

#include <gtest/gtest.h>

#include "controller/session/link.hpp"
#include "controller/session/protocol.hpp"

namespace nicol::session {
namespace {

Bytes frame_of(FrameType type, std::size_t payload) {
  FrameHeader header;
  header.type = type;
  header.length = payload;
  const auto start = encode_header(header);
  Bytes frame(start.begin(), start.end());
  frame.resize(kHeaderBytes + payload, 0x5a);
  return frame;
}

TEST(FrameReader, GivesTheSameFramesWhateverThePieces) {
  Bytes stream = frame_of(FrameType::hello, 100);
  const Bytes second = frame_of(FrameType::goodbye, 0), third = frame_of(FrameType::bases, 5000);
  stream.insert(stream.end(), second.begin(), second.end());
  stream.insert(stream.end(), third.begin(), third.end());
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{40}, stream.size()}) {
    FrameReader reader;
    for (std::size_t at = 0; at < stream.size(); at += piece)
      ASSERT_TRUE(reader.feed(std::span(stream).subspan(at, std::min(piece, stream.size() - at))).ok());
    EXPECT_EQ(reader.next(), frame_of(FrameType::hello, 100));
    EXPECT_EQ(reader.next(), second);
    EXPECT_EQ(reader.next(), third);
    EXPECT_FALSE(reader.next());
  }
}

TEST(FrameReader, RefusesABadHeaderBeforeAnyPayload) {
  for (const std::size_t byte : {std::size_t{0}, std::size_t{4}, std::size_t{21}, std::size_t{31}, std::size_t{39}}) {
    Bytes frame = frame_of(FrameType::hello, 100);
    frame[byte] ^= 0x80;
    FrameReader reader;
    EXPECT_FALSE(reader.feed(std::span(frame).first(kHeaderBytes)).ok()) << byte;
  }
}

TEST(FrameReader, RefusesAFrameLongerThanItsTypeCanBe) {
  for (const FrameRule& rule : kFrameRules) {
    FrameHeader header;
    header.type = rule.type;
    header.length = rule.max_payload + 1;
    FrameReader reader;
    EXPECT_FALSE(reader.feed(encode_header(header)).ok()) << rule.name;
  }
}

TEST(FrameReader, RefusesAFrameAboveItsOwnLimit) {
  FrameReader reader(99);
  EXPECT_FALSE(reader.feed(frame_of(FrameType::hello, 100)).ok());
}

TEST(FrameReader, StaysBrokenAfterAnError) {
  FrameReader reader;
  Bytes bad = frame_of(FrameType::hello, 0);
  bad[0] = 'X';
  EXPECT_FALSE(reader.feed(bad).ok());
  EXPECT_FALSE(reader.feed(frame_of(FrameType::hello, 0)).ok());
  EXPECT_FALSE(reader.next());
}

TEST(FrameHeader, NamesBothWireVersions) {
  Bytes frame = frame_of(FrameType::hello, 0);
  frame[4] = 9;
  EXPECT_EQ(parse_header(frame).error().message, "wire version 9 (this side speaks 1)");
}

TEST(FrameHeader, LiesOnTheWireAsTheRoomDescribesIt) {
  FrameHeader header;
  header.session.fill(0xab);
  header.direction = Direction::b_to_a;
  header.sequence = 0x0102030405060708;
  header.type = FrameType::detections;
  header.length = 0x1122;
  const auto bytes = encode_header(header);
  EXPECT_EQ(std::string(bytes.begin(), bytes.begin() + 4), "QKDA");
  EXPECT_EQ(bytes[4], 1);
  EXPECT_EQ(bytes[5], 0xab);
  EXPECT_EQ(bytes[21], 1);
  EXPECT_EQ(bytes[22], 0x08);
  EXPECT_EQ(bytes[29], 0x01);
  EXPECT_EQ(bytes[30], 9);
  EXPECT_EQ(bytes[32], 0x22);
  EXPECT_EQ(bytes[33], 0x11);
}

class LinkPair : public testing::Test {
 protected:
  LinkPair() {
    for (Link* link : {&alice_, &bob_}) {
      const bool first = link == &alice_;
      link->set_own_half(first ? one_ : two_);
      link->set_peer_half(first ? two_ : one_);
    }
  }
  std::array<std::uint8_t, 8> one_{1, 1, 1, 1, 1, 1, 1, 1}, two_{2, 2, 2, 2, 2, 2, 2, 2};
  FakeDeadlines deadlines_;
  Link alice_{Side::alice, deadlines_, 64}, bob_{Side::bob, deadlines_, 64};
};

TEST_F(LinkPair, DeliversTheBodyThatWasSent) {
  const Bytes body{1, 2, 3}, frame = alice_.make(FrameType::bases, body);
  const auto in = bob_.accept(frame);
  ASSERT_TRUE(in.ok());
  EXPECT_EQ(Bytes(in->body.begin(), in->body.end()), body);
}

TEST_F(LinkPair, RefusesAReplayedFrame) {
  const Bytes frame = alice_.make(FrameType::bases, {});
  ASSERT_TRUE(bob_.accept(frame).ok());
  EXPECT_EQ(bob_.accept(frame).error().code, Code::authentication);
}

TEST_F(LinkPair, RefusesAFrameAfterADroppedOne) {
  static_cast<void>(alice_.make(FrameType::bases, {}));
  EXPECT_FALSE(bob_.accept(alice_.make(FrameType::bases, {})).ok());
}

TEST_F(LinkPair, RefusesItsOwnFrame) { EXPECT_FALSE(alice_.accept(alice_.make(FrameType::bases, {})).ok()); }

TEST_F(LinkPair, RefusesASendTimeThatGoesBack) {
  deadlines_.advance(std::chrono::seconds(1));
  ASSERT_TRUE(bob_.accept(alice_.make(FrameType::bases, {})).ok());
  deadlines_.advance(std::chrono::seconds(-1));
  EXPECT_FALSE(bob_.accept(alice_.make(FrameType::bases, {})).ok());
}

TEST_F(LinkPair, RefusesAnAcknowledgementOfWhatWasNeverSent) {
  Bytes frame = alice_.make(FrameType::bases, {});
  for (std::size_t i = 0; i < 8; ++i) frame[kHeaderBytes + 8 + i] = i == 0 ? 5 : 0;
  EXPECT_FALSE(bob_.accept(frame).ok());
}

TEST_F(LinkPair, CountsTheTagAsTrailerAndNotAsBody) {
  Bytes frame = bob_.make(FrameType::detections, Bytes{7});
  frame.insert(frame.end(), 8, 0xee);
  const auto in = alice_.accept(frame);
  ASSERT_TRUE(in.ok());
  EXPECT_EQ(in->trailer.size(), 8U);
  EXPECT_EQ(in->body.size(), 1U);
  EXPECT_EQ(in->canonical.size(), frame.size() - 8);
}

TEST(ProtocolTable, WaitsForEveryFrameItSends) {
  for (const FrameRule& rule : kFrameRules) {
    const bool ends = rule.type == FrameType::abort_block || rule.type == FrameType::goodbye;
    const bool taken = std::any_of(kTransitions.begin(), kTransitions.end(),
                                   [&](const Transition& row) { return row.frame == rule.type; });
    EXPECT_NE(ends, taken) << rule.name;
  }
}

TEST(ProtocolTable, DisclosesBasesOnlyAfterListAndLight) {
  // samples_wait is the one state in which BASES have gone out: both ways in need D, and one more needs darkness.
  for (const Transition& row : kTransitions)
    if (row.next == State::samples_wait) {
      EXPECT_EQ(row.frame, FrameType::detections);
      EXPECT_TRUE(row.state == State::list_wait || row.state == State::pairs_wait);
    }
  for (const CallTransition& row : kCalls)
    if (row.next == State::samples_wait) {
      EXPECT_EQ(row.call, Call::emission_finished);
      EXPECT_EQ(row.state, State::emitting_listed);
    }
}

TEST(ProtocolTable, LetsBobTellHisBasesOnlyOnceHerListIsIn) {
  // pairs_wait: she has sent her list and her detectors are shut. matching: he has it, and his are.
  for (const Transition& row : kTransitions) {
    EXPECT_NE(row.next, State::pairs_wait);
    EXPECT_TRUE(row.next != State::matching || row.frame == FrameType::closed);
  }
  for (const CallTransition& row : kCalls) {
    const bool after_hers = row.state == State::measuring_listed || row.state == State::closed_wait;
    EXPECT_TRUE(row.next != State::matching || after_hers);
    EXPECT_TRUE(row.state != State::matching || row.call == Call::detection_finished);
  }
}

TEST(ProtocolTable, HasPatienceOnlyWherePeersOwe) {
  for (const Transition& row : kTransitions) {
    const bool open_ended = row.state == State::idle || row.state == State::emitting || row.state == State::receiving ||
                            row.state == State::measuring || row.state == State::arming;  // an answer that crossed
    EXPECT_EQ(patience(row.state) == Patience::endless, open_ended) << to_string(row.state);
  }
}

TEST(ProtocolTable, LetsNoFrameThatDisclosesIntoAPause) {
  for (const State paused : {State::paused, State::resume_wait, State::resuming})
    for (const FrameRule& rule : kFrameRules) {
      const bool about_light = rule.type == FrameType::pause || rule.type == FrameType::resume ||
                               rule.type == FrameType::resume_ready || rule.type == FrameType::hint ||
                               rule.type == FrameType::detections;
      for (const Side side : {Side::alice, Side::bob})
        EXPECT_TRUE(about_light || !next_state(side, paused, rule.type)) << rule.name;
    }
}

}  // namespace
}  // namespace nicol::session
