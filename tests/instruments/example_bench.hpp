// SPDX-License-Identifier: Apache-2.0
// Example driver, real libserialport, emulated shutter: what the tests of the driver stand on.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "drivers/example/driver.hpp"
#include "drivers/hal/instruments.hpp"
#include "sim/emulators/example_shutter.hpp"
#include "tests/hal_contract/fixture.hpp"
#include "tests/support/fake_tty.hpp"

namespace nicol::test {

class ExampleBench {
 public:
  static constexpr double kHaste = 20;  // emulator seconds a real second
  explicit ExampleBench(const sim::ExampleShutterOptions& options = {})
      : emulator_(options), tty_(emulator_, tty_options()), driver_(example::driver(hub_)) {}

  const hal::Driver& driver() const { return driver_; }
  FakeTty& tty() { return tty_; }
  /// std::runtime_error where it cannot be opened.
  std::unique_ptr<hal::Device> open() {
    auto device = driver_.make({});
    if (!device) throw std::runtime_error(describe(device.error()));
    return *std::move(device);
  }
  void pass(Picoseconds time) const {
    std::this_thread::sleep_for(std::chrono::duration<double>(time.seconds() / kHaste));
  }
  template <class F>
  auto look(F f) {
    decltype(f(emulator_)) seen{};
    tty_.locked([&] { seen = f(emulator_); });
    return seen;
  }
  /// The spring closes it when the cable, and the power with it, is gone.
  bool light_passes() {
    const Picoseconds now = tty_.now();
    return tty_.plugged() && look([now](auto& e) { return e.light_passes(now); });
  }
  std::uint64_t moves() {
    return look([](auto& e) { return e.moves(); });
  }
  static bool until(const std::function<bool()>& fact) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!fact() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return fact();
  }
  void unplug(const hal::Device& device) {
    tty_.unplug();
    until([&] { return device.link() == hal::Link::disconnected; });
  }
  void replug(const hal::Device& device, const std::string& name) {
    tty_.replug(name);
    until([&] { return device.link() == hal::Link::connected; });
  }

 private:
  static FakeTty::Options tty_options() {
    FakeTty::Options options;
    options.name = "ttyUSB0";
    options.time_scale = kHaste;
    return options;
  }
  sim::ExampleShutter emulator_;
  FakeTty tty_;
  transport::Hub hub_;
  hal::Driver driver_;
};

/// For the conformance suite.
inline hal_contract::Bench example_contract_bench(const sim::ExampleShutterOptions& options = {}) {
  struct Plugged {
    explicit Plugged(const sim::ExampleShutterOptions& o) : bench(o), device(bench.open()) {}
    ExampleBench bench;
    std::unique_ptr<hal::Device> device;
  };
  auto plugged = std::make_shared<Plugged>(options);
  hal_contract::Bench bench;
  bench.device = plugged->device.get();
  bench.unplug = [p = plugged.get()] { p->bench.unplug(*p->device); };
  bench.replug = [p = plugged.get()] { p->bench.replug(*p->device, "ttyUSB7"); };
  bench.advance = [p = plugged.get()](Picoseconds time) { p->bench.pass(time); };
  bench.light_passes = [p = plugged.get()] { return p->bench.light_passes(); };
  bench.keep = std::move(plugged);
  return bench;
}

}  // namespace nicol::test
