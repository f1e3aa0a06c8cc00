// SPDX-License-Identifier: Apache-2.0
// This driver, real libusb or libserialport, an emulated board over a bare bench: what the tests of the rig's driver
// stand on.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "drivers/hal/instruments.hpp"
#include "drivers/hal/motion.hpp"
#include "drivers/hal/photon_source.hpp"
#include "drivers/hal/time_tagger.hpp"
#include "drivers/rig/driver.hpp"
#include "sim/emulators/rig_bench.hpp"
#include "sim/emulators/rig_board.hpp"
#include "tests/support/fake_tty.hpp"
#include "tests/support/fake_usb.hpp"

namespace nicol::test {

inline bool until(const std::function<bool()>& fact, double seconds = 5) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!fact()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

enum class RigCable { usb, serial };

struct RigSetup {
  sim::RigBenchOptions bench = {};
  RigCable cable = RigCable::usb;
  double time_scale = 4;  // board seconds a second
  sim::FaultPlan faults = {};
  rig::Timing timing = {};
};

/// Heartbeats as often as the board's faster time wants them, and a slow machine is no broken cable.
inline rig::Timing scaled_timing(double scale) {
  rig::Timing timing;
  timing.heartbeat = std::chrono::milliseconds(static_cast<int>(100 / scale));
  timing.usb = {200, 3};
  timing.serial = {250, 3};
  timing.silence = std::chrono::milliseconds(2000);
  timing.greet_again = std::chrono::milliseconds(20);
  return timing;
}
inline RigSetup quick(RigCable cable = RigCable::usb) {
  RigSetup setup;
  setup.cable = cable;
  setup.timing = scaled_timing(setup.time_scale);
  return setup;
}

class RigFixture {
 public:
  explicit RigFixture(RigSetup setup = quick()) : cable_(setup.cable), timing_(setup.timing) {
    auto bench = std::make_unique<sim::RigBench>(setup.bench);
    bench_ = bench.get();
    const sim::RigBoardOptions options{"NIC001", setup.time_scale};
    if (cable_ == RigCable::usb) {
      usb_board_ = std::make_unique<sim::RigBoard>(std::move(bench), options);
      FakeUsb::Options fake;
      fake.time_scale = setup.time_scale;
      fake.faults = setup.faults;
      usb_ = std::make_unique<FakeUsb>(*usb_board_, fake);
    } else {
      serial_board_ = std::make_unique<sim::RigBoardSerial>(std::move(bench), options);
      FakeTty::Options fake;
      fake.name = "ttyACM0";
      fake.time_scale = setup.time_scale;
      fake.faults = setup.faults;
      tty_ = std::make_unique<FakeTty>(*serial_board_, fake);
    }
    begin_program();
  }

  Result<std::unique_ptr<hal::Device>> make(const std::string& unit, hal::DeviceArgs args = {}) {
    args.insert({"unit", unit});
    if (cable_ == RigCable::serial) args.insert({"port", tty_->port()});
    return driver_.make(args);
  }
  template <class T>
  std::unique_ptr<T> open(const std::string& unit, hal::DeviceArgs args = {}) {
    auto made = make(unit, std::move(args));
    if (!made) throw std::runtime_error(describe(made.error()));
    return std::unique_ptr<T>(&dynamic_cast<T&>(*made->release()));
  }
  /// Armed, in quantum light, emitting; with the watchdog as wide as it goes.
  std::unique_ptr<hal::PulsedSource> lit_source(hal::DeviceArgs args = {}) {
    auto source = open<hal::PulsedSource>("source", std::move(args));
    EXPECT_TRUE(source->write_property("watchdog_ms", std::int64_t{5000}).ok());
    EXPECT_TRUE(source->set_light_level(hal::LightLevel::quantum).ok());
    const auto armed = source->arm({1});
    EXPECT_TRUE(armed.ok()) << describe(armed.ok() ? Error{} : armed.error());
    EXPECT_TRUE(source->enable_emission().ok());
    return source;
  }

  void pull() {
    usb_ ? usb_->unplug() : tty_->unplug();
    core().power_off();
  }
  void unplug(const hal::Device& device) {
    pull();
    EXPECT_TRUE(until([&] { return device.link() == hal::Link::disconnected; }));
  }
  void replug(const hal::Device& device, const std::string& port = "") {
    usb_ ? usb_->replug(port) : tty_->replug(port);
    EXPECT_TRUE(until([&] { return device.link() == hal::Link::connected; }));
  }
  sim::RigBench& bench() { return *bench_; }
  sim::RigBoardCore& core() { return usb_board_ ? usb_board_->core() : serial_board_->core(); }
  FakeUsb& usb() { return *usb_; }
  void set_faults(const sim::FaultPlan& plan) { usb_ ? usb_->set_faults(plan) : tty_->set_faults(plan); }
  bool plugged() const { return usb_ ? usb_->plugged() : tty_->plugged(); }
  /// After a fault pulled the cable: a board that lived on it is switched on again.
  void put_back() {
    core().power_off();
    usb_ ? usb_->replug() : tty_->replug();
  }
  transport::Hub& hub() { return *hub_; }
  const hal::Driver& driver() const { return driver_; }
  void forget_hub() { hub_.reset(); }
  /// Another run of the program: the board is opened anew. All devices are closed before.
  void begin_program() {
    hub_.reset();
    hub_ = std::make_unique<transport::Hub>();
    driver_ = rig::driver(*hub_, timing_);
  }

 private:
  const RigCable cable_;
  const rig::Timing timing_;
  sim::RigBench* bench_ = nullptr;
  std::unique_ptr<sim::RigBoard> usb_board_;
  std::unique_ptr<sim::RigBoardSerial> serial_board_;
  std::unique_ptr<FakeUsb> usb_;
  std::unique_ptr<FakeTty> tty_;
  std::unique_ptr<transport::Hub> hub_;  // before the fakes it goes
  hal::Driver driver_;
};

/// Everything a tagger says until `enough`, or until it has nothing more for half a second.
struct Heard {
  std::vector<hal::TimeTag> tags;
  std::vector<hal::LossInterval> losses;
  hal::StreamStatus last = hal::StreamStatus::timeout;
  std::int64_t end = 0;

  void listen(hal::TimeTagger& tagger, double seconds, const std::function<bool()>& enough = {}) {
    std::vector<hal::TimeTag> tag_storage(1 << 14);
    std::vector<hal::LossInterval> loss_storage(64);
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (std::chrono::steady_clock::now() < until) {
      hal::TagBlock block;
      block.storage = tag_storage;
      block.loss_storage = loss_storage;
      last = tagger.acquire(block, {std::chrono::steady_clock::now() + std::chrono::milliseconds(20)});
      tags.insert(tags.end(), block.tags().begin(), block.tags().end());
      losses.insert(losses.end(), block.losses().begin(), block.losses().end());
      end = block.t_end;
      if (last == hal::StreamStatus::stopped || last == hal::StreamStatus::disconnected) return;
      if (enough && enough()) return;
    }
  }
  std::uint64_t lost() const {
    std::uint64_t sum = 0;
    for (const auto& loss : losses) sum += loss.lost;
    return sum;
  }
};

}  // namespace nicol::test
