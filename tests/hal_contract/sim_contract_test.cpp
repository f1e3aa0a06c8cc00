// SPDX-License-Identifier: Apache-2.0
// The simulated devices of the table, held against the conformance suite.
#include <atomic>

#include "sim/devices/simple_devices.hpp"
#include "tests/hal_contract/fixture.hpp"
#include "tests/hal_contract/scripted_tagger.hpp"

namespace nicol::hal_contract {
namespace {

/// One device on a virtual clock of its own, with what its callbacks answer.
template <class D>
struct Table {
  std::unique_ptr<RigClock> clock = make_virtual_rig_clock();
  std::atomic<hal::LightLevel> light{hal::LightLevel::off};
  std::unique_ptr<D> device;
};

template <class D, class Make>
std::pair<Bench, std::shared_ptr<Table<D>>> bench_of(Make make) {
  auto table = std::make_shared<Table<D>>();
  table->device = make(*table);
  D* device = table->device.get();
  RigClock* clock = table->clock.get();
  Bench bench;
  bench.keep = table;
  bench.device = device;
  bench.unplug = [device] { device->unplug(); };
  bench.replug = [device] { device->replug(); };
  bench.advance = [clock](Picoseconds t) { clock->advance_to(clock->now() + t); };
  return {std::move(bench), std::move(table)};
}

Fixture motor(std::string name, const sim::MotorConfig& config) {
  return {std::move(name), [config] {
            auto [bench, table] =
                bench_of<sim::Motor>([&](auto& t) { return std::make_unique<sim::Motor>(config, *t.clock); });
            bench.stall = [m = table->device.get()] { m->stall(); };
            bench.because = {{"needs_home", "needs_home = false (sim: a motor with an absolute encoder)"},
                             {"continuous", "continuous = false (sim: a motor with limits)"},
                             {"travel", "travel = none (sim: a motor that turns without limits)"},
                             {"can_abort", "can_abort = false (sim: a motor like an ELL14, DEVICES.md 0.5)"}};
            return bench;
          }};
}

sim::MotorConfig limited_motor() {
  sim::MotorConfig config;
  config.travel = {Angle{}, Angle::degrees(340)};
  config.can_abort = false;
  config.power_up = Angle::degrees(77);
  return config;
}
sim::MotorConfig loose_motor() {
  sim::MotorConfig config;
  config.backlash = Angle::degrees(0.4);
  config.offset = Angle::degrees(12);
  config.power_up = Angle::degrees(-140);
  return config;
}
sim::MotorConfig absolute_motor() {
  sim::MotorConfig config;
  config.needs_home = false;
  config.power_up = Angle::degrees(30);
  return config;
}

const Fixture kMotors[] = {motor("Motor", {}), motor("LimitedMotorWithoutAbort", limited_motor()),
                           motor("MotorWithBacklash", loose_motor()), motor("AbsoluteMotor", absolute_motor())};

Fixture shutter(std::string name, sim::CablePulled when_pulled) {
  return {std::move(name), [when_pulled] {
            auto [bench, table] = bench_of<sim::Shutter>([&](auto& t) {
              return std::make_unique<sim::Shutter>(sim::ShutterConfig{"shutter-0", when_pulled}, *t.clock);
            });
            bench.light_passes = [t = table.get()] { return t->device->passes(t->clock->now()); };
            return bench;
          }};
}
const Fixture kShutters[] = {shutter("SelfClosingShutter", sim::CablePulled::closes),
                             shutter("FlipMirror", sim::CablePulled::stays)};

const Fixture kDetector{"Detector", [] {
                          sim::DetectorConfig config;
                          config.info.efficiency = 0.6;
                          config.info.rate_limit = {5e6};
                          auto [bench, table] = bench_of<sim::Detector>([&](auto& t) {
                            return std::make_unique<sim::Detector>(config, [&t] { return t.light.load(); });
                          });
                          bench.shine = [t = table.get()](hal::LightLevel level) { t->light = level; };
                          return bench;
                        }};

const Fixture kPump{"PumpLaser", [] {
                      auto [bench, table] = bench_of<sim::PumpLaser>(
                          [](auto& t) { return std::make_unique<sim::PumpLaser>(sim::PumpLaserConfig{}, *t.clock); });
                      sim::PumpLaser* laser = table->device.get();
                      EXPECT_TRUE(laser->set_current({0.1}));
                      bench.open_interlock = [laser] { laser->open_interlock(); };
                      bench.close_interlock = [laser] { laser->close_interlock(); };
                      bench.light_passes = [laser] { return laser->optical_power() > Watts{0}; };
                      return bench;
                    }};

const Fixture kPowerMeter{"PowerMeter", [] {
                            return bench_of<sim::PowerMeter>([](auto&) {
                                     return std::make_unique<sim::PowerMeter>(sim::PowerMeterConfig{},
                                                                              [] { return Watts{1e-6}; });
                                   })
                                .first;
                          }};

const Fixture kCounter{
    "Counter", [] {
      return bench_of<sim::Counter>([](auto& t) {
               return std::make_unique<sim::Counter>("counter-0", *t.clock, [](Picoseconds begin, Picoseconds end) {
                 return std::vector<std::uint64_t>{static_cast<std::uint64_t>((end - begin).count / 1'000'000)};
               });
             })
          .first;
    }};

const Fixture kAttenuator{
    "Attenuator", [] {
      return bench_of<sim::VariableAttenuator>([](auto&) {
               return std::make_unique<sim::VariableAttenuator>("attenuator-0", hal::Range{0, 60, 0.01});
             })
          .first;
    }};

const Fixture kTemperature{"TemperatureController", [] {
                             return bench_of<sim::TemperatureController>([](auto& t) {
                                      return std::make_unique<sim::TemperatureController>(sim::TemperatureConfig{},
                                                                                          *t.clock);
                                    })
                                 .first;
                           }};

const Fixture kDigitalIo{"DigitalIo", [] {
                           auto [bench, table] = bench_of<sim::DigitalIo>(
                               [](auto&) { return std::make_unique<sim::DigitalIo>("io-0", 4, 2); });
                           bench.drive_input = [d = table->device.get()](std::size_t input, hal::Level level) {
                             d->drive_input(input, level);
                           };
                           return bench;
                         }};

const Fixture kPaddles{"Paddles", [] {
                         return bench_of<sim::PolarizationController>([](auto& t) {
                                  return std::make_unique<sim::PolarizationController>(sim::PaddleConfig{}, *t.clock);
                                })
                             .first;
                       }};

const Fixture kScriptedTagger{"ScriptedTagger", [] {
                                auto [bench, table] = bench_of<ScriptedTagger>(
                                    [](auto&) { return std::make_unique<ScriptedTagger>(Breakage::none); });
                                ScriptedTagger* tagger = table->device.get();
                                bench.make_tags = [tagger](std::size_t n) { tagger->make_tags(n); };
                                bench.provoke_overflow = [tagger] { tagger->make_tags(ScriptedTagger::kDepth + 500); };
                                return bench;
                              }};

const Fixture kOthers[] = {kDetector,    kPump,      kPowerMeter, kCounter,       kAttenuator,
                           kTemperature, kDigitalIo, kPaddles,    kScriptedTagger};

INSTANTIATE_TEST_SUITE_P(SimMotors, DeviceContract, testing::ValuesIn(kMotors), fixture_name);
INSTANTIATE_TEST_SUITE_P(SimShutters, DeviceContract, testing::ValuesIn(kShutters), fixture_name);
INSTANTIATE_TEST_SUITE_P(Sim, DeviceContract, testing::ValuesIn(kOthers), fixture_name);
INSTANTIATE_TEST_SUITE_P(Sim, RotationStageContract, testing::ValuesIn(kMotors), fixture_name);
INSTANTIATE_TEST_SUITE_P(Sim, ShutterContract, testing::ValuesIn(kShutters), fixture_name);
INSTANTIATE_TEST_SUITE_P(Sim, DetectorContract, testing::Values(kDetector), fixture_name);
INSTANTIATE_TEST_SUITE_P(Sim, PhotonSourceContract, testing::Values(kPump), fixture_name);
INSTANTIATE_TEST_SUITE_P(Sim, PumpLaserContract, testing::Values(kPump), fixture_name);
INSTANTIATE_TEST_SUITE_P(Sim, PowerMeterContract, testing::Values(kPowerMeter), fixture_name);
INSTANTIATE_TEST_SUITE_P(Sim, CounterContract, testing::Values(kCounter), fixture_name);
INSTANTIATE_TEST_SUITE_P(Sim, AttenuatorContract, testing::Values(kAttenuator), fixture_name);
INSTANTIATE_TEST_SUITE_P(Sim, TemperatureControllerContract, testing::Values(kTemperature), fixture_name);
INSTANTIATE_TEST_SUITE_P(Sim, DigitalIoContract, testing::Values(kDigitalIo), fixture_name);
INSTANTIATE_TEST_SUITE_P(Sim, PolarizationControllerContract, testing::Values(kPaddles), fixture_name);
INSTANTIATE_TEST_SUITE_P(Scripted, TimeTaggerContract, testing::Values(kScriptedTagger), fixture_name);
INSTANTIATE_TEST_SUITE_P(Scripted, TaggerOverflowContract, testing::Values(kScriptedTagger), fixture_name);

}  // namespace
}  // namespace nicol::hal_contract
