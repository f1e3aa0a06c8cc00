// SPDX-License-Identifier: Apache-2.0
// The devices about a source of pairs: what makes light and what stops it, seeds, and a source at a third place.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "sim/devices/pair_world.hpp"
#include "sim/devices/pump_laser.hpp"
#include "tests/unit/sim/pair_link.hpp"

namespace nicol::sim {
namespace {

using test::PairLink;

constexpr Picoseconds kWindow{2'000};
constexpr double kMilliwatts = 4;
const Picoseconds kShort = Picoseconds::seconds(0.05);

Scenario scenario_of(const char* name) { return test::with_ideal_clocks(load_scenario(name).value()); }

std::uint64_t clicks(const test::Counts& c) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < 4; ++i) sum += c.alice[i] + c.bob[i];
  return sum;
}

/// Dark counts alone: 2800 a second of all eight detectors.
void expect_dark(PairLink& link, const char* why) {
  const auto counts = test::count(link.run(kShort), kWindow);
  EXPECT_LT(clicks(counts), 300u) << why;
  EXPECT_GT(clicks(counts), 20u) << why;
  EXPECT_LT(counts.total(), 3u) << why;
}

TEST(PairSource, IsDarkUntilItIsArmedWarmAndOpen) {
  PairLink link(scenario_of("entangled"), 1);
  auto* pump = link.alice().find<hal::PumpLaser>("pump");
  auto* oven = link.alice().find<hal::TemperatureController>("oven");
  expect_dark(link, "nothing is on");
  ASSERT_FALSE(pump->enable_emission().ok());
  ASSERT_TRUE(pump->arm({1}).ok() && pump->enable_emission().ok());
  expect_dark(link, "the crystal is cold");
  ASSERT_TRUE(oven->enable().ok());
  link.alice().clock->advance_to(link.alice().clock->now() + Picoseconds::seconds(60));
  EXPECT_TRUE(oven->settled().value());
  EXPECT_GT(test::count(link.run(kShort), kWindow).total(), 1000u);
  link.alice().find<hal::Shutter>("shutter")->close();
  expect_dark(link, "the shutter is closed");
}

TEST(PairSource, IsSetForThePowerOfItsScenario) {
  PairLink link(scenario_of("entangled"), 1);
  auto* pump = link.alice().find<hal::PumpLaser>("pump");
  auto* oven = link.alice().find<hal::TemperatureController>("oven");
  ASSERT_TRUE(pump->arm({1}).ok() && pump->enable_emission().ok() && oven->enable().ok());
  link.alice().clock->advance_to(Picoseconds::seconds(100));
  const Scenario s = scenario_of("entangled");
  const auto counts = test::count(link.run(Picoseconds::seconds(0.3)), {4'000});
  const auto theory = expect_pairs(s, s.source.pairs.pump_mw, {4'000});
  EXPECT_NEAR(static_cast<double>(counts.total()) / (theory.coincidences() * 0.3), 1, 0.05);
}

TEST(PairSource, GoesDarkWhenItsRigIsMadeSafe) {
  PairLink link(scenario_of("entangled"), 2);
  link.light(kMilliwatts);
  EXPECT_GT(test::count(link.run(kShort), kWindow).total(), 1000u);
  link.alice().safe_state();
  EXPECT_EQ(link.alice().find<hal::PumpLaser>("pump")->emission().value(), hal::EmissionState::off);
  EXPECT_EQ(link.alice().find<hal::Shutter>("shutter")->state().value(), hal::ShutterState::closed);
}

TEST(PairSource, GoesDarkWithItsCable) {
  PairLink link(scenario_of("entangled"), 3);
  link.light(kMilliwatts);
  dynamic_cast<PumpLaser*>(link.alice().find<hal::PumpLaser>("pump"))->unplug();
  expect_dark(link, "unplugged");
}

TEST(PairSource, ShinesLessBesidePhaseMatching) {
  PairLink link(scenario_of("entangled"), 4);
  link.light(kMilliwatts);
  const auto before = static_cast<double>(clicks(test::count(link.run(kShort), kWindow)));
  auto* oven = link.alice().find<hal::TemperatureController>("oven");
  ASSERT_TRUE(oven->set_temperature({42 + 1.5}).ok());
  link.alice().clock->advance_to(link.alice().clock->now() + Picoseconds::seconds(100));
  const auto after = static_cast<double>(clicks(test::count(link.run(kShort), kWindow)));
  EXPECT_NEAR(after / before, std::exp(-0.5), 0.02);
}

// ---- determinism ----

using Tags = std::vector<hal::TimeTag>;

TEST(PairSeed, DecidesEveryTagHoweverTagsAreFetched) {
  for (const char* name : {"entangled", "entangled-pulsed"}) {
    Scenario s = load_scenario(name).value();
    s.alice_clock.offset_s = s.bob_clock.offset_s = 0;
    s.channel.drift_deg_per_sqrt_s = s.alice.channel.drift_deg_per_sqrt_s = 30;
    PairLink few(s, 5), many(s, 5);
    few.light(2 * kMilliwatts);
    many.light(2 * kMilliwatts);
    const auto a = few.run(kShort, 50), b = many.run(kShort, 1 << 16);
    EXPECT_GT(a.alice.tags.size(), 1000u);
    EXPECT_EQ(a.alice.tags, b.alice.tags);
    EXPECT_EQ(a.bob.tags, b.bob.tags);
  }
}

/// More photons a millisecond than fit into a batch of light.
TEST(PairSeed, DecidesEveryTagWhereBatchesAreCut) {
  Scenario s = scenario_of("entangled-pulsed");
  s.source.pairs.pump_mw = 1900;
  s.alice.channel.loss_db = s.channel.loss_db = 0;
  for (auto* r : {&s.receiver, &s.alice.receiver})
    for (DetectorModel& d : r->detectors) d.rate_limit_hz = 1e9;
  s.tagger.drain_hz = 1e9;
  PairLink few(s, 6), many(s, 6);
  few.light(1900);
  many.light(1900);
  const auto length = Picoseconds::seconds(0.004);
  const auto a = few.run(length, 777), b = many.run(length, 1 << 17);
  EXPECT_GT(a.bob.tags.size(), 60'000u);
  EXPECT_EQ(a.alice.tags, b.alice.tags);
  EXPECT_EQ(a.bob.tags, b.bob.tags);
}

TEST(PairSeed, GivesEachRunItsOwnPairs) {
  PairLink link(scenario_of("entangled"), 7), other(scenario_of("entangled"), 8);
  link.light(kMilliwatts);
  other.light(kMilliwatts);
  auto first = link.run(kShort), second = link.run(kShort), third = other.run(kShort);
  const auto relative = [](PairLink::Run& r) {
    for (auto& t : r.alice.tags) t.ticks -= r.begin.count;
    return r.alice.tags;
  };
  const Tags a = relative(first), b = relative(second), c = relative(third);
  EXPECT_NE(a, b);
  EXPECT_NE(a, c);
}

// ---- Bob comes and goes ----

TEST(PairTagger, WaitsForBobAndLetsTimeStandStill) {
  PairLink link(scenario_of("entangled"), 9);
  auto* hers = link.alice().find<hal::TimeTagger>("tagger");
  const Picoseconds before = link.alice().clock->now();
  ASSERT_TRUE(hers->start().ok());
  std::vector<hal::TimeTag> tags(100);
  std::vector<hal::LossInterval> losses(10);
  hal::TagBlock block;
  block.storage = tags;
  block.loss_storage = losses;
  EXPECT_EQ(hers->acquire(block, SteadyDeadlines().in(std::chrono::milliseconds(50))), hal::StreamStatus::timeout);
  EXPECT_EQ(link.alice().clock->now(), before);
  EXPECT_TRUE(hers->stop().ok());
}

TEST(PairTagger, GivesLightToABobWhoComesBack) {
  PairLink link(scenario_of("entangled"), 10);
  link.light(kMilliwatts);
  auto *hers = link.alice().find<hal::TimeTagger>("tagger"), *his = link.bob().find<hal::TimeTagger>("tagger");
  ASSERT_TRUE(his->start().ok());
  ASSERT_TRUE(hers->start().ok());
  std::atomic<bool> on{true};
  std::thread alice([&] {
    std::vector<hal::TimeTag> tags(1 << 14);
    std::vector<hal::LossInterval> losses(16);
    while (on) {
      hal::TagBlock block;
      block.storage = tags;
      block.loss_storage = losses;
      (void)hers->acquire(block, SteadyDeadlines().in(std::chrono::milliseconds(100)));
    }
  });
  for (int visit = 0; visit < 3; ++visit) {
    // Time runs on while he is away; from here on it waits for him.
    const auto until = link.alice().clock->now() + Picoseconds::seconds(0.5);
    const auto seen = test::record(*his, 1 << 12, until.count);
    EXPECT_TRUE(seen.contract_kept && seen.odd.empty()) << visit;
    EXPECT_GT(seen.tags.size(), 3000u) << visit;
    EXPECT_TRUE(his->stop().ok());
    ASSERT_TRUE(his->start().ok());
  }
  on = false;
  alice.join();
  EXPECT_TRUE(hers->stop().ok());
  EXPECT_TRUE(his->stop().ok());
}

// ---- a third place ----

class ThirdPlace {
 public:
  explicit ThirdPlace(const Scenario& s) : socket_(path()) {
    WorldOptions world{s, 0, {}, 0, {}};
    world.pump = socket_;
    place_ = std::make_unique<SourcePlace>(make_source_place(world).value());
  }
  ~ThirdPlace() { vanish(); }
  const std::filesystem::path& socket() const { return socket_; }
  hal::Rig& rig() { return *place_->rig; }
  void serve() {
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested())
        place_->light->serve(place_->shine, SteadyDeadlines().in(std::chrono::milliseconds(20)));
    });
  }
  void vanish() {
    if (thread_.joinable()) {
      thread_.request_stop();
      thread_.join();
    }
    place_.reset();
  }

 private:
  static std::filesystem::path path() {
    static std::atomic<int> count{0};
    return std::filesystem::temp_directory_path() /
           ("nicol-pump-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
  }
  std::filesystem::path socket_;
  std::unique_ptr<SourcePlace> place_;
  std::jthread thread_;
};

TEST(ThirdPlaceSource, GivesTheTagsThatOneAtAliceGives) {
  const Scenario s = scenario_of("entangled");
  PairLink local(s, 11);
  local.light(kMilliwatts);
  const auto near = local.run(kShort);
  ThirdPlace place(s);
  test::light_pump(place.rig(), kMilliwatts);
  PairLink remote(s, 11, place.socket());
  remote.alice().clock->advance_to(near.begin);
  place.serve();
  const auto far = remote.run(kShort);
  EXPECT_GT(near.alice.tags.size(), 1000u);
  EXPECT_EQ(near.alice.tags, far.alice.tags);
  EXPECT_EQ(near.bob.tags, far.bob.tags);
}

TEST(ThirdPlaceSource, LeavesNeitherPumpNorOvenAtAlice) {
  const Scenario s = scenario_of("entangled");
  ThirdPlace place(s);
  PairLink link(s, 12, place.socket());
  EXPECT_EQ(link.alice().find<hal::PumpLaser>("pump"), nullptr);
  EXPECT_EQ(link.alice().find<hal::TemperatureController>("oven"), nullptr);
  EXPECT_EQ(place.rig().find<hal::TimeTagger>("tagger"), nullptr);
}

TEST(ThirdPlaceSource, IsDarkOnceItIsGone) {
  const Scenario s = scenario_of("entangled");
  ThirdPlace place(s);
  test::light_pump(place.rig(), kMilliwatts);
  PairLink link(s, 13, place.socket());
  place.serve();
  EXPECT_GT(test::count(link.run(kShort), kWindow).total(), 1000u);
  place.vanish();
  expect_dark(link, "gone");
}

TEST(ThirdPlaceSource, LightsBobThoughAliceIsShut) {
  const Scenario s = scenario_of("entangled");
  ThirdPlace place(s);
  test::light_pump(place.rig(), kMilliwatts);
  PairLink link(s, 14, place.socket());
  link.alice().find<hal::Shutter>("shutter")->close();
  place.serve();
  const auto counts = test::count(link.run(kShort), kWindow);
  EXPECT_LT(counts.alice[0] + counts.alice[1] + counts.alice[2] + counts.alice[3], 200u);
  EXPECT_GT(counts.bob[0] + counts.bob[1] + counts.bob[2] + counts.bob[3], 3000u);
}

}  // namespace
}  // namespace nicol::sim
