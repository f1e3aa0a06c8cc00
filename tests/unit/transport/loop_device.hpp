// SPDX-License-Identifier: Apache-2.0
// A USB device of the tests' own: what goes into 01 comes out of 81, 82 counts at a given rate, endpoint 0 echoes.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <vector>

#include "sim/emulators/emulator.hpp"

namespace nicol::transport {

struct LoopDevice final : sim::UsbEmulator {
  std::string serial = "NIC001";
  std::deque<std::vector<std::uint8_t>> messages;
  bool deaf = false;  // takes nothing: NAK for ever
  double bytes_per_second = 0;
  std::uint64_t counted = 0;  // words given by 82
  std::uint64_t limit = ~std::uint64_t{0};
  std::vector<std::uint8_t> requests;

  static std::vector<std::uint8_t> descriptors() {
    const auto endpoint = [](std::uint8_t address) {
      return std::vector<std::uint8_t>{7, 5, address, 2, 0x00, 0x02, 0};  // bulk, 512 bytes
    };
    std::vector<std::uint8_t> all{18, 1, 0, 2, 0, 0, 0, 64, 0x09, 0x12, 0x10, 0x00, 0, 1,
                                  1,  2, 3, 1, 9, 2, 0, 0,  1,    1,    0,    0x80, 50};
    for (const std::uint8_t alternate : {std::uint8_t{0}, std::uint8_t{1}}) {
      all.insert(all.end(), {9, 4, 0, alternate, 3, 0xff, 1, 0, 0});
      for (const std::uint8_t address : {std::uint8_t{0x01}, std::uint8_t{0x81}, std::uint8_t{0x82}}) {
        const auto e = endpoint(address);
        all.insert(all.end(), e.begin(), e.end());
      }
    }
    all[20] = static_cast<std::uint8_t>(all.size() - 18);
    return all;
  }

  sim::UsbIdentity identity() const override { return {descriptors(), "Loop", "Nicol", serial}; }
  int control(std::span<const std::uint8_t, 8> setup, std::span<std::uint8_t> data, Picoseconds) override {
    requests.push_back(setup[1]);
    if (setup[1] == 0x99) return sim::kUsbStall;
    if ((setup[0] & 0x80) != 0) std::fill(data.begin(), data.end(), setup[1]);
    return static_cast<int>(data.size());
  }
  int out(std::uint8_t, std::span<const std::uint8_t> bytes, Picoseconds) override {
    if (deaf) return 0;
    messages.emplace_back(bytes.begin(), bytes.end());
    return static_cast<int>(bytes.size());
  }
  int in(std::uint8_t endpoint, std::span<std::uint8_t> into, Picoseconds now) override {
    return endpoint == 0x82 ? count(into, now) : echo(into);
  }
  Picoseconds next_due() const override { return bytes_per_second > 0 ? next_ : sim::kNever; }
  void power_cycle() override { messages.clear(); }

 private:
  int echo(std::span<std::uint8_t> into) {
    if (messages.empty()) return 0;
    auto& message = messages.front();
    const std::size_t bytes = std::min(message.size(), into.size());
    std::copy_n(message.begin(), bytes, into.begin());
    message.erase(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(bytes));
    if (message.empty()) messages.pop_front();
    return static_cast<int>(bytes);
  }
  /// Whole packets of eight-byte numbers 0, 1, 2, …
  int count(std::span<std::uint8_t> into, Picoseconds now) {
    const auto due = static_cast<std::uint64_t>(static_cast<double>(now.count) * 1e-12 * bytes_per_second / 8);
    const std::uint64_t ready = std::min(due, limit);
    const std::uint64_t words =
        std::min<std::uint64_t>(ready > counted ? ready - counted : 0, into.size() / 8) / 64 * 64;
    for (std::uint64_t i = 0; i < words; ++i, ++counted) std::memcpy(into.data() + 8 * i, &counted, 8);
    next_ = Picoseconds{now.count + 200'000'000};  // 0.2 ms
    return static_cast<int>(8 * words);
  }
  Picoseconds next_{0};
};

}  // namespace nicol::transport
