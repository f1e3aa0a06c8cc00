// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/sim/pair_link.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <string>
#include <thread>

namespace nicol::test {
namespace {

std::filesystem::path fresh_folder() {
  static std::atomic<int> count{0};
  auto folder = std::filesystem::temp_directory_path() /
                ("nicol-pairs-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
  std::filesystem::create_directories(folder);
  return folder;
}

}  // namespace

sim::Scenario with_ideal_clocks(sim::Scenario s) {
  s.tagger.tick_num = s.tagger.tick_den = 1;
  s.alice_clock = s.bob_clock = {};
  s.tagger.fifo_depth = 1'000'000'000;
  return s;
}

sim::Scenario without_dead_time(sim::Scenario s) {
  for (auto* receiver : {&s.receiver, &s.alice.receiver})
    for (sim::DetectorModel& d : receiver->detectors) {
      d.dead_time_ns = s.source.type == sim::SourceType::entangled_pulsed ? 8 : 0;
      d.afterpulse_probability = 0;
    }
  return s;
}

PairLink::PairLink(const sim::Scenario& scenario, std::uint64_t seed, std::filesystem::path pump)
    : PairLink([&] {
        sim::WorldOptions world{scenario, seed, {}, 0, {}};
        world.pump = std::move(pump);
        return world;
      }()) {}

PairLink::PairLink(sim::WorldOptions world) : scenario_(world.scenario), folder_(fresh_folder()) {
  world.light = folder_ / "light";
  auto alice = sim::make_alice_rig(world), bob = sim::make_bob_rig(world);
  EXPECT_TRUE(alice.ok() && bob.ok());
  alice_ = std::move(alice).value();
  bob_ = std::move(bob).value();
  bool ready = true;
  for (hal::Rig* rig : {alice_.get(), bob_.get()})
    for (const auto& entry : rig->entries()) {
      if (auto* detector = dynamic_cast<hal::Detector*>(entry.device.get())) ready &= detector->enable().ok();
      if (auto* shutter = dynamic_cast<hal::Shutter*>(entry.device.get())) ready &= shutter->open().ok();
    }
  EXPECT_TRUE(ready);
}

PairLink::~PairLink() {
  alice_.reset();
  bob_.reset();
  std::filesystem::remove_all(folder_);
}

void light_pump(hal::Rig& rig, double pump_mw) {
  auto* oven = rig.find<hal::TemperatureController>("oven");
  auto* pump = rig.find<hal::PumpLaser>("pump");
  ASSERT_TRUE(oven != nullptr && pump != nullptr);
  ASSERT_TRUE(oven->enable().ok());
  while (!oven->settled().value()) rig.clock->advance_to(rig.clock->now() + Picoseconds::seconds(1));
  // The whole way there: what is left of 0.02 degrees costs brightness that theory does not know.
  rig.clock->advance_to(rig.clock->now() + Picoseconds::seconds(100));
  constexpr double kWattsPerAmpere = 0.8, kThreshold = 0.04;
  ASSERT_TRUE(pump->set_current({kThreshold + pump_mw * 1e-3 / kWattsPerAmpere}).ok());
  if (pump->emission().value() != hal::EmissionState::emitting) {
    ASSERT_TRUE(pump->arm({1}).ok());
    ASSERT_TRUE(pump->enable_emission().ok());
  }
  ASSERT_TRUE(rig.find<hal::Shutter>("shutter")->open().ok());
}

void PairLink::light(double pump_mw) { light_pump(*alice_, pump_mw); }

PairLink::Run PairLink::run(Picoseconds length, std::size_t storage) {
  Run run;
  run.begin = alice_->clock->now();
  run.length = length;
  auto *hers = alice_->find<hal::TimeTagger>("tagger"), *his = bob_->find<hal::TimeTagger>("tagger");
  EXPECT_TRUE(his->start().ok());
  EXPECT_TRUE(hers->start().ok());
  const std::int64_t until = (run.begin + length).count;
  std::thread bob([&] { run.bob = record(*his, storage, until); });
  run.alice = record(*hers, storage, until + 1'000'000);
  EXPECT_TRUE(hers->stop().ok());
  bob.join();
  EXPECT_TRUE(his->stop().ok());
  std::erase_if(run.alice.tags, [&](const hal::TimeTag& t) { return t.ticks >= until; });
  EXPECT_TRUE(run.alice.contract_kept && run.bob.contract_kept);
  return run;
}

std::uint64_t Counts::total() const {
  std::uint64_t sum = 0;
  for (const auto& row : both)
    for (std::uint64_t n : row) sum += n;
  return sum;
}

Counts count(const PairLink::Run& run, Picoseconds window) {
  Counts c;
  for (const auto& tag : run.alice.tags) ++c.alice[tag.channel];
  for (const auto& tag : run.bob.tags) ++c.bob[tag.channel];
  auto from = run.bob.tags.begin();
  for (const hal::TimeTag& a : run.alice.tags) {
    while (from != run.bob.tags.end() && 2 * (a.ticks - from->ticks) > window.count) ++from;
    for (auto b = from; b != run.bob.tags.end() && 2 * (b->ticks - a.ticks) <= window.count; ++b)
      ++c.both[a.channel][b->channel];
  }
  return c;
}

void expect_count(std::uint64_t counted, double expected, const char* what) {
  const double sigmas = (static_cast<double>(counted) - expected) / std::sqrt(std::max(expected, 1.0));
  EXPECT_LT(std::abs(sigmas), 4.5) << what << ": counted " << counted << ", theory " << expected;
}

void expect_as_theory(const Counts& counts, const sim::PairExpectation& theory, double seconds) {
  for (std::size_t i = 0; i < 4; ++i) {
    expect_count(counts.alice[i], theory.singles_alice[i] * seconds, "Alice's singles");
    expect_count(counts.bob[i], theory.singles_bob[i] * seconds, "Bob's singles");
    for (std::size_t j = 0; j < 4; ++j)
      expect_count(counts.both[i][j], theory.rate(i, j) * seconds,
                   ("detectors " + std::to_string(i) + " and " + std::to_string(j)).c_str());
  }
}

}  // namespace nicol::test
