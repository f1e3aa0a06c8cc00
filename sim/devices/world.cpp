// SPDX-License-Identifier: Apache-2.0
// Two benches put together from a scenario.
#include "sim/devices/world.hpp"

#include "sim/devices/four_state_source.hpp"
#include "sim/devices/pair_world.hpp"
#include "sim/devices/receiver_tagger.hpp"
#include "sim/devices/rig_parts.hpp"
#include "sim/devices/timing.hpp"

namespace nicol::sim {
namespace {

constexpr std::uint64_t kAliceMotor = 0, kBobMotor = 1, kFirstPlate = 2;

std::unique_ptr<Motor> make_motor(const MotorModel& model, const std::string& serial, const WorldOptions& options,
                                  std::uint64_t index, RigClock& clock) {
  MotorConfig config;
  config.serial = serial;
  config.speed = Angle::degrees(model.speed_dps);
  config.offset = Angle::degrees(model.offset_deg);
  config.backlash = Angle::degrees(model.backlash_deg);
  config.wedge = model.wedge;
  config.settle = Picoseconds::seconds(model.settle_ms * 1e-3);
  config.noise = {options.seed, NodeId::world, Purpose::sim_motor, index};
  return std::make_unique<Motor>(config, clock);
}

/// The mounts of the compensator; the rig keeps them.
std::vector<std::unique_ptr<Motor>> make_plates(const WorldOptions& options, RigClock& clock) {
  const auto& c = options.scenario.compensator;
  std::vector<std::unique_ptr<Motor>> motors;
  if (c.type == CompensatorType::none || !options.turned_elsewhere.empty()) return motors;
  for (std::size_t i = 0; i < c.setting_deg.size(); ++i) {
    MotorModel model = c.motor;
    model.offset_deg += c.offset_deg[i];
    motors.push_back(make_motor(model, compensator_role(i), options, kFirstPlate + i, clock));
  }
  return motors;
}

CompensatorOptics optics_of(const Scenario::Compensator& c, const std::vector<std::unique_ptr<Motor>>& motors) {
  CompensatorOptics optics;
  for (std::size_t i = 0; i < motors.size(); ++i)
    optics.push_back(
        {c.retardance_waves[i], [m = motors[i].get()](Picoseconds t) { return m->true_angle(t); }, motors[i]->wedge()});
  return optics;
}

/// Detectors ask the tagger for their rate, the tagger asks them whether they are on: this breaks the circle.
struct RateBoard {
  const ReceiverTagger* tagger = nullptr;
};

}  // namespace

Result<std::unique_ptr<hal::Rig>> make_alice_rig(const WorldOptions& options) {
  const Scenario& s = options.scenario;
  if (makes_pairs(s.source.type)) return make_pair_alice_rig(options);
  auto light = LightSender::listen(options.light);
  if (!light.ok()) return light.error();
  auto rig = bare_rig(options, "Alice");
  rig->timing = alice_timing(s);
  SourceBench bench;
  bench.clock = rig->clock.get();
  bench.light = std::move(light).value();
  bench.speed = options.speed;
  auto shutter = make_shutter("alice-shutter", *rig->clock);
  bench.shutter = shutter.get();
  std::unique_ptr<Motor> waveplate;
  if (s.source.type == SourceType::motorised)
    waveplate = make_motor(s.source.motor, "alice-waveplate", options, kAliceMotor, *rig->clock);
  bench.waveplate = waveplate.get();
  std::unique_ptr<HeraldTagger> tagger;
  if (s.source.type != SourceType::pulsed) tagger = std::make_unique<HeraldTagger>(s, options.seed);
  bench.heralds = tagger.get();
  // The source last in, first out: it uses all the others.
  auto source = std::make_unique<FourStateSource>(s, options.seed, options.eve, std::move(bench));
  rig->add("source", "source", std::move(source));
  rig->add("shutter", "shutter", std::move(shutter));
  if (tagger) add_tagger(*rig, std::move(tagger), options);
  if (waveplate) rig->add("waveplate", "waveplate", std::move(waveplate));
  return rig;
}

Result<std::unique_ptr<hal::Rig>> make_bob_rig(const WorldOptions& options) {
  const Scenario& s = options.scenario;
  auto rig = bare_rig(options, "Bob");
  rig->timing = bob_timing(s);
  rig->receiver = s.receiver.kind;
  ReceiverBench bench;
  bench.clock = rig->clock.get();
  auto shutter = make_shutter("bob-shutter", *rig->clock);
  bench.shutter = shutter.get();
  std::unique_ptr<Motor> waveplate;
  if (s.receiver.kind == hal::ReceiverKind::active)
    waveplate = make_motor(s.receiver.motor, "bob-waveplate", options, kBobMotor, *rig->clock);
  bench.waveplate = waveplate.get();
  auto plates = make_plates(options, *rig->clock);
  bench.compensator = plates.empty() ? options.turned_elsewhere : optics_of(s.compensator, plates);
  auto board = std::make_shared<RateBoard>();
  auto detectors = make_detectors(
      s.receiver.detectors, [] { return hal::LightLevel::off; },
      [board](std::size_t i) { return board->tagger ? board->tagger->click_rate(i) : Hertz{}; });
  for (const auto& detector : detectors) bench.detectors.push_back(detector.get());
  auto tagger = std::make_unique<ReceiverTagger>(s, options.seed, options.light, std::move(bench));
  board->tagger = tagger.get();
  rig->world = board;
  add_tagger(*rig, std::move(tagger), options);
  rig->add("shutter", "shutter", std::move(shutter));
  add_detectors(*rig, std::move(detectors));
  if (waveplate) rig->add("waveplate", "waveplate", std::move(waveplate));
  for (std::size_t i = 0; i < plates.size(); ++i)
    rig->add(compensator_role(i), compensator_role(i), std::move(plates[i]));
  if (!rig->entries().empty() && options.turned_elsewhere.empty()) rig->compensator = compensator_plates(s);
  return rig;
}

const EveRecord* eve_record(const hal::Rig& alice_rig) {
  const auto* source = alice_rig.find<FourStateSource>("source");
  return source ? &source->eve() : nullptr;
}

}  // namespace nicol::sim
