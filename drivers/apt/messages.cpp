// SPDX-License-Identifier: Apache-2.0
// The data of long packets, little-endian, field by field.
#include "drivers/apt/messages.hpp"

#include <fmt/core.h>

#include <array>
#include <string_view>
#include <utility>

namespace nicol::apt {
namespace {

class Writer {
 public:
  Writer& u16(std::uint16_t v) { return bytes(v, 2); }
  Writer& i32(std::int32_t v) { return bytes(static_cast<std::uint32_t>(v), 4); }
  Packet packet(Id id) {
    Packet p;
    p.id = id;
    p.data = std::move(data_);
    return p;
  }

 private:
  Writer& bytes(std::uint32_t v, int n) {
    for (int i = 0; i < n; ++i) data_.push_back(static_cast<std::uint8_t>(v >> (8 * i) & 0xff));
    return *this;
  }
  std::vector<std::uint8_t> data_;
};

/// The packet's length has been checked by the parser; what lies beyond a shorter one reads as zero.
class Reader {
 public:
  explicit Reader(const Packet& packet, std::size_t at = 0) : data_(packet.data), at_(at) {}
  std::uint16_t u16() { return static_cast<std::uint16_t>(bytes(2)); }
  std::uint32_t u32() { return bytes(4); }
  std::int32_t i32() { return static_cast<std::int32_t>(bytes(4)); }
  std::string text(std::size_t n) {
    std::string out;
    for (std::size_t i = 0; i < n; ++i) {
      const auto c = static_cast<char>(bytes(1));
      if (c == '\0') {
        at_ += n - i - 1;
        break;
      }
      out.push_back(c >= ' ' && c <= '~' ? c : '?');
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
  }
  void skip(std::size_t n) { at_ += n; }

 private:
  std::uint32_t bytes(int n) {
    std::uint32_t v = 0;
    for (int i = 0; i < n; ++i, ++at_)
      if (at_ < data_.size()) v |= static_cast<std::uint32_t>(data_[at_]) << (8 * i);
    return v;
  }
  std::span<const std::uint8_t> data_;
  std::size_t at_;
};

constexpr std::array<std::pair<std::uint32_t, std::string_view>, 4> kFaults = {
    {{bits::kMotionError, "motion error (the motor does not follow)"},
     {bits::kInterlock, "interlock"},
     {bits::kOverTemperature, "over temperature"},
     {bits::kCurrentLimit, "motor current limit"}}};

Report full_report(const Packet& packet) {
  Reader in(packet);
  Report report;
  report.channel = in.u16();
  report.position = in.i32();
  in.skip(4);  // encoder counts of a stepper, velocity and current of a servo
  report.status = in.u32();
  return report;
}

}  // namespace

Packet request(Id id, std::uint8_t channel) {
  Packet packet;
  packet.id = id;
  packet.p1 = channel;
  return packet;
}

Packet enable_channels(std::uint8_t channels) {
  Packet packet = request(Id::mod_set_channel_enable, channels);
  packet.p2 = 1;
  return packet;
}

Packet move_absolute(std::uint8_t channel, std::int32_t counts) {
  return Writer().u16(channel).i32(counts).packet(Id::mot_move_absolute);
}

Packet move_stop(std::uint8_t channel, StopKind kind) {
  Packet packet = request(Id::mot_move_stop, channel);
  packet.p2 = static_cast<std::uint8_t>(kind);
  return packet;
}

Packet move_jog(std::uint8_t channel, std::uint8_t direction) {
  Packet packet = request(Id::mot_move_jog, channel);
  packet.p2 = direction;
  return packet;
}

Packet set_velocity(std::uint8_t channel, const VelocityParams& params) {
  return Writer().u16(channel).i32(params.min).i32(params.acceleration).i32(params.max).packet(Id::mot_set_velocity);
}

Packet set_home(std::uint8_t channel, const HomeParams& params) {
  return Writer()
      .u16(channel)
      .u16(params.direction)
      .u16(params.limit_switch)
      .i32(params.velocity)
      .i32(params.offset)
      .packet(Id::mot_set_home);
}

Packet set_paddles(const PaddleParams& params) {
  Writer out;
  out.u16(params.unused).u16(params.velocity).u16(params.home);
  for (const std::uint16_t jog : params.jog) out.u16(jog);
  return out.packet(Id::pol_set_params);
}

std::optional<Report> report_of(const Packet& packet) {
  switch (packet.id) {
    case Id::mot_get_status:
    case Id::mot_get_dc_status:
    case Id::mot_move_completed:
    case Id::mot_stopped:
      if (packet.data.empty()) return std::nullopt;
      return full_report(packet);
    case Id::mot_get_status_bits: {
      Reader in(packet);
      const std::uint16_t channel = in.u16();
      return Report{channel, {}, in.u32()};
    }
    default:
      return std::nullopt;
  }
}

std::optional<HardwareInfo> info_of(const Packet& packet) {
  if (packet.id != Id::hw_get_info) return std::nullopt;
  Reader in(packet);
  HardwareInfo info;
  info.serial = in.u32();
  info.model = in.text(8);
  in.skip(2);  // type
  const std::uint32_t firmware = in.u32();
  info.firmware = fmt::format("{}.{}.{}", firmware >> 16 & 0xff, firmware >> 8 & 0xff, firmware & 0xff);
  in.skip(60 + 4);  // notes, hardware version and modification state
  info.channels = in.u16();
  return info;
}

std::optional<FaultReport> fault_of(const Packet& packet) {
  if (packet.id == Id::hw_response) return FaultReport{0, 0, "a fault without a reason (0x0080)"};
  if (packet.id != Id::hw_rich_response) return std::nullopt;
  Reader in(packet);
  FaultReport fault;
  fault.about = in.u16();
  fault.code = in.u16();
  fault.text = in.text(64);
  return fault;
}

std::optional<VelocityParams> velocity_of(const Packet& packet) {
  if (packet.id != Id::mot_get_velocity) return std::nullopt;
  Reader in(packet, 2);
  VelocityParams params;
  params.min = in.i32();
  params.acceleration = in.i32();
  params.max = in.i32();
  return params;
}

std::optional<HomeParams> home_of(const Packet& packet) {
  if (packet.id != Id::mot_get_home) return std::nullopt;
  Reader in(packet, 2);
  HomeParams params;
  params.direction = in.u16();
  params.limit_switch = in.u16();
  params.velocity = in.i32();
  params.offset = in.i32();
  return params;
}

std::optional<PaddleParams> paddles_of(const Packet& packet) {
  if (packet.id != Id::pol_get_params) return std::nullopt;
  Reader in(packet);
  PaddleParams params;
  params.unused = in.u16();
  params.velocity = in.u16();
  params.home = in.u16();
  for (std::uint16_t& jog : params.jog) jog = in.u16();
  return params;
}

std::string fault_text(std::uint32_t status) {
  std::string out;
  for (const auto& [bit, name] : kFaults)
    if ((status & bit) != 0) out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}

}  // namespace nicol::apt
