// SPDX-License-Identifier: Apache-2.0
#include "sim/devices/pair_world.hpp"

#include <algorithm>

#include "sim/devices/pair_tagger.hpp"
#include "sim/devices/pump_bench.hpp"
#include "sim/devices/rig_parts.hpp"
#include "sim/devices/timing.hpp"

namespace nicol::sim {
namespace {

/// Pump, oven and shutter, and what they make of light together.
struct Crystal {
  std::unique_ptr<PumpLaser> pump;
  std::unique_ptr<TemperatureController> oven;
  std::unique_ptr<Shutter> shutter;
  PumpBench bench() const { return {pump.get(), oven.get(), shutter.get()}; }
};

Crystal make_crystal(const Scenario::Source::Pairs& source, RigClock& clock) {
  Crystal crystal;
  crystal.pump = std::make_unique<PumpLaser>(pump_config(source), clock);
  crystal.oven = std::make_unique<TemperatureController>(oven_config(source), clock);
  crystal.shutter = make_shutter("pump-shutter", clock);
  return crystal;
}

void add_crystal(hal::Rig& rig, Crystal crystal) {
  rig.add("pump", "pump", std::move(crystal.pump));
  rig.add("oven", "oven", std::move(crystal.oven));
  rig.add("shutter", "shutter", std::move(crystal.shutter));
}

/// Detectors ask the tagger for their rate, the tagger asks them whether they are on: this breaks the circle.
struct RateBoard {
  const PairTagger* tagger = nullptr;
};

}  // namespace

Result<std::unique_ptr<hal::Rig>> make_pair_alice_rig(const WorldOptions& options) {
  const Scenario& s = options.scenario;
  auto light = LightSender::listen(options.light);
  if (!light.ok()) return light.error();
  auto rig = bare_rig(options, "Alice");
  rig->timing = alice_timing(s);
  rig->receiver = hal::ReceiverKind::passive;
  PairBench bench;
  bench.clock = rig->clock.get();
  bench.light = std::move(light).value();
  bench.speed = options.speed;
  std::function<hal::LightLevel()> level = [] { return hal::LightLevel::off; };
  Crystal crystal;
  std::unique_ptr<Shutter> shutter;
  if (options.pumped_elsewhere) {
    shutter = make_shutter("alice-shutter", *rig->clock);
    bench.pairs = [at = shutter.get(), made = options.pumped_elsewhere](Picoseconds t, Deadline,
                                                                        const std::atomic<bool>&) {
      return std::optional(at->passes(t) ? made(t) : 0.0);
    };
  } else if (options.pump.empty()) {
    crystal = make_crystal(s.source.pairs, *rig->clock);
    bench.pairs = [at = crystal.bench(), source = s.source.pairs](Picoseconds t, Deadline, const std::atomic<bool>&) {
      return std::optional(pairs_per_second(at, source, t));
    };
    level = [pump = crystal.pump.get()] { return pump->light_level(); };
  } else {
    shutter = make_shutter("alice-shutter", *rig->clock);
    bench.shutter = shutter.get();
    bench.pairs = [pump = std::make_shared<PumpReceiver>(options.pump)](Picoseconds t, Deadline deadline,
                                                                        const std::atomic<bool>& wanted) {
      return pump->pairs_per_second(t, deadline, wanted);
    };
  }
  auto board = std::make_shared<RateBoard>();
  auto detectors = make_detectors(s.alice.receiver.detectors, level, [board](std::size_t i) {
    return board->tagger ? board->tagger->click_rate(i) : Hertz{};
  });
  for (const auto& detector : detectors) bench.detectors.push_back(detector.get());
  // The tagger last in, first out: it uses all the others.
  auto tagger = std::make_unique<PairTagger>(s, options.seed, std::move(bench));
  board->tagger = tagger.get();
  rig->world = board;
  add_tagger(*rig, std::move(tagger), options);
  if (crystal.pump) add_crystal(*rig, std::move(crystal));
  if (shutter) rig->add("shutter", "shutter", std::move(shutter));
  add_detectors(*rig, std::move(detectors));
  return rig;
}

Result<SourcePlace> make_source_place(const WorldOptions& options) {
  auto light = PumpSender::listen(options.pump);
  if (!light.ok()) return light.error();
  SourcePlace place;
  place.light = std::move(light).value();
  place.rig = bare_rig(options, "source");
  Crystal crystal = make_crystal(options.scenario.source.pairs, *place.rig->clock);
  place.shine = [at = crystal.bench(), source = options.scenario.source.pairs, clock = place.rig->clock.get(),
                 ahead = Picoseconds{}](Picoseconds hers) mutable {
    // The source's clock is ahead where its oven warmed up while Alice's stood still.
    ahead = std::max(ahead, clock->now() - hers);
    clock->advance_to(hers + ahead);
    return pairs_per_second(at, source, hers + ahead);
  };
  add_crystal(*place.rig, std::move(crystal));
  return place;
}

}  // namespace nicol::sim
