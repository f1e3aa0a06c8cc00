// SPDX-License-Identifier: Apache-2.0
// The table of calls, kind by kind.
#include "tests/hal_contract/calls.hpp"

#include <array>
#include <chrono>

#include "drivers/hal/instruments.hpp"
#include "drivers/hal/motion.hpp"
#include "drivers/hal/photon_source.hpp"
#include "drivers/hal/time_tagger.hpp"

namespace nicol::hal_contract {
namespace {

using namespace hal;

class Calls {
 public:
  template <class F>
  void add(std::string name, F call) {
    list.push_back({std::move(name), [call]() -> std::optional<Code> {
                      const auto result = call();
                      if (result.ok()) return std::nullopt;
                      return result.error().code;
                    }});
  }
  std::vector<Call> list;
};

Deadline soon() { return {std::chrono::steady_clock::now() + std::chrono::milliseconds(200)}; }

void add_calls(Calls& c, RotationStage& d) {
  c.add("status", [&d] { return d.status(); });
  c.add("home", [&d] { return d.home(HomeDirection::positive); });
  c.add("move_absolute", [&d] { return d.move_absolute(Angle{}); });
  c.add("move_relative", [&d] { return d.move_relative(Angle{}); });
  c.add("stop", [&d] { return d.stop(StopMode::immediate); });
  c.add("set_velocity", [&d] { return d.set_velocity(d.axis().max_velocity); });
}
void add_calls(Calls& c, PolarizationController& d) {
  c.add("set", [&d] { return d.set(0, d.range(0).min); });
  c.add("get", [&d] { return d.get(0); });
}
void add_calls(Calls& c, PhotonSource& d) {
  c.add("interlock", [&d] { return d.interlock(); });
  c.add("arm", [&d] { return d.arm({}); });
  c.add("enable_emission", [&d] { return d.enable_emission(); });
  c.add("set_light_level", [&d] { return d.set_light_level(LightLevel::quantum); });
}
void add_calls(Calls& c, PulsedSource& d) {
  static constexpr std::array<std::uint64_t, 1> kZeros{};
  c.add("begin_block", [&d] { return d.begin_block(64); });
  c.add("resume_block", [&d] { return d.resume_block(0); });
  c.add("emit", [&d] { return d.emit({0, 64, kZeros, kZeros, {}, {}}); });
  c.add("fire", [&d] { return d.fire(1); });
  c.add("end_block", [&d] { return d.end_block(); });
}
void add_calls(Calls& c, PumpLaser& d) {
  c.add("set_current", [&d] { return d.set_current({}); });
  c.add("current", [&d] { return d.current(); });
  c.add("current_limit", [&d] { return d.current_limit(); });
  c.add("set_temperature", [&d] { return d.set_temperature({25}); });
  c.add("temperature", [&d] { return d.temperature(); });
  c.add("ramp", [&d] { return d.ramp({}, {0.01}, soon()); });
}
void add_calls(Calls& c, TimeTagger& d) {
  c.add("set_channel", [&d] { return d.set_channel(0, {}); });
  c.add("channel", [&d] { return d.channel(0); });
  c.add("start", [&d] { return d.start(); });
  c.add("stop", [&d] { return d.stop(); });
  c.add("count_rates", [&d] { return d.count_rates(); });
}
void add_calls(Calls& c, Detector& d) {
  c.add("enable", [&d] { return d.enable(); });
  c.add("set_bias", [&d] { return d.set_bias({}); });
  c.add("temperature", [&d] { return d.temperature(); });
  c.add("rate", [&d] { return d.rate(); });
}
void add_calls(Calls& c, Counter& d) {
  c.add("count", [&d] { return d.count(Picoseconds::seconds(0.001), soon()); });
}
void add_calls(Calls& c, PowerMeter& d) {
  c.add("power", [&d] { return d.power(); });
  c.add("set_wavelength", [&d] { return d.set_wavelength({810}); });
  c.add("zero", [&d] { return d.zero(soon()); });
}
void add_calls(Calls& c, VariableAttenuator& d) {
  c.add("set_attenuation", [&d] { return d.set_attenuation({d.range().max}); });
  c.add("attenuation", [&d] { return d.attenuation(); });
}
void add_calls(Calls& c, Shutter& d) {
  c.add("open", [&d] { return d.open(); });
  c.add("state", [&d] { return d.state(); });
}
void add_calls(Calls& c, TemperatureController& d) {
  c.add("set_temperature", [&d] { return d.set_temperature({20}); });
  c.add("temperature", [&d] { return d.temperature(); });
  c.add("settled", [&d] { return d.settled(); });
  c.add("enable", [&d] { return d.enable(); });
  c.add("disable", [&d] { return d.disable(); });
}
void add_calls(Calls& c, DigitalIo& d) {
  if (d.inputs() > 0) c.add("read", [&d] { return d.read(0); });
  if (d.outputs() > 0) c.add("write", [&d] { return d.write(0, Level::high); });
}

void add_device_calls(Calls& c, Device& d) {
  c.add("self_test", [&d] { return d.self_test(soon()); });
  c.add("save_state", [&d] { return d.save_state(); });
  c.add("restore_state", [&d] { return d.restore_state({{"schema", std::int64_t{1}}}); });
  c.add("read_property", [&d] { return d.read_property(d.properties().empty() ? "x" : d.properties()[0].key); });
  c.add("write_property", [&d] { return d.write_property("x", Value{1.0}); });
}

template <class... Kinds>
void add_all(Calls& c, Device& device) {
  (..., [&](Kinds* d) {
    if (d != nullptr) add_calls(c, *d);
  }(dynamic_cast<Kinds*>(&device)));
}

}  // namespace

std::vector<Call> calls_of(Device& device) {
  Calls c;
  add_device_calls(c, device);
  add_all<RotationStage, PolarizationController, PhotonSource, PulsedSource, PumpLaser, TimeTagger, Detector, Counter,
          PowerMeter, VariableAttenuator, Shutter, TemperatureController, DigitalIo>(c, device);
  return std::move(c.list);
}

std::vector<std::function<void()>> silent_calls_of(Device& device) {
  std::vector<std::function<void()>> calls{[&device] { device.safe_state(); }};
  if (auto* d = dynamic_cast<PhotonSource*>(&device)) calls.push_back([d] { d->disable_emission(); });
  if (auto* d = dynamic_cast<Detector*>(&device)) calls.push_back([d] { d->disable(); });
  if (auto* d = dynamic_cast<Shutter*>(&device)) calls.push_back([d] { d->close(); });
  return calls;
}

}  // namespace nicol::hal_contract
