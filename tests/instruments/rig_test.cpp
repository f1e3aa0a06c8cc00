// SPDX-License-Identifier: Apache-2.0
// Every unit of a board against the contract of its kind, over USB and over a serial line; and mutants.
#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/rig_fixture.hpp"

namespace nicol::hal_contract {
namespace {

using test::RigCable;
using test::RigFixture;
using test::RigSetup;

struct Plugged {
  Plugged(RigSetup setup, const std::string& unit, const hal::DeviceArgs& args)
      : rig(std::move(setup)), device(rig.open<hal::Device>(unit, args)) {}
  RigFixture rig;
  std::unique_ptr<hal::PulsedSource> light;  // who shines on a detector
  std::unique_ptr<hal::Device> device;
};

void add_knobs(Bench& bench, Plugged* p) {
  bench.unplug = [p] { p->rig.unplug(*p->device); };
  bench.replug = [p] { p->rig.replug(*p->device); };
  bench.advance = [](Picoseconds) {};  // a board's shutter has no travel time to wait for
  bench.open_interlock = [p] { p->rig.bench().set_interlock(fw::Loop::open); };
  bench.close_interlock = [p] { p->rig.bench().set_interlock(fw::Loop::closed); };
  bench.make_tags = [p](std::size_t n) { p->rig.bench().make_tags(n); };
  bench.provoke_overflow = [p] { p->rig.bench().make_tags(5000); };
  bench.drive_input = [p](std::size_t k, hal::Level level) {
    p->rig.bench().drive_input(k, level == hal::Level::high ? fw::Switch::on : fw::Switch::off);
  };
  bench.shine = [p](hal::LightLevel level) {
    if (!p->light) p->light = p->rig.open<hal::PulsedSource>("source");
    EXPECT_TRUE(succeeds(p->light->set_light_level(level)));
  };
}

std::size_t index_of(const hal::Device& device) { return static_cast<std::size_t>(device.info().serial.back() - '0'); }

Bench make_bench(RigSetup setup, const std::string& unit, const hal::DeviceArgs& args = {}) {
  auto plugged = std::make_shared<Plugged>(std::move(setup), unit, args);
  Bench bench;
  bench.device = plugged->device.get();
  add_knobs(bench, plugged.get());
  Plugged* p = plugged.get();
  if (unit.starts_with("axis")) bench.stall = [p] { p->rig.bench().block_axis(index_of(*p->device)); };
  if (unit.starts_with("shutter"))
    bench.light_passes = [p] { return p->rig.bench().shutter_open(index_of(*p->device)); };
  if (unit == "source") {
    bench.light_passes = [p] { return p->rig.bench().emitting(); };
    EXPECT_TRUE(succeeds(plugged->device->write_property("watchdog_ms", std::int64_t{5000})));
  }
  bench.because["continuous"] =
      "continuous = false (axis 1 of the bench has stops: a TLV of its HELLO, PROTOCOL.md 4.1)";
  bench.because["travel"] =
      "travel = none (axis 0 of the bench turns without end: a TLV of its HELLO, PROTOCOL.md 4.1)";
  bench.because["can_set_velocity"] = "can_set_velocity = false (PROTOCOL.md 4: no message sets a speed)";
  bench.keep = std::move(plugged);
  return bench;
}

RigSetup small_fifo(RigCable cable) {
  RigSetup setup = test::quick(cable);
  setup.bench.about.tagger.fifo_depth = 1000;
  return setup;
}

std::vector<Fixture> fixtures(const std::vector<std::string>& units) {
  std::vector<Fixture> list;
  for (const auto& [cable, name] : {std::pair{RigCable::usb, "Usb"}, std::pair{RigCable::serial, "Serial"}})
    for (const std::string& unit : units) {
      std::string plain;
      for (const char c : unit)
        if (c != '-') plain += c;
      const RigCable over = cable;
      list.push_back({name + plain, [over, unit] { return make_bench(test::quick(over), unit); }});
    }
  return list;
}
std::vector<Fixture> over_usb(const std::vector<std::string>& units) {
  std::vector<Fixture> list = fixtures(units);
  list.resize(units.size());
  return list;
}

const Fixture kOverflows[] = {{"Usb", [] { return make_bench(small_fifo(RigCable::usb), "tagger"); }},
                              {"Serial", [] { return make_bench(small_fifo(RigCable::serial), "tagger"); }}};

using testing::ValuesIn;
INSTANTIATE_TEST_SUITE_P(Rig, DeviceContract,
                         ValuesIn(fixtures({"source", "tagger", "shutter-0", "axis-0", "detector-0", "io"})),
                         fixture_name);
INSTANTIATE_TEST_SUITE_P(Rig, PhotonSourceContract, ValuesIn(over_usb({"source"})), fixture_name);
INSTANTIATE_TEST_SUITE_P(Rig, PulsedSourceContract, ValuesIn(fixtures({"source"})), fixture_name);
INSTANTIATE_TEST_SUITE_P(Rig, TimeTaggerContract, ValuesIn(fixtures({"tagger"})), fixture_name);
INSTANTIATE_TEST_SUITE_P(Rig, TaggerOverflowContract, ValuesIn(kOverflows), fixture_name);
INSTANTIATE_TEST_SUITE_P(Rig, ShutterContract, ValuesIn(fixtures({"shutter-0", "shutter-1"})), fixture_name);
INSTANTIATE_TEST_SUITE_P(Rig, DetectorContract, ValuesIn(fixtures({"detector-0"})), fixture_name);
INSTANTIATE_TEST_SUITE_P(Rig, DigitalIoContract, ValuesIn(fixtures({"io"})), fixture_name);
INSTANTIATE_TEST_SUITE_P(Rig, RotationStageContract, ValuesIn(over_usb({"axis-0", "axis-1"})), fixture_name);

// ---- mutants ----

Result<void> turn_to(RigFixture& rig, double degrees) {
  auto stage = rig.open<hal::RotationStage>("axis-0");
  const auto soon = [] { return SteadyDeadlines().in(std::chrono::seconds(5)); };
  auto home = stage->home(hal::HomeDirection::positive);
  if (!home) return std::move(home).error();
  if (auto done = home->wait(soon()); !done) return done;
  auto move = stage->move_absolute(Angle::degrees(degrees));
  if (!move) return std::move(move).error();
  return move->wait(soon());
}

TEST(RigMutants, AnAxisThatIgnoresMovesIsAMotionFault) {
  RigSetup setup = test::quick();
  setup.bench.mutant = sim::RigMutant::ignores_moves;
  RigFixture rig(setup);
  EXPECT_EQ(code_of(turn_to(rig, 45)), Code::motion_fault);
}

TEST(RigMutants, AnAxisThatMovesIsNone) {
  RigFixture rig;
  EXPECT_TRUE(succeeds(turn_to(rig, 45)));
}

TEST(RigMutants, AnAxisThatEchoesItsTargetAndStallsIsSeenByWhereItReallyStands) {
  RigSetup setup = test::quick();
  setup.bench.mutant = sim::RigMutant::echoes_target;
  RigFixture rig(setup);
  auto stage = rig.open<hal::RotationStage>("axis-0");
  auto home = stage->home(hal::HomeDirection::positive);
  ASSERT_TRUE(succeeds(home));
  // It says at once that it stands at home, but not that it is homed: the two words contradict each other.
  EXPECT_EQ(code_of(home->wait(SteadyDeadlines().in(std::chrono::seconds(5)))), Code::motion_fault);
}

std::vector<std::uint16_t> first_channels(sim::RigMutant mutant) {
  RigSetup setup = test::quick();
  setup.bench.mutant = mutant;
  RigFixture rig(setup);
  auto tagger = rig.open<hal::TimeTagger>("tagger");
  EXPECT_TRUE(succeeds(tagger->start()));
  rig.bench().make_tags(8);
  test::Heard heard;
  heard.listen(*tagger, 3, [&] { return heard.tags.size() >= 8; });
  std::vector<std::uint16_t> channels;
  for (const auto& tag : heard.tags) channels.push_back(tag.channel);
  return channels;
}

TEST(RigMutants, EveryInputIsItsChannel) {
  EXPECT_EQ(first_channels(sim::RigMutant::none), (std::vector<std::uint16_t>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(RigMutants, ABoardThatSwapsTwoInputsIsSeen) {
  EXPECT_EQ(first_channels(sim::RigMutant::swaps_channels), (std::vector<std::uint16_t>{1, 0, 2, 3, 4, 5, 6, 7}));
}

}  // namespace
}  // namespace nicol::hal_contract
