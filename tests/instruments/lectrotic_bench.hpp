// SPDX-License-Identifier: Apache-2.0
// Real LectroTIC-4 driver, real libserialport, emulated device.
#pragma once

#include <string>

#include "drivers/lectrotic/driver.hpp"
#include "sim/emulators/lectrotic.hpp"
#include "tests/instruments/tagger_bench.hpp"
#include "tests/support/fake_tty.hpp"

namespace nicol::test {

class LectroticBench {
 public:
  explicit LectroticBench(sim::LectroticOptions device = {})
      : device_(std::move(device)), tty_(device_, options()), driver_(lectrotic::driver(hub_)) {}

  FakeTty& tty() { return tty_; }
  sim::LectroticEmulator& device() { return device_; }  // inside tty().locked()
  const hal::Driver& driver() const { return driver_; }
  std::unique_ptr<hal::TimeTagger> open() { return open_tagger(driver_, {}); }
  void unplug(const hal::Device& device) {
    tty_.unplug();
    await_link(device, hal::Link::disconnected);
  }
  void replug(const hal::Device& device, const std::string& name) {
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
  /// So many pulses from now on, on the inputs in turn. Returns once they are sent.
  void make_tags(std::size_t count, std::int64_t apart_ps) {
    if (!streaming()) return;
    const Picoseconds begin = tty_.now() + Picoseconds{5'000'000'000};
    tty_.locked([&] { device_.add_tags(tags_in_turn<sim::Tdc1Tag>(begin, count, apart_ps)); });
    until([&] { return look([](auto& d) { return d.waiting() == 0; }); });
  }
  /// Until the silence has been understood: the driver asks again when its last question was answered.
  void settle() {
    const auto before = look([](auto& d) { return d.asked(); });
    until([&] { return look([](auto& d) { return d.asked(); }) >= before + 2; });
  }

 private:
  static FakeTty::Options options() {
    FakeTty::Options options;
    options.name = "ttyACM0";
    return options;
  }
  sim::LectroticEmulator device_;
  FakeTty tty_;
  transport::Hub hub_;
  hal::Driver driver_;
};

}  // namespace nicol::test
