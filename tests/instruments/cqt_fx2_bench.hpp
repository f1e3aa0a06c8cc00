// SPDX-License-Identifier: Apache-2.0
// Real card driver, real libusb, an emulated card.
#pragma once

#include <functional>
#include <string>

#include "drivers/cqt-fx2/driver.hpp"
#include "sim/emulators/cqt_fx2.hpp"
#include "tests/instruments/tagger_bench.hpp"
#include "tests/support/fake_usb.hpp"

namespace nicol::test {

class Fx2Bench {
 public:
  explicit Fx2Bench(sim::Fx2Options device = {}, FakeUsb::Options plug = {})
      : device_(std::move(device)), usb_(device_, std::move(plug)), driver_(cqt_fx2::driver(hub_)) {}

  FakeUsb& usb() { return usb_; }
  const hal::Driver& driver() const { return driver_; }
  Result<std::unique_ptr<hal::Device>> make(hal::DeviceArgs args = {}) {
    args.emplace("phases", sim::Fx2Emulator::phase_table());
    return driver_.make(args);
  }
  std::unique_ptr<hal::TimeTagger> open(hal::DeviceArgs args = {}) {
    args.emplace("phases", sim::Fx2Emulator::phase_table());
    return open_tagger(driver_, args);
  }
  void unplug(const hal::Device& device) {
    usb_.unplug();
    await_link(device, hal::Link::disconnected);
  }
  void replug(const hal::Device& device, const std::string& port = "") {
    usb_.replug(port);
    await_link(device, hal::Link::connected);
  }
  template <class F>
  auto look(F f) {
    decltype(f(device_)) value{};
    usb_.locked([&] { value = f(device_); });
    return value;
  }
  void change(const std::function<void(sim::Fx2Emulator&)>& f) {
    usb_.locked([&] { f(device_); });
    usb_.kick();
  }
  /// So many tags from now on, on the inputs in turn.
  void make_tags(std::size_t count, std::int64_t apart_ps) {
    if (!until([&] { return look([](auto& d) { return d.sampling(); }); })) return;
    change([&](sim::Fx2Emulator& device) {
      const Picoseconds begin = device.run_time(usb_.now()) + Picoseconds{1'000'000'000};
      device.add_tags(tags_in_turn<sim::Fx2Tag>(begin, count, apart_ps));
    });
  }

 private:
  sim::Fx2Emulator device_;
  FakeUsb usb_;
  transport::Hub hub_;
  hal::Driver driver_;
};

}  // namespace nicol::test
