// SPDX-License-Identifier: Apache-2.0
// What is said to an APT controller and what it says back, as values in its own units (counts).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "drivers/apt/packet.hpp"

namespace nicol::apt {

namespace bits {
inline constexpr std::uint32_t kLimitForward = 1u << 0, kLimitReverse = 1u << 1;
inline constexpr std::uint32_t kSoftLimitForward = 1u << 2, kSoftLimitReverse = 1u << 3;
/// A K10CR1 sets both directions at once.
inline constexpr std::uint32_t kMoving = 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 9;
inline constexpr std::uint32_t kHoming = 1u << 9, kHomed = 1u << 10;
inline constexpr std::uint32_t kMotionError = 1u << 14, kInterlock = 1u << 16, kOverTemperature = 1u << 17;
inline constexpr std::uint32_t kCurrentLimit = 1u << 24, kPowerOk = 1u << 28, kEnabled = 1u << 31;
}  // namespace bits

enum class StopKind : std::uint8_t { immediate = 1, profiled = 2 };

/// One channel as the controller reports it. Status bits alone (mot_get_status_bits) have no position.
struct Report {
  std::uint16_t channel = 0;
  std::optional<std::int32_t> position;
  std::uint32_t status = 0;
};
struct HardwareInfo {
  std::uint32_t serial = 0;
  std::string model, firmware;
  std::uint16_t channels = 0;
};
struct FaultReport {
  std::uint16_t about = 0, code = 0;  // id of the message it complains about, reason
  std::string text;
};
struct VelocityParams {
  std::int32_t min = 0, acceleration = 0, max = 0;
  bool operator==(const VelocityParams&) const = default;
};
struct HomeParams {
  std::uint16_t direction = 0, limit_switch = 0;  // 1 forward, 2 reverse; 1 reverse, 4 forward
  std::int32_t velocity = 0, offset = 0;
  bool operator==(const HomeParams&) const = default;
};
/// Velocity in percent of 400 deg/s, the rest in counts.
struct PaddleParams {
  std::uint16_t unused = 0, velocity = 0, home = 0, jog[3] = {0, 0, 0};
  bool operator==(const PaddleParams&) const = default;
};

Packet request(Id id, std::uint8_t channel = 0);  // a short packet with the channel as its first parameter
Packet enable_channels(std::uint8_t channels);
Packet move_absolute(std::uint8_t channel, std::int32_t counts);
Packet move_stop(std::uint8_t channel, StopKind kind);
Packet move_jog(std::uint8_t channel, std::uint8_t direction);
Packet set_velocity(std::uint8_t channel, const VelocityParams& params);
Packet set_home(std::uint8_t channel, const HomeParams& params);
Packet set_paddles(const PaddleParams& params);

// Empty where the packet is of another kind.
std::optional<Report> report_of(const Packet& packet);
std::optional<HardwareInfo> info_of(const Packet& packet);
std::optional<FaultReport> fault_of(const Packet& packet);
std::optional<VelocityParams> velocity_of(const Packet& packet);
std::optional<HomeParams> home_of(const Packet& packet);
std::optional<PaddleParams> paddles_of(const Packet& packet);

/// "interlock open, over temperature"; empty when no fault bit is set.
std::string fault_text(std::uint32_t status);

}  // namespace nicol::apt
