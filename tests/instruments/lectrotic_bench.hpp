// SPDX-License-Identifier: Apache-2.0
// Real LectroTIC-4 driver, real libserialport, emulated device: what the tests of the driver stand on. In real time: a
// stream's silence means something.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "drivers/hal/time_tagger.hpp"
#include "drivers/lectrotic/driver.hpp"
#include "sim/emulators/lectrotic.hpp"
#include "tests/support/fake_tty.hpp"

namespace nicol::test {

class LectroticBench {
 public:
  explicit LectroticBench(sim::LectroticOptions device = {})
      : device_(std::move(device)), tty_(device_, options()), driver_(lectrotic::driver(hub_)) {}

  FakeTty& tty() { return tty_; }
  sim::LectroticEmulator& device() { return device_; }  // inside tty().locked()
  const hal::Driver& driver() const { return driver_; }
  /// std::runtime_error where it cannot be opened.
  std::unique_ptr<hal::TimeTagger> open() {
    auto made = driver_.make({});
    if (!made) throw std::runtime_error(describe(made.error()));
    return std::unique_ptr<hal::TimeTagger>(&dynamic_cast<hal::TimeTagger&>(*made->release()));
  }
  void unplug(const hal::Device& device) {
    tty_.unplug();
    until([&] { return device.link() == hal::Link::disconnected; });
  }
  void replug(const hal::Device& device, const std::string& name) {
    tty_.replug(name);
    until([&] { return device.link() == hal::Link::connected; });
  }
  template <class F>
  auto look(F f) {
    decltype(f(device_)) value{};
    tty_.locked([&] { value = f(device_); });
    return value;
  }
  static bool until(const std::function<bool()>& fact, double seconds = 5) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!fact()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  bool streaming() {
    return until([&] { return look([](auto& d) { return d.streaming(); }); });
  }
  /// So many pulses from now on, on the inputs in turn. Returns once they are sent.
  void make_tags(std::size_t count, std::int64_t apart_ps) {
    if (!streaming()) return;
    const Picoseconds begin = tty_.now() + Picoseconds{5'000'000'000};
    std::vector<sim::Tdc1Tag> tags;
    for (std::size_t i = 0; i < count; ++i)
      tags.push_back({begin + Picoseconds{static_cast<std::int64_t>(i) * apart_ps}, static_cast<unsigned>(i % 4)});
    tty_.locked([&] { device_.add_tags(std::move(tags)); });
    until([&] { return look([](auto& d) { return d.waiting() == 0; }); });
  }
  /// Until the silence has been understood.
  static void settle() { std::this_thread::sleep_for(std::chrono::milliseconds(1100)); }

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

/// What a consumer has seen of a stream.
struct LectroticHeard {
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
