// SPDX-License-Identifier: Apache-2.0
// The conformance suite on real hardware, for whoever has some: NICOL_HARDWARE names devices as in a config, each with
// its kind, separated by ";". It moves motors and arms sources. Without the variable there is nothing to run.
#include <cstdlib>
#include <sstream>

#include "drivers/catalogue/register_all.hpp"
#include "tests/hal_contract/fixture.hpp"

namespace nicol::hal_contract {
namespace {

struct Hardware {
  transport::Hub hub;
  hal::Registry registry;
  std::unique_ptr<hal::Device> device;  // goes before what it stands on
};

Bench open(const hal::DeviceArgs& args) {
  auto hardware = std::make_shared<Hardware>();
  EXPECT_TRUE(succeeds(register_all(hardware->registry, hardware->hub, nullptr)));
  auto device = hardware->registry.make(args);
  EXPECT_TRUE(succeeds(device));
  if (device) hardware->device = *std::move(device);
  Bench bench;
  bench.device = hardware->device.get();
  for (const char* knob : {"unplug", "replug", "advance", "stall", "shine", "open_interlock", "close_interlock",
                           "light_passes", "make_tags", "provoke_overflow", "drive_input"})
    bench.because[knob] = std::string(knob) + " = absent (hardware: it takes a hand at the device)";
  for (const char* capability : {"needs_home", "continuous", "travel", "can_abort", "self_safing", "pattern_player"})
    bench.because[capability] = std::string(capability) + " = false (hardware: the device says so)";
  bench.keep = std::move(hardware);
  return bench;
}

/// The devices of this kind that NICOL_HARDWARE names.
std::vector<Fixture> hardware(std::string_view kind) {
  std::vector<Fixture> fixtures;
  const char* named = std::getenv("NICOL_HARDWARE");
  std::istringstream list(named != nullptr ? named : "");
  for (std::string text; std::getline(list, text, ';');) {
    auto args = hal::parse_device_args(text);
    if (!args || !args->contains("kind")) {
      std::fprintf(stderr, "NICOL_HARDWARE: expected kind=…,driver=…,serial=…; got \"%s\"\n", text.c_str());
      std::exit(2);
    }
    if (args->at("kind") != kind) continue;
    args->erase("kind");
    fixtures.push_back({args->at("driver") + std::to_string(fixtures.size()), [a = *args] { return open(a); }});
  }
  return fixtures;
}

#define NICOL_ON_HARDWARE(Suite, kind)                                                        \
  INSTANTIATE_TEST_SUITE_P(Hardware, Suite, testing::ValuesIn(hardware(kind)), fixture_name); \
  static_assert(true)

NICOL_ON_HARDWARE(RotationStageContract, "rotation_stage");
NICOL_ON_HARDWARE(PolarizationControllerContract, "polarization_controller");
NICOL_ON_HARDWARE(PhotonSourceContract, "photon_source");
NICOL_ON_HARDWARE(TimeTaggerContract, "time_tagger");
NICOL_ON_HARDWARE(DetectorContract, "detector");
NICOL_ON_HARDWARE(CounterContract, "counter");
NICOL_ON_HARDWARE(PowerMeterContract, "power_meter");
NICOL_ON_HARDWARE(AttenuatorContract, "attenuator");
NICOL_ON_HARDWARE(ShutterContract, "shutter");
NICOL_ON_HARDWARE(TemperatureControllerContract, "temperature_controller");
NICOL_ON_HARDWARE(DigitalIoContract, "digital_io");

TEST(Hardware, IsOnlyTouchedWhenItIsNamed) {
  if (std::getenv("NICOL_HARDWARE") != nullptr) GTEST_SKIP() << "it is named";
  EXPECT_TRUE(hardware("rotation_stage").empty());
}

}  // namespace
}  // namespace nicol::hal_contract
