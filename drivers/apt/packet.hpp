// SPDX-License-Identifier: Apache-2.0
// The packets of Thorlabs' APT protocol as bytes: six of header, for long ones data behind it. No checksum, no frame
// mark: what a packet is, only its id, its length and its addresses say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace nicol::apt {

inline constexpr std::uint8_t kHost = 0x01, kUsbUnit = 0x50;

enum class Id : std::uint16_t {
  hw_disconnect = 0x0002,
  hw_req_info = 0x0005,
  hw_get_info = 0x0006,
  hw_start_updates = 0x0011,
  hw_stop_updates = 0x0012,
  hw_no_flash_programming = 0x0018,
  hw_response = 0x0080,
  hw_rich_response = 0x0081,
  mod_set_channel_enable = 0x0210,
  mod_get_channel_enable = 0x0212,
  mot_get_encoder = 0x040b,
  mot_get_position = 0x0412,
  mot_set_velocity = 0x0413,
  mot_req_velocity = 0x0414,
  mot_get_velocity = 0x0415,
  mot_req_status_bits = 0x0429,
  mot_get_status_bits = 0x042a,
  mot_set_home = 0x0440,
  mot_req_home = 0x0441,
  mot_get_home = 0x0442,
  mot_move_home = 0x0443,
  mot_homed = 0x0444,
  mot_move_absolute = 0x0453,
  mot_move_completed = 0x0464,
  mot_move_stop = 0x0465,
  mot_stopped = 0x0466,
  mot_move_jog = 0x046a,
  mot_req_status = 0x0480,
  mot_get_status = 0x0481,
  mot_req_dc_status = 0x0490,
  mot_get_dc_status = 0x0491,
  mot_ack_status = 0x0492,
  pol_set_params = 0x0530,
  pol_req_params = 0x0531,
  pol_get_params = 0x0532
};

/// Short without data (p1 and p2 count), long with data (they do not).
struct Packet {
  Id id{};
  std::uint8_t p1 = 0, p2 = 0;
  std::uint8_t dest = kUsbUnit, src = kHost;
  std::vector<std::uint8_t> data;
  bool operator==(const Packet&) const = default;
};
std::vector<std::uint8_t> encode(const Packet& packet);

/// Takes bytes in any pieces and gives whole packets addressed to the host. In step it skips unknown ids by their
/// length; out of step (a stray zero, a lost byte) it drops bytes until a known id of the right length with sane
/// addresses comes. Holds one packet's bytes at most.
class PacketParser {
 public:
  /// Appends to what has not been taken yet.
  void push(std::span<const std::uint8_t> bytes);
  /// The next packet whose id is known. Empty: more bytes are needed.
  std::optional<Packet> next();
  /// The line fell silent in the middle of a packet: its rest will not come.
  void forget_partial();
  bool partial() const { return taken_ < bytes_.size(); }
  std::uint64_t dropped_bytes() const { return dropped_; }
  std::uint64_t unknown_packets() const { return unknown_; }

 private:
  enum class Look : std::uint8_t { none, incomplete, unknown, known };
  struct Found {
    Look look = Look::none;
    std::size_t size = 0;
  };
  Found look(std::span<const std::uint8_t> bytes) const;

  std::vector<std::uint8_t> bytes_;
  std::size_t taken_ = 0;  // of bytes_
  bool in_step_ = true;
  std::uint64_t dropped_ = 0, unknown_ = 0;
};

}  // namespace nicol::apt
