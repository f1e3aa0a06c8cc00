// SPDX-License-Identifier: Apache-2.0
// Real TDC1 driver, real libserialport, an emulated TDC1.
#pragma once

#include <string>

#include "drivers/tdc1/driver.hpp"
#include "sim/emulators/tdc1.hpp"
#include "tests/instruments/tagger_bench.hpp"
#include "tests/support/fake_tty.hpp"

namespace nicol::test {

class Tdc1Bench {
 public:
  explicit Tdc1Bench(sim::Tdc1Options device = {}, sim::FaultPlan faults = {})
      : device_(std::move(device)), tty_(device_, options(std::move(faults))), driver_(tdc1::driver(hub_)) {}

  sim::Tdc1Emulator& device() { return device_; }
  FakeTty& tty() { return tty_; }
  const hal::Driver& driver() const { return driver_; }

  Result<std::unique_ptr<hal::Device>> make(hal::DeviceArgs args = {}) {
    args.emplace("port", tty_.port());
    return driver_.make(args);
  }
  std::unique_ptr<hal::TimeTagger> open(hal::DeviceArgs args = {}) {
    args.emplace("port", tty_.port());
    return open_tagger(driver_, args);
  }
  void unplug(const hal::Device& device) {
    tty_.unplug();
    await_link(device, hal::Link::disconnected);
  }
  void replug(const hal::Device& device, const std::string& name = "") {
    tty_.replug(name);
    await_link(device, hal::Link::connected);
  }
  template <class F>
  auto look(F f) {
    decltype(f(device_)) value{};
    tty_.locked([&] { value = f(device_); });
    return value;
  }
  bool streaming() {
    return until([&] { return look([](auto& d) { return d.streaming(); }); });
  }
  /// So many tags from now on, on the inputs in turn.
  void make_tags(std::size_t count, std::int64_t apart_ps) {
    if (!streaming()) return;
    tty_.locked([&] {
      const Picoseconds begin = device_.run_time(tty_.now()) + Picoseconds{1'000'000'000};
      device_.add_tags(tags_in_turn<sim::Tdc1Tag>(begin, count, apart_ps));
    });
  }

 private:
  static FakeTty::Options options(sim::FaultPlan faults) {
    FakeTty::Options options;
    options.name = "ttyACM0";
    options.faults = std::move(faults);
    return options;
  }
  sim::Tdc1Emulator device_;
  FakeTty tty_;
  transport::Hub hub_;
  hal::Driver driver_;
};

}  // namespace nicol::test
