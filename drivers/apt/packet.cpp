// SPDX-License-Identifier: Apache-2.0
// Cutting a byte stream without frame marks into packets.
#include "drivers/apt/packet.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace nicol::apt {
namespace {

constexpr std::size_t kHeader = 6;
constexpr std::uint8_t kLong = 0x80;
constexpr std::size_t kLongestUnknown = 256;

struct Form {
  Id id;
  std::size_t data;  // 0: short
};
/// What a controller may say to us. Two forms where controllers differ.
constexpr std::array kKnown = {Form{Id::hw_disconnect, 0},
                               Form{Id::hw_get_info, 84},
                               Form{Id::hw_response, 0},
                               Form{Id::hw_rich_response, 68},
                               Form{Id::mod_get_channel_enable, 0},
                               Form{Id::mot_get_encoder, 6},
                               Form{Id::mot_get_position, 6},
                               Form{Id::mot_get_velocity, 14},
                               Form{Id::mot_get_status_bits, 6},
                               Form{Id::mot_get_home, 14},
                               Form{Id::mot_homed, 0},
                               Form{Id::mot_move_completed, 14},
                               Form{Id::mot_move_completed, 0},
                               Form{Id::mot_stopped, 14},
                               Form{Id::mot_stopped, 0},
                               Form{Id::mot_get_status, 14},
                               Form{Id::mot_get_dc_status, 14},
                               Form{Id::pol_get_params, 12}};

std::uint16_t u16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] | bytes[at + 1] << 8);
}

bool is_controller(std::uint8_t address) {
  return address == kUsbUnit || address == 0x11 || (address >= 0x21 && address <= 0x2a);
}

bool is_known(std::uint16_t id) {
  return std::ranges::any_of(kKnown, [&](const Form& f) { return static_cast<std::uint16_t>(f.id) == id; });
}
bool has_form(std::uint16_t id, std::size_t data) {
  return std::ranges::any_of(kKnown,
                             [&](const Form& f) { return static_cast<std::uint16_t>(f.id) == id && f.data == data; });
}

std::size_t data_size(std::span<const std::uint8_t> header) { return (header[4] & kLong) != 0 ? u16(header, 2) : 0; }

bool sane_header(std::span<const std::uint8_t> header) {
  if ((header[4] & ~kLong) != kHost || !is_controller(header[5])) return false;
  const std::size_t data = data_size(header);
  if (is_known(u16(header, 0))) return has_form(u16(header, 0), data) && (data > 0 || (header[4] & kLong) == 0);
  return (header[4] & kLong) == 0 || (data > 0 && data <= kLongestUnknown);
}

/// A header of a known packet inside or across the end of the data: bytes of this packet were lost, and the next one
/// has been taken for its rest. (One lost byte cannot be told from data.)
bool holds_another_header(std::span<const std::uint8_t> data) {
  for (std::size_t at = 0; at + kHeader <= data.size(); ++at)
    if (sane_header(data.subspan(at, kHeader)) && is_known(u16(data, at)) && data_size(data.subspan(at)) > 0)
      return true;
  for (std::size_t tail = 2; tail < kHeader && tail <= data.size(); ++tail) {
    const auto end = data.last(tail);
    const bool starts_status = u16(end, 0) == static_cast<std::uint16_t>(Id::mot_get_status) ||
                               u16(end, 0) == static_cast<std::uint16_t>(Id::mot_get_dc_status);
    if (starts_status && (tail < 3 || end[2] == 14) && (tail < 4 || end[3] == 0) &&
        (tail < 5 || end[4] == (kHost | kLong)))
      return true;
  }
  return false;
}

Packet packet_of(std::span<const std::uint8_t> bytes) {
  Packet packet;
  packet.id = static_cast<Id>(u16(bytes, 0));
  packet.dest = static_cast<std::uint8_t>(bytes[4] & ~kLong);
  packet.src = bytes[5];
  if ((bytes[4] & kLong) != 0)
    packet.data.assign(bytes.begin() + kHeader, bytes.end());
  else
    packet.p1 = bytes[2], packet.p2 = bytes[3];
  return packet;
}

}  // namespace

std::vector<std::uint8_t> encode(const Packet& packet) {
  const auto id = static_cast<std::uint16_t>(packet.id);
  const auto size = packet.data.size();
  const auto low = [](std::size_t v) { return static_cast<std::uint8_t>(v & 0xff); };
  const bool has_data = size > 0;
  std::vector<std::uint8_t> bytes;
  bytes.reserve(kHeader + size);
  bytes.push_back(low(id));
  bytes.push_back(low(id >> 8));
  bytes.push_back(has_data ? low(size) : packet.p1);
  bytes.push_back(has_data ? low(size >> 8) : packet.p2);
  bytes.push_back(has_data ? packet.dest | kLong : packet.dest);
  bytes.push_back(packet.src);
  std::ranges::copy(packet.data, std::back_inserter(bytes));
  return bytes;
}

void PacketParser::push(std::span<const std::uint8_t> bytes) {
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

PacketParser::Found PacketParser::look(std::span<const std::uint8_t> bytes) const {
  if (bytes.size() < kHeader) return {Look::incomplete, 0};
  if (!sane_header(bytes)) return {};
  const bool known = is_known(u16(bytes, 0));
  if (!known && !in_step_) return {};
  const std::size_t size = kHeader + data_size(bytes);
  if (bytes.size() < size) return {Look::incomplete, size};
  if (holds_another_header(bytes.first(size).subspan(kHeader))) return {};
  return {known ? Look::known : Look::unknown, size};
}

std::optional<Packet> PacketParser::next() {
  while (partial()) {
    const auto rest = std::span<const std::uint8_t>(bytes_).subspan(taken_);
    const Found found = look(rest);
    if (found.look == Look::incomplete) return std::nullopt;
    in_step_ = found.look != Look::none;
    taken_ += in_step_ ? found.size : 1;
    if (found.look == Look::known) return packet_of(rest.first(found.size));
    ++(in_step_ ? unknown_ : dropped_);
  }
  return std::nullopt;
}

void PacketParser::forget_partial() {
  dropped_ += bytes_.size() - taken_;
  bytes_.clear();
  taken_ = 0;
  in_step_ = true;
}

}  // namespace nicol::apt
