// SPDX-License-Identifier: Apache-2.0
// Real APT driver, real libserialport, emulated controller: what the tests of the driver stand on.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "drivers/apt/driver.hpp"
#include "drivers/hal/instruments.hpp"
#include "drivers/hal/motion.hpp"
#include "sim/emulators/apt.hpp"
#include "tests/hal_contract/fixture.hpp"
#include "tests/support/fake_tty.hpp"
#include "tests/support/wire_words.hpp"

namespace nicol::test {

inline sim::AptOptions apt_model(sim::AptModel model) {
  constexpr const char* kSerials[] = {"55000123", "27000456", "38000789", "37000012"};
  sim::AptOptions options;
  options.model = model;
  options.serial = kSerials[static_cast<std::size_t>(model)];
  options.power_up = model == sim::AptModel::mpc320 ? 60 : 330;
  return options;
}

class AptBench {
 public:
  explicit AptBench(const sim::AptOptions& options, sim::FaultPlan faults = {}, double haste = 200)
      : haste_(options.model == sim::AptModel::mpc320 || options.model == sim::AptModel::mff101 ? 20 : haste),
        emulator_(options),
        tty_(emulator_, tty_options(std::move(faults), haste_)),
        driver_(apt::driver(hub_)) {}

  Result<std::unique_ptr<hal::Device>> make(hal::DeviceArgs args = {}) {
    args.emplace("settle_ms", "2");
    return driver_.make(args);
  }
  /// std::runtime_error where it cannot be opened.
  template <class Kind>
  Kind& open(hal::DeviceArgs args = {}) {
    auto device = make(std::move(args));
    if (!device) throw std::runtime_error(describe(device.error()));
    device_ = *std::move(device);
    return dynamic_cast<Kind&>(*device_);
  }
  hal::Device& device() { return *device_; }
  void close() { device_.reset(); }
  const hal::Driver& driver() const { return driver_; }
  FakeTty& tty() { return tty_; }
  transport::Hub& hub() { return hub_; }

  void unplug() {
    tty_.unplug();
    until([&] { return device_->link() == hal::Link::disconnected; });
  }
  void replug(const std::string& name = "") {
    tty_.replug(name);
    until([&] { return device_->link() == hal::Link::connected; });
  }
  /// The emulator's time.
  void pass(double seconds) const { std::this_thread::sleep_for(std::chrono::duration<double>(seconds / haste_)); }
  template <class F>
  auto look(F f) {
    decltype(f(emulator_, Picoseconds{})) seen{};
    tty_.locked([&] { seen = f(emulator_, tty_.now()); });
    return seen;
  }
  void turn(const std::function<void(sim::AptEmulator&)>& knob) {
    tty_.locked([&] { knob(emulator_); });
  }
  std::uint64_t moves() {
    return look([](sim::AptEmulator& e, Picoseconds) { return e.moves_begun(); });
  }
  double optic(std::size_t channel = 0) {
    return look([channel](sim::AptEmulator& e, Picoseconds now) { return e.optic(channel, now); });
  }
  static bool until(const std::function<bool()>& fact) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!fact() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return fact();
  }

 private:
  static FakeTty::Options tty_options(sim::FaultPlan faults, double haste) {
    FakeTty::Options options;
    options.name = "ttyAPT0";
    options.time_scale = haste;
    options.faults = std::move(faults);
    return options;
  }
  const double haste_;
  sim::AptEmulator emulator_;
  FakeTty tty_;
  transport::Hub hub_;
  hal::Driver driver_;
  std::unique_ptr<hal::Device> device_;
};

inline Deadline apt_deadline(double seconds = 8) {
  return {std::chrono::steady_clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(1000 * seconds))};
}
inline Result<void> apt_finished(Result<hal::Motion> motion, double seconds = 8) {
  if (!motion) return std::move(motion).error();
  return motion->wait(apt_deadline(seconds));
}

/// For the conformance suite, of a healthy device or of a mutant.
inline hal_contract::Bench apt_contract_bench(const sim::AptOptions& options) {
  auto bench = std::make_shared<AptBench>(options);
  AptBench* b = bench.get();
  b->open<hal::Device>();
  hal_contract::Bench contract;
  contract.device = &b->device();
  contract.unplug = [b] { b->unplug(); };
  contract.replug = [b] { b->replug("ttyAPT7"); };
  contract.advance = [b](Picoseconds time) { b->pass(time.seconds()); };
  contract.stall = [b] { b->turn([](sim::AptEmulator& e) { e.stall_next_move(); }); };
  contract.light_passes = [b] {
    return b->look([](sim::AptEmulator& e, Picoseconds now) { return e.mirror(now) == 2; });
  };
  contract.because = {{"travel", "travel = none (DEVICES.md 1.3: these stages turn on past 360 deg)"}};
  contract.keep = std::move(bench);
  return contract;
}

}  // namespace nicol::test
