// SPDX-License-Identifier: Apache-2.0
// A USB device that answers what the test tells it to, and counts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <vector>

#include "sim/emulators/emulator.hpp"

namespace nicol::test {

inline constexpr std::uint8_t kOut = 0x01, kIn = 0x81, kStream = 0x82;
inline constexpr std::size_t kPacket = 512;

/// To be looked into under FakeUsb::locked(). Endpoint 1 OUT, 1 IN, 2 IN; alternate setting 1 has 2 IN only.
class BulkBox : public sim::UsbEmulator {
 public:
  using Bytes = std::vector<std::uint8_t>;

  sim::UsbIdentity identity() const override {
    return {{18, 1, 0,       2, 0, 0,    0, 64,   0x09, 0x12, 0x42, 0x00, 0, 1, 1, 2, 3,       1,           //
             9,  2, 55,      0, 1, 1,    0, 0x80, 50,                                                       //
             9,  4, 0,       0, 3, 0xff, 0, 0,    0,                                                        //
             7,  5, kOut,    2, 0, 2,    0, 7,    5,    kIn,  2,    0,    2, 0, 7, 5, kStream, 2, 0, 2, 0,  //
             9,  4, 0,       1, 1, 0xff, 0, 0,    0,                                                        //
             7,  5, kStream, 2, 0, 2,    0},
            "Bulk box",
            "Nicol tests",
            "BB0001"};
  }
  int control(std::span<const std::uint8_t, 8> setup, std::span<std::uint8_t> data, Picoseconds) override {
    last_request = setup[1];
    if (setup[1] == 0x99) return sim::kUsbStall;
    std::fill(data.begin(), data.end(), setup[2]);
    return static_cast<int>(data.size());
  }
  int out(std::uint8_t, std::span<const std::uint8_t> bytes, Picoseconds) override {
    if (stalls) return sim::kUsbStall;
    const std::size_t taken = std::min(bytes.size(), takes);
    if (taken == 0 && !bytes.empty()) return 0;
    heard.emplace_back(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
    return static_cast<int>(taken);
  }
  int in(std::uint8_t endpoint, std::span<std::uint8_t> into, Picoseconds now) override {
    if (endpoint == kStream && streams) return stream(into);
    auto& queue = says[endpoint];
    if (queue.empty() || now < due) return 0;
    Bytes& front = queue.front();
    if (front.empty()) {
      queue.pop_front();
      return sim::kUsbEmptyPacket;
    }
    const std::size_t n = std::min(front.size(), into.size());
    std::copy_n(front.begin(), n, into.begin());
    front.erase(front.begin(), front.begin() + static_cast<std::ptrdiff_t>(n));
    if (front.empty()) queue.pop_front();
    return static_cast<int>(n);
  }
  Picoseconds next_due() const override { return due.count != 0 ? due : sim::kNever; }
  void power_cycle() override { ++power_cycles; }

  std::deque<Bytes> heard;
  std::map<std::uint8_t, std::deque<Bytes>> says;  // by endpoint; an empty one is an empty packet
  std::size_t takes = ~std::size_t{0};
  Picoseconds due;  // says nothing before
  bool stalls = false, streams = false;
  int power_cycles = 0;
  std::uint8_t last_request = 0;

 private:
  // Every byte of a packet is the packet's number.
  int stream(std::span<std::uint8_t> into) {
    const std::size_t whole = into.size() / kPacket * kPacket;
    for (std::size_t at = 0; at < whole; at += kPacket)
      std::fill_n(into.begin() + static_cast<std::ptrdiff_t>(at), kPacket, packets_++);
    return static_cast<int>(whole);
  }
  std::uint8_t packets_ = 0;
};

}  // namespace nicol::test
