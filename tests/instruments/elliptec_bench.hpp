// SPDX-License-Identifier: Apache-2.0
// Real Elliptec driver, real libserialport, emulated mounts: what the tests of the driver stand on.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "drivers/elliptec/driver.hpp"
#include "drivers/hal/motion.hpp"
#include "sim/emulators/ell14.hpp"
#include "tests/support/fake_tty.hpp"
#include "tests/support/wire_words.hpp"

namespace nicol::test {

/// Ten seconds of the mounts pass in one of the test.
inline constexpr double kElliptecHaste = 10;
/// The driver's patience, as much shorter.
inline elliptec::Timing hasty_elliptec() {
  using std::chrono::milliseconds;
  return {milliseconds(500), milliseconds(300), milliseconds(600), milliseconds(250)};
}

class ElliptecBench {
 public:
  explicit ElliptecBench(const sim::Ell14BusConfig& config = {}, sim::FaultPlan faults = {})
      : mounts_(config), tty_(mounts_, options(std::move(faults))), driver_(elliptec::driver(hub_, hasty_elliptec())) {}

  sim::Ell14Bus& mounts() { return mounts_; }
  FakeTty& tty() { return tty_; }
  const hal::Driver& driver() const { return driver_; }
  transport::Hub& hub() { return hub_; }

  /// The stage of the mount at this address.
  std::unique_ptr<hal::RotationStage> open(const std::string& address = "0") {
    auto device = driver_.make({{"port", tty_.port()}, {"address", address}});
    if (!device) throw std::runtime_error(describe(device.error()));
    return std::unique_ptr<hal::RotationStage>(&dynamic_cast<hal::RotationStage&>(*device->release()));
  }
  void unplug(const hal::Device& device) {
    tty_.unplug();
    until([&] { return device.link() == hal::Link::disconnected; });
  }
  void replug(const hal::Device& device, const std::string& name = "") {
    tty_.replug(name);
    until([&] { return device.link() == hal::Link::connected; });
  }
  Angle optic(std::size_t i) {
    Angle angle;
    tty_.locked([&] { angle = mounts_.angle(i, tty_.now()); });
    return angle;
  }
  std::uint64_t moves(std::size_t i = 0) {
    std::uint64_t moves = 0;
    tty_.locked([&] { moves = mounts_.module(i).moves(); });
    return moves;
  }

 private:
  static FakeTty::Options options(sim::FaultPlan faults) {
    FakeTty::Options options;
    options.name = "ttyELL0";
    options.time_scale = kElliptecHaste;
    options.faults = std::move(faults);
    return options;
  }
  static void until(const std::function<bool()>& fact) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!fact() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  sim::Ell14Bus mounts_;
  FakeTty tty_;
  transport::Hub hub_;
  hal::Driver driver_;
};

inline Deadline in_seconds(double seconds) {
  return {std::chrono::steady_clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(1000 * seconds))};
}
/// Started and waited for.
inline Result<void> finished(Result<hal::Motion> motion, double seconds = 5) {
  if (!motion) return std::move(motion).error();
  return motion->wait(in_seconds(seconds));
}
inline Result<void> home(hal::RotationStage& stage) { return finished(stage.home(hal::HomeDirection::negative)); }
inline Result<void> turn_to(hal::RotationStage& stage, double degrees) {
  return finished(stage.move_absolute(Angle::degrees(degrees)));
}

}  // namespace nicol::test
