// SPDX-License-Identifier: Apache-2.0
// Sessions that end without an unplug, darkness that was not heard, and what must be as before when a board is back.
#include <thread>

#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/rig_fixture.hpp"

namespace nicol::test {
namespace {

using hal_contract::code_of;
using hal_contract::succeeds;
using sim::FaultKind;
using sim::FaultSide;
using namespace std::chrono_literals;

constexpr std::uint64_t kForGood = 1'000'000'000;
constexpr std::uint8_t kTagsIn = 0x82;

RigSetup retrying(RigCable cable = RigCable::usb) {
  RigSetup setup = quick(cable);
  setup.timing.usb = {30, 3};
  setup.timing.safe = 200ms;
  return setup;
}

/// Another program greets the board; the driver is not told. What is open and on stays so.
void steal_session(RigFixture& rig) {
  fw::Hello hello;
  hello.nonce = 0x4711;
  hello.mtu = static_cast<std::uint16_t>(fw::kLargestFrame);
  hello.schema_hash = fw::schema_hash();
  std::array<std::uint8_t, fw::kMostHelloBytes> payload{};
  const std::size_t size = fw::encode(hello, payload);
  fw::Header header;
  header.type = fw::Type::hello;
  header.flags = fw::kAckRequest;
  header.seq = 0x4711;
  std::array<std::uint8_t, 256> frame{};
  rig.core().receive(
      std::span(frame).first(fw::encode_frame(header, std::span<const std::uint8_t>(payload).first(size), frame)), {});
}

void silence(RigFixture& rig, FaultSide side) { rig.set_faults({{FaultKind::drop, side, 0, kForGood, {}, 0}}); }

TEST(RigSession, ThatTheBoardForgotBeginsAnewWhileItIsAskedOnAndOn) {
  RigFixture rig(retrying());
  auto shutter = rig.open<hal::Shutter>("shutter-0");
  rig.core().cable_out();  // a bus reset that the computer does not see
  ASSERT_TRUE(until([&] { return shutter->state().ok(); }));
  EXPECT_EQ(shutter->link(), hal::Link::connected);
}

TEST(RigSession, IsTakenBackFromAnotherProgram) {
  RigFixture rig(retrying());
  auto shutter = rig.open<hal::Shutter>("shutter-0");
  steal_session(rig);
  ASSERT_TRUE(until([&] { return shutter->open().ok(); }));
  EXPECT_TRUE(rig.bench().shutter_open(0));
}

TEST(RigSession, GoesOnAfterAStreamThatEndedTwiceWithoutAnUnplug) {
  RigFixture rig(retrying());
  auto tagger = rig.open<hal::TimeTagger>("tagger");
  for (int i = 0; i < 2; ++i) {
    // A stall on a stall, with no data between, ends a stream; no tags run, so none come between.
    ASSERT_TRUE(until([&] {
      rig.usb().stall(kTagsIn);
      return tagger->link() != hal::Link::connected;
    })) << i;
    ASSERT_TRUE(until([&] { return tagger->link() == hal::Link::connected; })) << i;
  }
  ASSERT_TRUE(succeeds(tagger->start()));
  rig.bench().make_tags(100);
  Heard heard;
  heard.listen(*tagger, 5, [&] { return heard.tags.size() >= 100; });
  EXPECT_EQ(heard.tags.size(), 100u);
}

TEST(RigSession, LostInSilenceStillLetsADetectorBeSwitchedOff) {
  RigFixture rig(retrying());
  auto detector = rig.open<hal::Detector>("detector-0");
  ASSERT_TRUE(succeeds(detector->enable()));
  steal_session(rig);
  ASSERT_TRUE(rig.bench().detector_on(0));
  detector->disable();
  EXPECT_FALSE(rig.bench().detector_on(0));
}

TEST(RigSession, LostInSilenceStillLetsAShutterBeClosed) {
  RigFixture rig(retrying());
  auto shutter = rig.open<hal::Shutter>("shutter-0");
  ASSERT_TRUE(succeeds(shutter->open()));
  steal_session(rig);
  ASSERT_TRUE(rig.bench().shutter_open(0));
  shutter->close();
  EXPECT_FALSE(rig.bench().shutter_open(0));
}

/// Neither does a new session undo the old one's darkness: it begins in the dark.
TEST(RigDarkness, ThatNobodyHeardIsSaidAgainWhenTheBoardHearsAgain) {
  RigFixture rig(retrying());
  auto source = rig.open<hal::PulsedSource>("source");
  ASSERT_TRUE(succeeds(source->write_property("watchdog_ms", std::int64_t{5000})));
  auto shutter = rig.open<hal::Shutter>("shutter-0");
  ASSERT_TRUE(succeeds(shutter->open()));
  silence(rig, FaultSide::to_device);
  shutter->close();
  rig.set_faults({});
  EXPECT_TRUE(until([&] { return !rig.bench().shutter_open(0); }));
}

TEST(RigDarkness, ThatWasHeardAndNotAnsweredIsSaidUntilItIsAndNoLonger) {
  RigFixture rig(retrying());
  auto source = rig.lit_source();
  auto shutter = rig.open<hal::Shutter>("shutter-0");
  silence(rig, FaultSide::from_device);
  source->safe_state();
  EXPECT_FALSE(rig.bench().emitting());
  rig.set_faults({});
  ASSERT_TRUE(until([&] { return shutter->open().ok(); }));
  const auto executed = rig.core().counts().executed;
  ASSERT_TRUE(until([&] {
    (void)shutter->state();
    return rig.core().counts().executed > executed + 200;
  }));
  EXPECT_TRUE(rig.bench().shutter_open(0)) << "closed again by what was owed before it was opened";
}

TEST(RigDarkness, CalledForWhileItIsBeingArmedLeavesItUnarmed) {
  RigSetup setup;
  setup.time_scale = 1;  // the board wants to hear its host for 2 s: arming takes that long
  setup.timing.usb = {400, 3};
  RigFixture rig(setup);
  auto source = rig.open<hal::PulsedSource>("source");
  const auto before = rig.core().counts().executed;
  Result<void> armed;
  std::thread arming([&] { armed = source->arm({1}); });
  EXPECT_TRUE(until([&] { return rig.core().counts().executed > before + 3; }));
  source->disable_emission();
  arming.join();
  if (!armed) {
    EXPECT_EQ(code_of(armed), Code::cancelled);
  }
  EXPECT_EQ(rig.core().emission(), fw::Emission::off);
  EXPECT_EQ(code_of(source->enable_emission()), Code::unsafe_state);
  EXPECT_FALSE(rig.bench().emitting());
  ASSERT_TRUE(succeeds(source->arm({1}))) << "a new consent is one";
  EXPECT_TRUE(succeeds(source->enable_emission()));
}

TEST(RigDarkness, AfterArmingVoidsIt) {
  RigFixture rig(retrying());
  auto source = rig.open<hal::PulsedSource>("source");
  auto shutter = rig.open<hal::Shutter>("shutter-0");
  ASSERT_TRUE(succeeds(source->arm({1})));
  shutter->safe_state();
  EXPECT_EQ(code_of(source->enable_emission()), Code::unsafe_state);
  EXPECT_FALSE(rig.bench().emitting());
}

/// A cable on which the board's hardware has a short fault just before a CLEAR_FAULT arrives.
class FaultBeforeClear final : public sim::UsbEmulator {
 public:
  FaultBeforeClear(sim::RigBoard& board, sim::RigBench& bench) : board_(board), bench_(bench) {}
  void arm_trap() { trap_ = true; }
  sim::UsbIdentity identity() const override { return board_.identity(); }
  int control(std::span<const std::uint8_t, 8> setup, std::span<std::uint8_t> data, Picoseconds now) override {
    return board_.control(setup, data, now);
  }
  int out(std::uint8_t endpoint, std::span<const std::uint8_t> bytes, Picoseconds now) override {
    const fw::Decoded found = fw::decode_frame(bytes);
    if (found.verdict == fw::Verdict::frame && found.frame.header.type == fw::Type::clear_fault &&
        trap_.exchange(false)) {
      bench_.set_hardware(fw::Done::no);
      EXPECT_TRUE(until([&] { return (board_.core().faults() & fw::kFaultHardware) != 0; }));
      bench_.set_hardware(fw::Done::yes);
    }
    return board_.out(endpoint, bytes, now);
  }
  int in(std::uint8_t endpoint, std::span<std::uint8_t> into, Picoseconds now) override {
    return board_.in(endpoint, into, now);
  }
  Picoseconds next_due() const override { return board_.next_due(); }
  void power_cycle() override { board_.power_cycle(); }

 private:
  sim::RigBoard& board_;
  sim::RigBench& bench_;
  std::atomic<bool> trap_{false};
};

TEST(RigFaultsLatched, AreNotTakenBackBeforeAnybodyHasReadThem) {
  auto owned = std::make_unique<sim::RigBench>();
  sim::RigBench& bench = *owned;
  const RigSetup setup = retrying();
  sim::RigBoard board(std::move(owned), {"NIC001", setup.time_scale});
  FaultBeforeClear cable(board, bench);
  FakeUsb::Options options;
  options.time_scale = setup.time_scale;
  FakeUsb usb(cable, options);
  transport::Hub hub;
  auto made = rig::driver(hub, setup.timing).make({{"unit", "shutter-0"}});
  ASSERT_TRUE(succeeds(made));
  auto& shutter = dynamic_cast<hal::Shutter&>(**made);
  shutter.safe_state();
  cable.arm_trap();
  EXPECT_EQ(code_of(shutter.open()), Code::unsafe_state);
  EXPECT_EQ(board.core().faults(), fw::kFaultHardware) << "its own is taken back, the other one stays";
  EXPECT_FALSE(bench.shutter_open(0));
}

TEST(RigSettings, ArePutBackAndReadBackWhenTheBoardIsBack) {
  RigFixture rig(retrying());
  auto source = rig.open<hal::PulsedSource>("source");
  auto detector = rig.open<hal::Detector>("detector-2", {{"rate_limit_hz", "12345"}});
  ASSERT_TRUE(succeeds(source->write_property("watchdog_ms", std::int64_t{4000})));
  ASSERT_TRUE(succeeds(detector->set_bias({1.5})));
  rig.unplug(*source);
  rig.replug(*source);
  EXPECT_EQ(rig.bench().detector_bias(2), 1500);
  EXPECT_EQ(rig.core().watchdog_ms(), 4000u);
  ASSERT_TRUE(succeeds(detector->enable()));
  rig.bench().set_rate(2, 20'000);
  EXPECT_TRUE(until([&] { return !rig.bench().detector_on(2); })) << "its rate limit was forgotten";
}

TEST(RigSettings, ThatTheBoardDoesNotTakeBackKeepItAwayAndAreNamed) {
  RigSetup setup = retrying();
  setup.bench.mutant = sim::RigMutant::forgets_thresholds;
  RigFixture rig(setup);
  auto tagger = rig.open<hal::TimeTagger>("tagger");
  hal::ChannelConfig config = *tagger->channel(3);
  config.threshold = {1.25};
  ASSERT_TRUE(succeeds(tagger->set_channel(3, config)));
  rig.unplug(*tagger);
  rig.put_back();
  std::string said;
  EXPECT_TRUE(until([&] {
    const auto started = tagger->start();
    said = started ? "started" : describe(started.error());
    return said.find("restoring channel 3") != std::string::npos;
  })) << said;
  EXPECT_NE(tagger->link(), hal::Link::connected);
}

TEST(RigCredit, ThatWasLostIsGivenAgainAndTheSerialStreamGoesOn) {
  RigFixture rig(retrying(RigCable::serial));
  auto tagger = rig.open<hal::TimeTagger>("tagger");
  ASSERT_TRUE(succeeds(tagger->start()));
  silence(rig, FaultSide::to_device);
  // Blocks are due every 10 ms and there is credit for 64: the board runs out of it.
  Heard heard;
  std::int64_t end = -1;
  ASSERT_TRUE(until([&] {
    heard.listen(*tagger, 0.3);
    return std::exchange(end, heard.end) == heard.end;
  })) << "the stream never stops: it needs no credit";
  rig.set_faults({});
  rig.bench().make_tags(100);
  heard.listen(*tagger, 5, [&] { return heard.tags.size() + heard.lost() >= 100; });
  EXPECT_EQ(heard.tags.size() + heard.lost(), 100u);
}

TEST(RigAxisMotion, IsDoneForWhoeverOnlyLooks) {
  RigFixture rig(retrying());
  auto stage = rig.open<hal::RotationStage>("axis-0");
  auto home = stage->home(hal::HomeDirection::positive);
  ASSERT_TRUE(succeeds(home));
  ASSERT_TRUE(until([&] { return home->done(); }));
  EXPECT_TRUE(succeeds(home->wait(SteadyDeadlines().in(5s))));
  auto move = stage->move_absolute(Angle::degrees(90));
  ASSERT_TRUE(succeeds(move));
  EXPECT_FALSE(move->done());
  ASSERT_TRUE(until([&] { return move->done(); }));
  EXPECT_NEAR(stage->status()->position.degrees(), 90, 0.1);
}

TEST(RigAxisMotion, IsOverWhenTheBoardIsUnplugged) {
  RigFixture rig(retrying());
  auto stage = rig.open<hal::RotationStage>("axis-0");
  auto home = stage->home(hal::HomeDirection::positive);
  ASSERT_TRUE(succeeds(home));
  rig.unplug(*stage);
  EXPECT_TRUE(home->done());
  EXPECT_EQ(code_of(home->wait(SteadyDeadlines().in(5s))), Code::disconnected);
}

}  // namespace
}  // namespace nicol::test
