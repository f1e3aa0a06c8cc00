// SPDX-License-Identifier: Apache-2.0
// Light safety by exhaustion: every sequence of up to five steps from power-up, and from a board that emits. A small
// model of the rules, written apart from the firmware, says when light is allowed.
#include <gtest/gtest.h>

#include "tests/unit/firmware/host.hpp"

namespace nicol::fw::test {
namespace {

enum class Step {
  hello,
  heartbeat,
  two_seconds,
  six_seconds,
  get_nonce,
  arm_right,
  arm_wrong,
  arm_used,
  enable,
  disable,
  safe_state,
  clear_fault,
  run,
  chunk,
  interlock_open,
  interlock_close,
  usb_reset,
  silence
};
constexpr int kSteps = static_cast<int>(Step::silence) + 1;

/// DEVICES' rules in their shortest form. Times in ms.
struct Rules {
  bool session = false, fault = false, interlock_closed = true, emitting = false;
  std::optional<std::uint64_t> nonce, armed_at;
  std::uint64_t heard_since = 0;

  void dark() {
    emitting = false;
    armed_at.reset();
  }
  void trip() {
    dark();
    nonce.reset();
    fault = true;
  }
  bool lit() const { return emitting || armed_at.has_value(); }
};

struct World {
  Firmware firmware;
  BoardState board;
  Rules rules;
  std::uint64_t now = 1000, session_nonce = 0x4000;
  std::uint16_t seq = 0;
  std::uint64_t known_nonce = 0, used_nonce = 0;  // as the host knows them
};

class Checker {
 public:
  Checker() : buffers_(std::make_unique<Buffers>(Link::usb)), firmware_(board_, *buffers_, Link::usb) {}

  World power_up() const { return {firmware_, BoardState{}, {}}; }

  void step(World& w, Step s);
  /// All sequences that go on from here; counts them.
  void walk(const World& w, int depth) {
    for (int s = 0; s < kSteps; ++s) {
      World next = w;
      board_.is = w.board;
      step(next, static_cast<Step>(s));
      next.board = board_.is;
      ++sequences;
      emitting += board_.is.emission == Switch::on ? 1 : 0;
      if (board_.is.emission == Switch::on && !next.rules.emitting) ++violations;
      if (next.firmware.emission() == Emission::emitting && board_.is.emission == Switch::off) ++lies;
      if (depth > 1) walk(next, depth - 1);
    }
  }

  long sequences = 0, emitting = 0, violations = 0, lies = 0;

 private:
  void send(World& w, Type type, std::uint8_t flags, std::span<const std::uint8_t> payload) {
    Header header;
    header.type = type;
    header.flags = flags;
    header.seq = w.seq;
    w.firmware.receive(std::span(frame_).first(encode_frame(header, payload, frame_)), w.now);
  }
  template <class T>
  void ask(World& w, Type type, const T& message) {
    ++w.seq;
    send(w, type, kAckRequest, std::span(payload_).first(encode(message, payload_)));
  }
  void ask(World& w, Type type) {
    ++w.seq;
    send(w, type, kAckRequest, {});
  }
  void say_hello(World& w);
  void arm(World& w, std::uint64_t nonce);
  void wait(World& w, int quarters, bool with_heartbeats);
  void listen(World& w);

  FakeBoard board_;
  std::unique_ptr<Buffers> buffers_;
  Firmware firmware_;
  std::array<std::uint8_t, 2048> frame_{}, payload_{};
};

void Checker::say_hello(World& w) {
  static const std::uint32_t kHash = schema_hash();
  Hello h;
  h.nonce = w.session_nonce += 0x1111;
  h.schema_hash = kHash;
  h.mtu = kUsbMtu;
  w.seq = static_cast<std::uint16_t>(h.nonce - 1);
  ask(w, Type::hello, h);
  if (w.rules.lit()) w.rules.trip();
  w.rules.nonce.reset();
  w.rules.session = true;
  w.rules.heard_since = w.now;
}

void Checker::arm(World& w, std::uint64_t nonce) {
  ask(w, Type::arm, Arm{nonce});
  Rules& r = w.rules;
  const bool right = r.session && r.nonce && *r.nonce == nonce;
  if (r.session) r.nonce.reset();
  w.used_nonce = nonce;
  if (right && !r.fault && !r.lit() && r.interlock_closed && w.now - r.heard_since >= 2000) r.armed_at = w.now;
}

void Checker::wait(World& w, int quarters, bool with_heartbeats) {
  for (int i = 0; i < quarters; ++i) {
    w.now += 250;
    if (with_heartbeats) send(w, Type::heartbeat, 0, std::span(payload_).first(encode(Heartbeat{}, payload_)));
    w.firmware.poll(w.now);
  }
  Rules& r = w.rules;
  if (!with_heartbeats) {
    if (r.session) r.trip();
    r.heard_since = w.now;
  } else if (r.armed_at && w.now - *r.armed_at >= 5000) {
    r.armed_at.reset();
  }
}

void Checker::listen(World& w) {
  while (const std::size_t n = w.firmware.transmit(Channel::control, frame_)) {
    const Decoded d = decode_frame(std::span(frame_).first(n));
    if (d.verdict != Verdict::frame || d.frame.header.type != Type::value) continue;
    w.known_nonce = static_cast<std::uint64_t>(decode_value(d.frame.payload).value().number);
    w.rules.nonce = w.known_nonce;
  }
}

void Checker::step(World& w, Step s) {
  Rules& r = w.rules;
  switch (s) {
    case Step::hello:
      say_hello(w);
      break;
    case Step::heartbeat:
      send(w, Type::heartbeat, 0, std::span(payload_).first(encode(Heartbeat{}, payload_)));
      break;
    case Step::two_seconds:
      wait(w, 8, true);
      break;
    case Step::six_seconds:
      wait(w, 24, true);
      break;
    case Step::get_nonce:
      ask(w, Type::get, Get{Property::arm_nonce, 0});
      break;
    case Step::arm_right:
      arm(w, w.known_nonce);
      break;
    case Step::arm_wrong:
      arm(w, w.known_nonce + 1);
      break;
    case Step::arm_used:
      arm(w, w.used_nonce);
      break;
    case Step::enable:
      ask(w, Type::enable_emission);
      if (r.session && !r.fault && r.armed_at && r.interlock_closed) {
        r.emitting = true;
        r.armed_at.reset();
      }
      break;
    case Step::disable:
      ask(w, Type::disable_emission);
      r.dark();
      break;
    case Step::safe_state:
      ask(w, Type::safe_state);
      r.trip();
      break;
    case Step::clear_fault:
      ask(w, Type::clear_fault, ClearFault{0xFFFF});
      if (r.session) r.fault = false;  // more than the firmware allows: an open interlock still forbids arming
      break;
    case Step::run:
      ask(w, Type::source_run, SourceRun{0, 1000});
      break;
    case Step::chunk: {
      const std::array<std::uint8_t, 2> states{0x1B, 0x1B};
      ask(w, Type::pattern_chunk, PatternChunk{0, 8, 0, states, {}});
      break;
    }
    case Step::interlock_open:
      board_.is.interlock = Loop::open;
      if (r.lit()) r.trip();
      r.interlock_closed = false;
      break;
    case Step::interlock_close:
      board_.is.interlock = Loop::closed;
      r.interlock_closed = true;
      break;
    case Step::usb_reset:
      w.firmware.link_lost(w.now);
      r.trip();
      r.session = false;
      break;
    case Step::silence:
      wait(w, 5, false);
      break;
  }
  w.firmware.poll(w.now);
  listen(w);
}

void expect_all_dark_without_arm(const Checker& c) {
  EXPECT_EQ(c.violations, 0) << "of " << c.sequences << " sequences";
  EXPECT_EQ(c.lies, 0);
}

TEST(ModelCheck, NeverEmitsWithoutArmAndEnableInAnySequenceOfFiveFromPowerUp) {
  Checker c;
  c.walk(c.power_up(), 5);
  expect_all_dark_without_arm(c);
  EXPECT_EQ(c.sequences, 18L + 18 * 18 + 18 * 18 * 18 + 18 * 18 * 18 * 18 + 18L * 18 * 18 * 18 * 18);
  EXPECT_GT(c.emitting, 0) << "a firmware that never emits would pass";
  RecordProperty("sequences", std::to_string(c.sequences));
}

World after(Checker& c, std::initializer_list<Step> steps) {
  World w = c.power_up();
  for (const Step s : steps) c.step(w, s);
  return w;
}

TEST(ModelCheck, EmitsAfterHelloTwoSecondsNonceArmEnable) {
  Checker c;
  const World w = after(c, {Step::hello, Step::two_seconds, Step::get_nonce, Step::arm_right, Step::enable});
  EXPECT_EQ(w.firmware.emission(), Emission::emitting);
  EXPECT_TRUE(w.rules.emitting);
}

TEST(ModelCheck, GoesDarkWithEveryReasonAndStaysDarkInAnySequenceOfFourAfterEmitting) {
  Checker c;
  World w = after(c, {Step::hello, Step::two_seconds, Step::get_nonce, Step::arm_right, Step::enable});
  w.board.emission = Switch::on;
  c.walk(w, 4);
  expect_all_dark_without_arm(c);
  EXPECT_GT(c.emitting, 0);
}

}  // namespace
}  // namespace nicol::fw::test
