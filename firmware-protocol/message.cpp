// SPDX-License-Identifier: Apache-2.0
#include "firmware-protocol/message.hpp"

#include <algorithm>

#include "firmware-protocol/cursor.hpp"

namespace nicol::fw {
namespace {

template <class Message>
bool fits(std::span<const std::uint8_t> out) noexcept {
  return out.size() >= Message::kBytes;
}
template <class Message>
bool has_length(std::span<const std::uint8_t> payload) noexcept {
  return payload.size() == Message::kBytes;
}
constexpr std::uint16_t kReserved16 = 0;
constexpr std::uint8_t kReserved8 = 0;

}  // namespace

std::size_t encode(const Heartbeat& m, std::span<std::uint8_t> out) noexcept {
  if (!fits<Heartbeat>(out)) return 0;
  return Writer(out).put(m.uptime_ms).put(static_cast<std::uint16_t>(m.state)).put(m.faults).written();
}
template <>
std::optional<Heartbeat> decode<Heartbeat>(std::span<const std::uint8_t> payload) noexcept {
  if (!has_length<Heartbeat>(payload)) return {};
  Reader r(payload);
  Heartbeat m;
  m.uptime_ms = r.take<std::uint32_t>();
  const auto state = r.take<std::uint16_t>();
  m.faults = r.take<std::uint16_t>();
  if (state > static_cast<std::uint16_t>(Emission::tripped)) return {};
  m.state = static_cast<Emission>(state);
  return m;
}

std::size_t encode(const Answer& m, std::span<std::uint8_t> out) noexcept {
  return fits<Answer>(out) ? Writer(out).put(m.code).put(m.detail).written() : 0;
}
template <>
std::optional<Answer> decode<Answer>(std::span<const std::uint8_t> payload) noexcept {
  if (!has_length<Answer>(payload)) return {};
  Reader r(payload);
  Answer m;
  m.code = r.take<std::uint16_t>();
  m.detail = r.take<std::uint16_t>();
  return m;
}

std::size_t encode(const ErrorEvent& m, std::span<std::uint8_t> out) noexcept {
  return fits<ErrorEvent>(out) ? Writer(out).put(m.faults).put(m.detail).put(m.uptime_ms).written() : 0;
}
template <>
std::optional<ErrorEvent> decode<ErrorEvent>(std::span<const std::uint8_t> payload) noexcept {
  if (!has_length<ErrorEvent>(payload)) return {};
  Reader r(payload);
  ErrorEvent m;
  m.faults = r.take<std::uint16_t>();
  m.detail = r.take<std::uint16_t>();
  m.uptime_ms = r.take<std::uint32_t>();
  return m;
}

std::size_t encode(const Move& m, std::span<std::uint8_t> out) noexcept {
  if (!fits<Move>(out)) return 0;
  return Writer(out)
      .put(m.axis)
      .put(static_cast<std::uint8_t>(m.kind))
      .put(kReserved16)
      .put(static_cast<std::uint64_t>(m.counts))
      .written();
}
template <>
std::optional<Move> decode<Move>(std::span<const std::uint8_t> payload) noexcept {
  if (!has_length<Move>(payload)) return {};
  Reader r(payload);
  Move m;
  m.axis = r.take<std::uint8_t>();
  const auto kind = r.take<std::uint8_t>();
  r.take<std::uint16_t>();
  m.counts = static_cast<std::int64_t>(r.take<std::uint64_t>());
  if (kind > static_cast<std::uint8_t>(MoveKind::relative)) return {};
  m.kind = static_cast<MoveKind>(kind);
  return m;
}

std::size_t encode(const Axis& m, std::span<std::uint8_t> out) noexcept {
  return fits<Axis>(out) ? Writer(out).put(m.axis).put(kReserved8).put(kReserved16).written() : 0;
}
template <>
std::optional<Axis> decode<Axis>(std::span<const std::uint8_t> payload) noexcept {
  if (!has_length<Axis>(payload)) return {};
  return Axis{payload[0]};
}

std::size_t encode(const AxisStatus& m, std::span<std::uint8_t> out) noexcept {
  if (!fits<AxisStatus>(out)) return 0;
  return Writer(out).put(m.axis).put(m.flags).put(kReserved16).put(static_cast<std::uint64_t>(m.position)).written();
}
template <>
std::optional<AxisStatus> decode<AxisStatus>(std::span<const std::uint8_t> payload) noexcept {
  if (!has_length<AxisStatus>(payload)) return {};
  Reader r(payload);
  AxisStatus m;
  m.axis = r.take<std::uint8_t>();
  m.flags = r.take<std::uint8_t>();
  r.take<std::uint16_t>();
  m.position = static_cast<std::int64_t>(r.take<std::uint64_t>());
  return m;
}

std::size_t encode(const Arm& m, std::span<std::uint8_t> out) noexcept {
  return fits<Arm>(out) ? Writer(out).put(m.nonce).written() : 0;
}
template <>
std::optional<Arm> decode<Arm>(std::span<const std::uint8_t> payload) noexcept {
  if (!has_length<Arm>(payload)) return {};
  return Arm{Reader(payload).take<std::uint64_t>()};
}

std::size_t encode(const ClearFault& m, std::span<std::uint8_t> out) noexcept {
  return fits<ClearFault>(out) ? Writer(out).put(m.faults).put(kReserved16).written() : 0;
}
template <>
std::optional<ClearFault> decode<ClearFault>(std::span<const std::uint8_t> payload) noexcept {
  if (!has_length<ClearFault>(payload)) return {};
  return ClearFault{Reader(payload).take<std::uint16_t>()};
}

std::size_t encode(const Credit& m, std::span<std::uint8_t> out) noexcept {
  return fits<Credit>(out) ? Writer(out).put(m.blocks).written() : 0;
}
template <>
std::optional<Credit> decode<Credit>(std::span<const std::uint8_t> payload) noexcept {
  if (!has_length<Credit>(payload)) return {};
  return Credit{Reader(payload).take<std::uint32_t>()};
}

std::size_t encode(const TimeMark& m, std::span<std::uint8_t> out) noexcept {
  if (!fits<TimeMark>(out)) return 0;
  return Writer(out).put(m.tick).put(m.uptime_ms).put(std::uint32_t{0}).written();
}
template <>
std::optional<TimeMark> decode<TimeMark>(std::span<const std::uint8_t> payload) noexcept {
  if (!has_length<TimeMark>(payload)) return {};
  Reader r(payload);
  TimeMark m;
  m.tick = r.take<std::uint64_t>();
  m.uptime_ms = r.take<std::uint32_t>();
  return m;
}

}  // namespace nicol::fw
