// SPDX-License-Identifier: Apache-2.0
// Whether there may be light: the watchdog, the two-step arming, the latched faults, and what is done when something is
// wrong. All that can make light or let it in passes through here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "firmware-protocol/board.hpp"
#include "firmware-protocol/message.hpp"
#include "firmware-protocol/rate_guard.hpp"

namespace nicol::fw {

/// Nothing when the command was carried out.
using Refused = std::optional<Answer>;
constexpr Answer refuse(Nack code, std::uint64_t detail = 0) noexcept {
  return {static_cast<std::uint16_t>(code), static_cast<std::uint16_t>(detail < 0xFFFF ? detail : 0xFFFF)};
}

inline constexpr std::uint32_t kHeartbeatMs = 250, kDefaultWatchdogMs = 1000;
inline constexpr std::uint32_t kFreshMs = 2000;    // so long the host must have been heard before ARM,
inline constexpr std::uint32_t kFreshGapMs = 500;  // with no longer silence in between
inline constexpr std::uint32_t kEnableWithinMs = 5000;

class Safety {
 public:
  explicit Safety(Board& board) noexcept : board_(&board), rates_(board) {}

  void begin_session(std::uint64_t now_ms) noexcept;
  /// The cable is out, the bus was reset or suspended, the supply browned out.
  void link_lost(std::uint64_t now_ms) noexcept;
  /// A valid frame of the current session.
  void alive(std::uint64_t now_ms) noexcept;
  void poll(std::uint64_t now_ms) noexcept;

  /// Good for one ARM, whatever becomes of it; forgets the one before.
  std::uint64_t fresh_nonce() noexcept;
  Refused arm(std::uint64_t nonce, std::uint64_t now_ms) noexcept;
  Refused enable() noexcept;
  void disable() noexcept;
  /// Emission off, shutters closed, attenuators at maximum, pattern stopped, motors hold, detectors off; latched.
  void trip(Faults faults, std::uint16_t detail, std::uint64_t now_ms) noexcept;
  /// These, and no others that are latched.
  Refused clear_fault(Faults these) noexcept;

  Refused set_watchdog(std::int64_t ms) noexcept;
  Refused set_light(std::int64_t level) noexcept;
  Refused set_shutter(std::size_t shutter, Gate gate) noexcept;
  Refused set_detector(std::size_t detector, Switch to) noexcept;

  Emission state() const noexcept { return faults_ != 0 ? Emission::tripped : state_; }
  Faults faults() const noexcept { return faults_; }
  Light light() const noexcept { return light_; }
  std::uint32_t watchdog_ms() const noexcept { return watchdog_ms_; }
  RateGuard& rates() noexcept { return rates_; }
  /// A fault that latched since the last call.
  std::optional<ErrorEvent> take_event() noexcept;

 private:
  bool loops_closed() noexcept;
  bool lit() const noexcept { return state_ != Emission::off; }
  void go_dark() noexcept;
  bool any_detector_on() noexcept;

  Board* board_;
  RateGuard rates_;
  Emission state_ = Emission::off;
  Light light_ = Light::off;
  Faults faults_ = 0;
  std::optional<ErrorEvent> event_;
  std::optional<std::uint64_t> nonce_;
  std::uint64_t armed_ms_ = 0;
  bool watching_ = false;                            // in a session, and not silent already
  std::uint64_t heard_ms_ = 0, heard_since_ms_ = 0;  // last; begin of the present run without a long gap
  std::uint32_t watchdog_ms_ = kDefaultWatchdogMs;
};

}  // namespace nicol::fw
