// SPDX-License-Identifier: Apache-2.0
// Real SPDC driver, real libserialport, an emulated board whose heat takes a thousandth of its time.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "drivers/hal/instruments.hpp"
#include "drivers/s15-spdc/driver.hpp"
#include "sim/emulators/s15_spdc.hpp"
#include "tests/hal_contract/fixture.hpp"
#include "tests/support/fake_tty.hpp"

namespace nicol::test {

class SpdcBench {
 public:
  static constexpr double kHaste = 1000;  // seconds of the board in one of the test

  explicit SpdcBench(sim::SpdcOptions device = {})
      : board_(std::move(device)), tty_(board_, options()), driver_(s15_spdc::driver(hub_, timing())) {}

  FakeTty& tty() { return tty_; }
  const hal::Driver& driver() const { return driver_; }
  Result<std::unique_ptr<hal::Device>> make(const std::string& unit, hal::DeviceArgs args = {}) {
    args.emplace("port", tty_.port());
    args.emplace("unit", unit);
    return driver_.make(args);
  }
  template <class Kind>
  std::unique_ptr<Kind> open(const std::string& unit, hal::DeviceArgs args = {}) {
    auto made = make(unit, std::move(args));
    if (!made) throw std::runtime_error(describe(made.error()));
    return std::unique_ptr<Kind>(&dynamic_cast<Kind&>(*made->release()));
  }
  std::unique_ptr<hal::PumpLaser> laser(hal::DeviceArgs args = {}) { return open<hal::PumpLaser>("laser", args); }
  std::unique_ptr<hal::TemperatureController> thermostat(const std::string& unit) {
    return open<hal::TemperatureController>(unit);
  }
  static bool until(const std::function<bool()>& fact, double seconds = 5) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!fact()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  void unplug(const hal::Device& device) {
    tty_.unplug();
    until([&] { return device.link() == hal::Link::disconnected; });
  }
  void replug(const hal::Device& device) {
    tty_.replug("ttyACM5");
    until([&] { return device.link() == hal::Link::connected; });
  }
  template <class F>
  auto look(F f) {
    decltype(f(board_)) value{};
    tty_.locked([&] { value = f(board_); });
    return value;
  }
  bool shines() {
    return look([](auto& b) { return b.shines(); });
  }
  void change(const std::function<void(sim::SpdcEmulator&)>& f) {
    tty_.locked([&] { f(board_); });
  }
  static void pass(Picoseconds time) {
    std::this_thread::sleep_for(std::chrono::duration<double>(time.seconds() / kHaste));
  }

 private:
  static FakeTty::Options options() {
    FakeTty::Options o;
    o.name = "ttyACM0";
    o.time_scale = kHaste;
    return o;
  }
  static s15_spdc::Timing timing() {
    s15_spdc::Timing t;
    t.milliampere = std::chrono::microseconds(200);
    return t;
  }
  sim::SpdcEmulator board_;
  FakeTty tty_;
  transport::Hub hub_;
  hal::Driver driver_;
};

inline Result<void> light_up(hal::PumpLaser& laser) {
  if (auto ok = laser.arm({1}); !ok) return ok;
  return laser.enable_emission();
}

struct SpdcPlugged {
  SpdcPlugged(const sim::SpdcOptions& options, const std::string& unit) : bench(options) {
    auto made = bench.make(unit);
    if (!made) throw std::runtime_error(describe(made.error()));
    device = *std::move(made);
  }
  SpdcBench bench;
  std::unique_ptr<hal::Device> device;
};

inline hal_contract::Bench spdc_contract_bench(const std::string& unit, const sim::SpdcOptions& options = {}) {
  auto plugged = std::make_shared<SpdcPlugged>(options, unit);
  SpdcPlugged* const p = plugged.get();
  hal_contract::Bench bench;
  bench.device = p->device.get();
  bench.unplug = [p] { p->bench.unplug(*p->device); };
  bench.replug = [p] { p->bench.replug(*p->device); };
  bench.advance = [](Picoseconds time) { SpdcBench::pass(time); };
  bench.light_passes = [p] { return p->bench.shines(); };
  bench.because = {
      {"open_interlock", "has_interlock = false (DEVICES.md 1.10: the board tells of none)"},
      {"self_safing", "self_safing = false (DEVICES.md 1.10: the laser stays on when its cable is pulled)"}};
  bench.keep = std::move(plugged);
  return bench;
}

}  // namespace nicol::test
