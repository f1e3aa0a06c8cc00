// SPDX-License-Identifier: Apache-2.0
// A source of pairs at a third place: pump, and where there are any its oven and shutter. It holds no key and nobody
// trusts it; what it owes people is that its light is on only while they want it.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "drivers/hal/rig.hpp"

namespace nicol::service {

/// Of a person who was told that this pump stays on when its cable is pulled.
enum class StaysOn : std::uint8_t { refused, acknowledged };

/// Roles pump (which must be there), oven, shutter. Arming has a thread of its own, since an oven and a diode take
/// minutes: all other calls return at once (off() as soon as the devices do) and come from one thread.
class ThirdPlace {
 public:
  enum class State : std::uint8_t { dark, arming, lit, faulted };
  explicit ThirdPlace(hal::Rig& rig);  // which outlives this
  ~ThirdPlace();                       // dark
  ThirdPlace(const ThirdPlace&) = delete;
  ThirdPlace& operator=(const ThirdPlace&) = delete;

  /// Begins: oven warm, pump armed, emission, shutter open. After a fault this is the deliberate act that says its
  /// cause is gone. busy while it is under way or lit; unsafe_state where the pump would stay on without its cable,
  /// nothing closes by itself, and nobody has acknowledged that; interlock where it is open.
  Result<void> arm(StaysOn stays_on);
  /// Dark now, whatever was under way.
  void off() noexcept;
  /// Every device is asked. What people must be told, if anything: light came, arming failed, or a device fails while
  /// there is or may be light (SAFE-OFF: all goes dark, and nothing but arm() brings light back).
  std::optional<std::string> beat();

  State state() const noexcept { return state_; }
  /// In words, as the devices report it.
  std::string status() const;

 private:
  Result<void> way_to_light(const std::stop_token& stop);
  Result<void> warm(const std::stop_token& stop);
  std::optional<Error> what_is_wrong() const;
  std::optional<std::string> arming_ended();
  std::string fault(const Error& error);

  hal::Rig& rig_;
  hal::PhotonSource* pump_;
  hal::TemperatureController* oven_;  // or nullptr
  hal::Shutter* shutter_;             // or nullptr
  State state_ = State::dark;
  std::mutex mutex_;  // guards outcome_
  std::optional<Result<void>> outcome_;
  std::jthread arming_;
};
std::string_view to_string(ThirdPlace::State state) noexcept;

}  // namespace nicol::service
