// SPDX-License-Identifier: Apache-2.0
// What went over the cables, for a person who asks why a device does not answer. Never tags, patterns, positions of
// mounts (a basis and a bit) or keys.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nicol::transport {

enum class Direction : std::uint8_t { to_device, from_device, note };

struct WireLine {
  std::uint64_t sequence = 0;
  std::chrono::steady_clock::time_point at;
  std::string bus;  // "/dev/ttyUSB0", "usb 1209:0001 NIC001"
  Direction direction = Direction::note;
  std::string text;  // printable ASCII as it is, else hex; cut at 64 bytes with the length
};

/// Bounded, drop-oldest, any thread. A bus that carries key material logs lengths only: it calls size(), never bytes().
class WireLog {
 public:
  explicit WireLog(std::size_t lines = 4096) : capacity_(lines) {}
  void bytes(std::string_view bus, Direction direction, std::span<const std::uint8_t> bytes) noexcept;
  void size(std::string_view bus, Direction direction, std::string_view what, std::size_t bytes) noexcept;
  void note(std::string_view bus, std::string_view text) noexcept;
  std::vector<WireLine> since(std::uint64_t sequence, std::size_t limit) const;

 private:
  void add(std::string_view bus, Direction direction, std::string text) noexcept;
  const std::size_t capacity_;
  mutable std::mutex mutex_;  // guards both
  std::deque<WireLine> lines_;
  std::uint64_t next_ = 1;
};

}  // namespace nicol::transport
