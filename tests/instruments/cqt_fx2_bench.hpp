// SPDX-License-Identifier: Apache-2.0
// Real card driver, real libusb, an emulated card: what the tests of the driver stand on. In real time.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "drivers/cqt-fx2/driver.hpp"
#include "drivers/hal/time_tagger.hpp"
#include "sim/emulators/cqt_fx2.hpp"
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
    auto made = make(std::move(args));
    if (!made) throw std::runtime_error(describe(made.error()));
    return std::unique_ptr<hal::TimeTagger>(&dynamic_cast<hal::TimeTagger&>(*made->release()));
  }
  void unplug(const hal::Device& device) {
    usb_.unplug();
    until([&] { return device.link() == hal::Link::disconnected; });
  }
  void replug(const hal::Device& device, const std::string& port = "") {
    usb_.replug(port);
    until([&] { return device.link() == hal::Link::connected; });
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
      const std::int64_t begin = device.run_time(usb_.now()).count + 1'000'000'000;
      std::vector<sim::Fx2Tag> tags;
      for (std::size_t i = 0; i < count; ++i)
        tags.push_back({{begin + static_cast<std::int64_t>(i) * apart_ps}, static_cast<unsigned>(i % 4)});
      device.add_tags(std::move(tags));
    });
  }

 private:
  sim::Fx2Emulator device_;
  FakeUsb usb_;
  transport::Hub hub_;
  hal::Driver driver_;
};

/// What a consumer has seen of a stream.
struct Heard {
  std::vector<hal::TimeTag> tags;
  std::vector<hal::LossInterval> losses;
  hal::StreamStatus last = hal::StreamStatus::ok;

  /// Until `enough`, the end of the stream, or the time is up.
  void listen(hal::TimeTagger& tagger, double seconds, const std::function<bool()>& enough = nullptr) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    std::vector<hal::TimeTag> tag_storage(4096);
    std::vector<hal::LossInterval> loss_storage(16);
    hal::TagBlock block;
    block.storage = tag_storage;
    block.loss_storage = loss_storage;
    while (std::chrono::steady_clock::now() < end) {
      last = tagger.acquire(block, {std::chrono::steady_clock::now() + std::chrono::milliseconds(20)});
      tags.insert(tags.end(), block.tags().begin(), block.tags().end());
      losses.insert(losses.end(), block.losses().begin(), block.losses().end());
      if (last == hal::StreamStatus::stopped || last == hal::StreamStatus::disconnected) return;
      if (enough && enough()) return;
    }
  }
};

}  // namespace nicol::test
