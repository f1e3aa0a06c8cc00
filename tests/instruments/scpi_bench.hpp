// SPDX-License-Identifier: Apache-2.0
// Lasers, pulse generators and power meters: drivers over emulators on a fake bus and a fake line, in haste.
#pragma once

#include <chrono>
#include <stdexcept>
#include <thread>

#include "drivers/pm100/driver.hpp"
#include "drivers/scpi-laser/driver.hpp"
#include "sim/emulators/pm100.hpp"
#include "sim/emulators/qc9530.hpp"
#include "sim/emulators/scpi_laser.hpp"
#include "tests/hal_contract/fixture.hpp"
#include "tests/support/fake_tty.hpp"
#include "tests/support/fake_usb.hpp"

namespace nicol::test {

inline constexpr double kHaste = 1000;  // seconds of an instrument in one of the test

inline scpi_laser::Timing hasty(std::chrono::milliseconds reply = std::chrono::milliseconds(2000)) {
  scpi_laser::Timing timing;
  timing.exchange = {reply, std::chrono::milliseconds(5000)};
  timing.ramp_step = std::chrono::milliseconds(10);
  timing.haste = kHaste;
  return timing;
}
inline pm100::Timing hasty_meter(std::chrono::milliseconds reply = std::chrono::milliseconds(2000)) {
  return {{reply, std::chrono::milliseconds(5000)}, std::chrono::milliseconds(1)};
}

template <class Condition>
bool soon(const Condition& condition, std::chrono::milliseconds limit = std::chrono::seconds(5)) {
  for (const auto end = std::chrono::steady_clock::now() + limit; !condition();) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}
inline void pass(Picoseconds time) {
  std::this_thread::sleep_for(std::chrono::duration<double>(time.seconds() / kHaste));
}

/// An emulator on the fake USB bus, and the device that a driver makes of it.
template <class Emulator>
struct UsbBench {
  template <class Config, class Driver>
  UsbBench(const Config& config, const Driver& make_driver, const hal::DeviceArgs& args)
      : emulator(config), usb(emulator.usb, options()), driver(make_driver(hub)) {
    auto made = driver.make(args);
    if (!made) throw std::runtime_error(describe(made.error()));
    device = *std::move(made);
  }
  static FakeUsb::Options options() {
    FakeUsb::Options o;
    o.time_scale = kHaste;
    return o;
  }
  template <class Kind>
  Kind& as() {
    return dynamic_cast<Kind&>(*device);
  }
  void unplug() {
    usb.unplug();
    soon([this] { return device->link() == hal::Link::disconnected; });
  }
  void replug() {
    usb.replug("1-3");
    soon([this] { return device->link() == hal::Link::connected; });
  }
  template <class F>
  auto inside(F look) {
    decltype(look(emulator, Picoseconds{})) seen{};
    usb.locked([&] { seen = look(emulator, usb.now()); });
    return seen;
  }
  void plan(sim::FaultKind kind, sim::FaultSide side, std::uint64_t at, std::uint64_t count = 1,
            Picoseconds delay = {}) {
    usb.set_faults({sim::Fault{kind, side, at, count, delay, 0x40}});
  }
  hal_contract::Bench contract() {
    hal_contract::Bench bench;
    bench.device = device.get();
    bench.unplug = [this] { unplug(); };
    bench.replug = [this] { replug(); };
    bench.advance = [](Picoseconds time) { pass(time); };
    return bench;
  }

  Emulator emulator;
  FakeUsb usb;
  transport::Hub hub;
  hal::Driver driver;
  std::unique_ptr<hal::Device> device;
};

struct LaserBench : UsbBench<sim::ScpiLaserEmulator> {
  explicit LaserBench(const sim::ScpiLaserConfig& config = {}, const hal::DeviceArgs& args = {},
                      const scpi_laser::Timing& timing = hasty())
      : UsbBench(
            config, [&](transport::Hub& h) { return scpi_laser::driver(h, timing); }, args) {}

  hal::PumpLaser& laser() { return as<hal::PumpLaser>(); }
  bool shines() {
    return inside([](sim::ScpiLaserEmulator& e, Picoseconds now) { return e.laser.optical_power(now).value > 0; });
  }
  bool output_on() {
    return inside([](sim::ScpiLaserEmulator& e, Picoseconds) { return e.laser.output_on(); });
  }
  std::uint64_t times_on() {
    return inside([](sim::ScpiLaserEmulator& e, Picoseconds) { return e.laser.times_switched_on(); });
  }
  Result<void> light_up() {
    if (auto ok = laser().arm({1}); !ok) return ok;
    return laser().enable_emission();
  }
  hal_contract::Bench contract() {
    auto bench = UsbBench::contract();
    bench.open_interlock = [this] { usb.locked([this] { emulator.laser.open_interlock(usb.now()); }); };
    bench.close_interlock = [this] { usb.locked([this] { emulator.laser.close_interlock(); }); };
    bench.light_passes = [this] { return shines(); };
    bench.because = {{"self_safing",
                      "self_safing = false (DEVICES.md 1.10, 5: a bought laser has no watchdog and stays "
                      "on when its cable is pulled)"}};
    return bench;
  }
};

struct MeterBench : UsbBench<sim::Pm100Emulator> {
  explicit MeterBench(const sim::Pm100Config& config = {}, const pm100::Timing& timing = hasty_meter())
      : UsbBench(config, [&](transport::Hub& h) { return pm100::driver(h, timing); }, {}) {}
  hal::PowerMeter& meter() { return as<hal::PowerMeter>(); }
};

struct PulserBench {
  explicit PulserBench(const sim::Qc9530Config& config = {}, hal::DeviceArgs args = {},
                       const scpi_laser::Timing& timing = hasty())
      : emulator(config), tty(emulator, options()), driver(scpi_laser::driver(hub, timing)) {
    args.emplace("model", "9530");
    args.emplace("port", tty.port());
    auto made = driver.make(args);
    if (!made) throw std::runtime_error(describe(made.error()));
    device = *std::move(made);
  }
  static FakeTty::Options options() {
    FakeTty::Options o;
    o.name = "ttyQC0";
    o.time_scale = kHaste;
    return o;
  }
  hal::PhotonSource& source() { return dynamic_cast<hal::PhotonSource&>(*device); }
  Result<void> light_up() {
    if (auto ok = source().arm({1}); !ok) return ok;
    return source().enable_emission();
  }
  bool triggers() {
    bool does = false;
    tty.locked([&] { does = emulator.triggers(); });
    return does;
  }
  void unplug() {
    tty.unplug();
    soon([this] { return device->link() == hal::Link::disconnected; });
  }
  void replug() {
    tty.replug("ttyQC5");
    soon([this] { return device->link() == hal::Link::connected; });
  }
  hal_contract::Bench contract() {
    hal_contract::Bench bench;
    bench.device = device.get();
    bench.unplug = [this] { unplug(); };
    bench.replug = [this] { replug(); };
    bench.advance = [](Picoseconds time) { pass(time); };
    bench.light_passes = [this] { return triggers(); };
    const std::string none = "has_interlock = false (DEVICES.md 1.10: the 9530 has no command that asks for one)";
    bench.because = {{"open_interlock", none},
                     {"close_interlock", none},
                     {"self_safing", "self_safing = false (DEVICES.md 1.10: it triggers on until it is told)"}};
    return bench;
  }

  sim::Qc9530 emulator;
  FakeTty tty;
  transport::Hub hub;
  hal::Driver driver;
  std::unique_ptr<hal::Device> device;
};

/// A fixture that makes such a bench anew each time.
template <class B, class... Args>
hal_contract::Fixture fixture_of(std::string name, Args... args) {
  return {std::move(name), [args...] {
            auto own = std::make_shared<B>(args...);
            hal_contract::Bench bench = own->contract();
            bench.keep = std::move(own);
            return bench;
          }};
}

}  // namespace nicol::test
