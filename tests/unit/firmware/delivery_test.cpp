// SPDX-License-Identifier: Apache-2.0
// Commands over a cable that loses, repeats and delays frames: each is carried out once at most, and in order.
#include <gtest/gtest.h>

#include "tests/unit/firmware/host.hpp"

namespace nicol::fw::test {
namespace {

/// A Requester in front of a Bench, with a say in which frames arrive.
struct Line {
  explicit Line(std::uint64_t nonce = 0xBEEF) {
    bench.board.is.axes[0].homed = true;
    begin(nonce);
  }
  void begin(std::uint64_t nonce) {
    requester.begin_session(nonce);
    Hello h;
    h.nonce = nonce;
    h.schema_hash = schema_hash();
    h.mtu = kUsbMtu;
    send(Type::hello, h);
    run(5);
    EXPECT_TRUE(bench.firmware->in_session());
  }
  template <class T>
  std::optional<std::uint16_t> send(Type type, const T& m) {
    Bytes payload(kControlPayload);
    payload.resize(encode(m, payload));
    return requester.send(type, payload, bench.now);
  }
  std::optional<std::uint16_t> move(std::int64_t by) { return send(Type::move, Move{0, MoveKind::relative, by}); }
  /// Time goes on by 5 ms steps; `to_board` and `to_host` say whether the next frame arrives.
  void run(std::uint64_t ms) {
    Bytes out(Requester::kMostFrameBytes);
    for (const std::uint64_t end = bench.now + ms; bench.now < end; bench.pass(5)) {
      while (const std::size_t n = requester.transmit(out, bench.now)) {
        sent.emplace_back(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(n));
        if (to_board()) bench.firmware->receive(sent.back(), bench.now);
        bench.board.is.axes[0].moving = false;  // mechanics in no time: each move can follow the last
      }
      for (const Said& said : bench.hear())
        if (to_host()) {
          const Frame frame{said.message.header, said.message.payload};
          if (const auto reply = requester.receive(frame, bench.now)) replies.push_back({reply->seq, reply->refusal});
        }
    }
  }

  struct Heard {
    std::uint16_t seq;
    std::optional<Answer> refusal;
  };
  Bench bench;
  Requester requester{Framing::raw, kUsbRetry};
  std::function<bool()> to_board = [] { return true; }, to_host = [] { return true; };
  std::vector<Bytes> sent;
  std::vector<Heard> replies;
};

/// Loses the first `n`.
std::function<bool()> losing(int n) {
  return [n]() mutable { return n-- <= 0; };
}

TEST(Delivery, CarriesOutACommandWhoseAnswerWasLostOnce) {
  Line line;
  line.to_host = losing(1);
  line.move(1000);
  line.run(200);
  EXPECT_EQ(line.bench.board.is.moves, 1);
  EXPECT_EQ(line.requester.in_flight(), 0U);
  EXPECT_EQ(line.bench.firmware->counts().repeated, 1U);
}

TEST(Delivery, SendsALostCommandAgainAfterFiftyMilliseconds) {
  Line line;
  line.to_board = losing(1);
  line.move(1000);
  line.run(45);
  EXPECT_EQ(line.bench.board.is.moves, 0);
  line.run(20);
  EXPECT_EQ(line.bench.board.is.moves, 1);
  EXPECT_EQ(line.sent.back()[3], kAckRequest | kRetransmit);
}

TEST(Delivery, FailsAfterThreeRepeatsInVainAndSendsNoMore) {
  Line line;
  line.to_board = [] { return false; };
  line.sent.clear();
  line.move(1);
  line.run(400);
  EXPECT_TRUE(line.requester.failed());
  EXPECT_EQ(line.sent.size(), 4U);
  EXPECT_FALSE(line.move(1).has_value());
}

TEST(Delivery, WaitsAQuarterOfASecondOnASerialLine) {
  Requester requester(Framing::cobs, kSerialRetry);
  requester.begin_session(7);
  Bytes out(Requester::kMostFrameBytes);
  ASSERT_TRUE(requester.send(Type::clear_fault, {}, 0).has_value());
  ASSERT_GT(requester.transmit(out, 0), 0U);
  EXPECT_EQ(requester.transmit(out, 249), 0U);
  EXPECT_GT(requester.transmit(out, 250), 0U);
}

TEST(Delivery, TakesNoNinthCommandBeforeTheFirstIsAnswered) {
  Line line;
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(line.move(1).has_value());
  EXPECT_FALSE(line.move(1).has_value());
  line.run(5);
  EXPECT_TRUE(line.move(1).has_value());
}

TEST(Delivery, KeepsTheOrderWhenTheFirstOfEightIsLost) {
  Line line;
  line.to_board = losing(1);
  line.send(Type::move, Move{0, MoveKind::absolute, 500});
  for (int i = 0; i < 7; ++i) line.move(10);
  line.run(200);
  EXPECT_EQ(line.bench.board.is.moves, 8);
  EXPECT_EQ(line.bench.board.is.axes[0].position, 570);
  EXPECT_GT(line.bench.firmware->counts().too_early, 0U);
}

TEST(Delivery, MovesExactlyAsOftenAsAskedOverALineThatLosesAThirdOfAllFrames) {
  Line line;
  Rng rng(20);
  line.to_board = line.to_host = [&rng] { return rng() % 3 != 0; };
  line.requester = Requester(Framing::raw, {50, 40});
  line.requester.begin_session(0x77);
  Hello h;
  h.nonce = 0x77;
  h.schema_hash = schema_hash();
  h.mtu = kUsbMtu;
  line.send(Type::hello, h);
  int asked = 0;
  for (int round = 0; round < 600 && asked < 200; ++round) {
    while (asked < 200 && line.move(1)) ++asked;
    line.run(60);
  }
  line.run(3000);
  EXPECT_FALSE(line.requester.failed());
  EXPECT_EQ(line.bench.board.is.moves, 200);
  EXPECT_EQ(line.bench.board.is.axes[0].position, 200);
}

TEST(Delivery, DropsFramesOfThePreviousSession) {
  Line line(0x1000);
  line.move(1);
  Bytes stale(Requester::kMostFrameBytes);
  stale.resize(line.requester.transmit(stale, line.bench.now));  // made, and stuck in some buffer
  line.begin(0x9000);
  line.bench.firmware->receive(stale, line.bench.now);
  const auto said = line.bench.hear();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(line.bench.outcome(said[0]), Nack::wrong_session);
  EXPECT_EQ(line.bench.board.is.moves, 0);
}

TEST(Delivery, StaleHeartbeatsKeepNobodyAlive) {
  Line line(0x1000);
  Bytes payload(Heartbeat::kBytes), beat(64);
  encode(Heartbeat{}, payload);
  beat.resize(line.requester.one_way(Type::heartbeat, payload, beat));
  line.begin(0x9000);
  for (int i = 0; i < 5; ++i) {
    line.bench.pass(250);
    line.bench.firmware->receive(beat, line.bench.now);
  }
  EXPECT_EQ(line.bench.firmware->faults(), kFaultLinkLost);
}

TEST(Delivery, AnAnswerOfThePreviousSessionAnswersNothing) {
  Line line(0x1000);
  line.move(1);
  Header header;
  header.type = Type::ack;
  header.flags = kIsAck;
  header.ack = 0x1001;
  const Bytes done(Answer::kBytes);
  line.requester.begin_session(0x9000);
  EXPECT_FALSE(line.requester.receive(Frame{header, done}, line.bench.now).has_value());
  EXPECT_EQ(line.requester.unmatched(), 1U);
}

TEST(Delivery, AHelloWithAnotherNonceIsNoAnswerToOurs) {
  Line line(0x1000);
  line.requester.begin_session(0x1'0000'1000);
  Hello h;
  h.nonce = 0x1'0000'1000;
  line.send(Type::hello, h);
  Bytes out(Requester::kMostFrameBytes), payload(kMostHelloBytes);
  line.requester.transmit(out, line.bench.now);
  h.nonce = 0x1000;  // of the session before, with the same low bits
  payload.resize(encode(h, payload));
  Header header;
  header.type = Type::hello;
  header.flags = kIsAck;
  header.ack = 0x1000;
  EXPECT_FALSE(line.requester.receive(Frame{header, payload}, line.bench.now).has_value());
  EXPECT_EQ(line.requester.in_flight(), 1U);
}

TEST(Delivery, ARepeatedHelloOfTheSameSessionForgetsNothing) {
  Line line(0x1000);
  line.move(1);
  line.run(5);
  line.bench.firmware->receive(line.sent.front(), line.bench.now);  // the HELLO again
  line.move(1);
  line.run(5);
  EXPECT_EQ(line.bench.board.is.moves, 2);
  EXPECT_FALSE(line.requester.failed());
}

TEST(Responder, RemembersSixteenAnswersAndNoMore) {
  Responder r;
  r.begin_session(100);
  for (std::uint16_t seq = 101; seq < 118; ++seq) r.remember(seq, Type::ack, kIsAck, {});
  EXPECT_EQ(r.judge(102), Judgement::repeat);
  EXPECT_EQ(r.judge(101), Judgement::foreign);
  EXPECT_EQ(r.judge(118), Judgement::execute);
  EXPECT_EQ(r.judge(125), Judgement::too_early);
  EXPECT_EQ(r.judge(126), Judgement::foreign);
}

TEST(Responder, NumbersWrapWithoutALoss) {
  Responder r;
  r.begin_session(0xFFFE);
  EXPECT_EQ(r.judge(0xFFFF), Judgement::execute);
  r.remember(0xFFFF, Type::ack, kIsAck, {});
  EXPECT_EQ(r.judge(0), Judgement::execute);
  EXPECT_EQ(r.judge(0xFFFF), Judgement::repeat);
}

}  // namespace
}  // namespace nicol::fw::test
