// SPDX-License-Identifier: Apache-2.0
// A small USBTMC instrument of the tests' own, written from the standard, not from the driver: it echoes what it is
// asked, and misbehaves as it is told.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "sim/emulators/emulator.hpp"

namespace nicol::transport {

struct TmcDevice final : sim::UsbEmulator {
  std::size_t part = 1'000'000;              // bytes of a reply it says at once
  bool mute = false;                         // hears, never replies
  int empty_first = 0;                       // zero-length packets before each reply
  std::uint8_t spoil_tag = 0, spoil_id = 0;  // XORed into the next reply's header, then cleared
  bool garbage = false;                      // the next reply is noise
  std::vector<std::string> heard;
  std::vector<std::uint8_t> requests;  // of endpoint 0
  std::vector<std::uint8_t> tags;      // in the order they came
  bool padding_right = true;

  sim::UsbIdentity identity() const override {
    return {{18, 1, 0,    2, 0, 0,    0, 64,   0x13, 0x13, 0x4f, 0x80, 0, 1, 1, 2, 3, 1,  //
             9,  2, 32,   0, 1, 1,    0, 0x80, 50,                                        //
             9,  4, 0,    0, 2, 0xfe, 3, 1,    0,                                         //
             7,  5, 0x02, 2, 0, 2,    0,                                                  //
             7,  5, 0x81, 2, 0, 2,    0},
            "CLD1015",
            "Thorlabs",
            "M00001"};
  }
  int control(std::span<const std::uint8_t, 8> setup, std::span<std::uint8_t> data, Picoseconds) override {
    requests.push_back(setup[1]);
    std::fill(data.begin(), data.end(), std::uint8_t{0});
    if (!data.empty()) data[0] = 1;  // STATUS_SUCCESS
    if (setup[1] == 3) {
      asked_.reset();
      reply_.clear();
      aborted_ = true;
    }
    if (setup[1] == 5) forget();
    return static_cast<int>(data.size());
  }
  int out(std::uint8_t, std::span<const std::uint8_t> b, Picoseconds) override {
    if (b.size() < 12 || b[1] == 0 || static_cast<std::uint8_t>(b[1] ^ b[2]) != 0xff) return sim::kUsbStall;
    const std::size_t size = b[4] | std::size_t{b[5]} << 8 | std::size_t{b[6]} << 16 | std::size_t{b[7]} << 24;
    tags.push_back(b[1]);
    if (b[0] == 2) {
      asked_ = Asked{b[1], size, empty_first};
      return static_cast<int>(b.size());
    }
    padding_right = padding_right && b.size() % 4 == 0 && b.size() - 12 - size < 4;
    heard.emplace_back(b.begin() + 12, b.begin() + 12 + static_cast<std::ptrdiff_t>(size));
    if (heard.back().find('?') != std::string::npos) reply_ = "echo " + heard.back();
    return static_cast<int>(b.size());
  }
  int in(std::uint8_t, std::span<std::uint8_t> into, Picoseconds) override {
    if (std::exchange(aborted_, false) || std::exchange(packets_full_, false)) return sim::kUsbEmptyPacket;
    if (!asked_ || mute || reply_.empty()) return 0;
    if (asked_->empty_first-- > 0) return sim::kUsbEmptyPacket;
    if (std::exchange(garbage, false)) {
      std::fill_n(into.begin(), 7, std::uint8_t{0xa5});
      asked_.reset();
      return 7;
    }
    return say(into);
  }
  void power_cycle() override {
    forget();
    requests.clear();
  }

 private:
  struct Asked {
    std::uint8_t tag = 0;
    std::size_t size = 0;
    int empty_first = 0;
  };
  void forget() {
    asked_.reset();
    reply_.clear();
    aborted_ = packets_full_ = false;
  }
  int say(std::span<std::uint8_t> into) {
    const std::size_t size = std::min({part, asked_->size, reply_.size()});
    const auto byte = [size](int k) { return static_cast<std::uint8_t>(size >> (8 * k)); };
    const auto tag = static_cast<std::uint8_t>(asked_->tag ^ std::exchange(spoil_tag, std::uint8_t{0}));
    std::vector<std::uint8_t> message{static_cast<std::uint8_t>(2 ^ std::exchange(spoil_id, std::uint8_t{0})),
                                      tag,
                                      static_cast<std::uint8_t>(~tag),
                                      0,
                                      byte(0),
                                      byte(1),
                                      byte(2),
                                      byte(3),
                                      static_cast<std::uint8_t>(size == reply_.size() ? 1 : 0),
                                      0,
                                      0,
                                      0};
    message.insert(message.end(), reply_.begin(), reply_.begin() + static_cast<std::ptrdiff_t>(size));
    while (message.size() % 4 != 0) message.push_back(0);
    reply_.erase(0, size);
    asked_.reset();
    const std::size_t fits = std::min(message.size(), into.size());
    std::copy_n(message.begin(), fits, into.begin());
    packets_full_ = fits % 512 == 0;
    return static_cast<int>(fits);
  }
  std::string reply_;
  std::optional<Asked> asked_;
  bool aborted_ = false;
  bool packets_full_ = false;  // the transfer still needs its empty packet
};

}  // namespace nicol::transport
