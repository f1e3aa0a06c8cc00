// SPDX-License-Identifier: Apache-2.0
// The devices of the optical bench, held against the conformance suite of the HAL.
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <thread>

#include "sim/devices/four_state_source.hpp"
#include "sim/devices/pair_tagger.hpp"
#include "sim/devices/receiver_tagger.hpp"
#include "tests/hal_contract/fixture.hpp"
#include "tests/unit/sim/bench_link.hpp"

namespace nicol::hal_contract {
namespace {

sim::Scenario scenario_of(const char* name) { return std::move(sim::load_scenario(name)).value(); }

/// Alice's rig with the fibre end hanging in the dark.
struct DarkAlice {
  std::unique_ptr<hal::Rig> rig;
  test::Settings settings = test::random_settings(1 << 20, 5);
  bool lit = false;

  void emit(std::uint64_t slots) {
    auto* source = rig->find<hal::PulsedSource>("source");
    if (!lit) test::make_ready(*rig);
    lit = true;
    ASSERT_TRUE(succeeds(source->begin_block(slots)));
    ASSERT_TRUE(succeeds(source->emit({0, slots, settings.bases, settings.bits, {}, {}})));
    ASSERT_TRUE(succeeds(source->end_block()));
  }
};

template <class D>
Bench cable_of(std::shared_ptr<void> keep, D* device) {
  Bench bench;
  bench.keep = std::move(keep);
  bench.device = device;
  bench.unplug = [device] { device->unplug(); };
  bench.replug = [device] { device->replug(); };
  return bench;
}

Fixture source(std::string name, const char* scenario) {
  return {std::move(name), [scenario] {
            auto alice = std::make_shared<DarkAlice>();
            alice->rig = std::move(sim::make_alice_rig({scenario_of(scenario), 1, {}, 0, {}})).value();
            auto* device = alice->rig->find<sim::FourStateSource>("source");
            Bench bench = cable_of(alice, device);
            bench.light_passes = [device] { return device->light_level() != hal::LightLevel::off; };
            for (const char* knob : {"open_interlock", "close_interlock"})
              bench.because[knob] = "has_interlock = false (sim: the table's source has none; PumpLaser has)";
            bench.because["pattern_player"] = "record = motor_setting (sim: emits by fire(), one pulse a setting)";
            return bench;
          }};
}

Fixture herald_tagger() {
  return {"HeraldTagger", [] {
            sim::Scenario s = scenario_of("teaching");
            s.source.herald_efficiency = 0.9;
            s.source.pair_probability = 0.5;
            s.tagger.fifo_depth = 512;
            s.tagger.drain_hz = 1e6;
            auto alice = std::make_shared<DarkAlice>();
            alice->rig = std::move(sim::make_alice_rig({s, 1, {}, 0, {}})).value();
            Bench bench = cable_of(alice, alice->rig->find<sim::HeraldTagger>("tagger"));
            bench.make_tags = [a = alice.get()](std::size_t tags) { a->emit(64 + 16 * tags); };
            bench.provoke_overflow = [a = alice.get()] { a->emit(20'000); };
            return bench;
          }};
}

/// A whole link, whose light comes from a thread of its own.
struct LitBob {
  std::filesystem::path folder;
  std::unique_ptr<test::BenchLink> link;
  test::Settings settings = test::random_settings(1 << 20, 5);
  std::thread light;
  ~LitBob() {
    link->alice().find<hal::PulsedSource>("source")->disable_emission();
    if (light.joinable()) light.join();
  }
  void shine(std::uint64_t slots) {
    auto* source = link->alice().find<hal::PulsedSource>("source");
    light = std::thread([this, source, slots] {
      ASSERT_TRUE(succeeds(source->begin_block(slots)));
      ASSERT_TRUE(succeeds(source->emit({0, slots, settings.bases, settings.bits, {}, {}})));
      ASSERT_TRUE(succeeds(source->end_block()));
    });
    light.join();
  }
};

Fixture small_receiver_tagger() {
  return {"ReceiverTaggerWithASmallFifo", [] {
            sim::Scenario s = scenario_of("lossy");
            s.channel.loss_db = 6;
            s.tagger.fifo_depth = 256;
            s.tagger.drain_hz = 1e5;
            auto bob = std::make_shared<LitBob>();
            bob->link = std::make_unique<test::BenchLink>(s, test::RunOptions{});
            Bench bench = cable_of(bob, bob->link->bob().find<sim::ReceiverTagger>("tagger"));
            bench.provoke_overflow = [b = bob.get()] { b->shine(40'000); };
            return bench;
          }};
}

Fixture receiver_tagger() {
  return {"ReceiverTagger", [] {
            sim::Scenario s = scenario_of("lossy");
            s.channel.loss_db = 6;
            auto bob = std::make_shared<LitBob>();
            bob->link = std::make_unique<test::BenchLink>(s, test::RunOptions{});
            Bench bench = cable_of(bob, bob->link->bob().find<sim::ReceiverTagger>("tagger"));
            bench.make_tags = [b = bob.get()](std::size_t tags) { b->shine(64 + 32 * tags); };
            return bench;
          }};
}

/// Light flows by itself while Alice's tagger is read, once somebody has come for it.
struct LitPairs {
  std::filesystem::path folder = std::filesystem::temp_directory_path();
  std::unique_ptr<hal::Rig> rig;
  std::optional<sim::LightReceiver> bob;  // never reads: the socket holds more than the suite asks for

  LitPairs(std::uint64_t fifo_depth, double drain_hz) {
    static std::atomic<int> count{0};
    const auto socket = folder / ("nicol-lit-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    sim::Scenario s = scenario_of("entangled");
    s.tagger.fifo_depth = fifo_depth;
    s.tagger.drain_hz = drain_hz;
    rig = std::move(sim::make_alice_rig({s, 1, {}, 0, socket})).value();
    test::make_ready(*rig);
    EXPECT_TRUE(succeeds(rig->find<hal::TemperatureController>("oven")->enable()));
    rig->clock->advance_to(Picoseconds::seconds(100));
    come = [this, socket] {
      const std::atomic<bool> wanted{true};
      if (!bob)
        bob.emplace(sim::LightReceiver::connect(socket, SteadyDeadlines().in(std::chrono::seconds(5)), wanted).value());
    };
  }
  std::function<void()> come;
};

Bench lit_bench(std::uint64_t fifo_depth, double drain_hz) {
  auto lit = std::make_shared<LitPairs>(fifo_depth, drain_hz);
  Bench bench = cable_of(lit, lit->rig->find<sim::PairTagger>("tagger"));
  bench.make_tags = [l = lit.get()](std::size_t) { l->come(); };
  bench.provoke_overflow = [l = lit.get()] { l->come(); };
  return bench;
}

Fixture pair_tagger() {
  return {"PairTagger", [] {
            Bench bench = lit_bench(65'536, 20e6);
            bench.provoke_overflow = nullptr;
            return bench;
          }};
}

Fixture small_pair_tagger() {
  return {"PairTaggerWithASmallFifo", [] { return lit_bench(256, 1e4); }};
}

const Fixture kSources[] = {source("HeraldedSource", "teaching"), source("PulsedSource", "lossy"),
                            source("MotorisedSource", "motorised")};
const Fixture kTaggers[] = {herald_tagger(), receiver_tagger(), pair_tagger()};
const Fixture kSmallTaggers[] = {herald_tagger(), small_receiver_tagger(), small_pair_tagger()};

INSTANTIATE_TEST_SUITE_P(OpticalBench, PhotonSourceContract, testing::ValuesIn(kSources), fixture_name);
INSTANTIATE_TEST_SUITE_P(OpticalBench, PulsedSourceContract, testing::ValuesIn(kSources), fixture_name);
INSTANTIATE_TEST_SUITE_P(OpticalBenchSources, DeviceContract, testing::ValuesIn(kSources), fixture_name);
INSTANTIATE_TEST_SUITE_P(OpticalBench, TimeTaggerContract, testing::ValuesIn(kTaggers), fixture_name);
INSTANTIATE_TEST_SUITE_P(OpticalBench, TaggerOverflowContract, testing::ValuesIn(kSmallTaggers), fixture_name);
INSTANTIATE_TEST_SUITE_P(OpticalBenchTaggers, DeviceContract, testing::ValuesIn(kTaggers), fixture_name);

}  // namespace
}  // namespace nicol::hal_contract
