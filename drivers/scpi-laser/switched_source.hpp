// SPDX-License-Identifier: Apache-2.0
// What every source with one output has in common: the HAL's calls about light, handed to its LightSwitch.
#pragma once

#include "drivers/hal/properties.hpp"
#include "drivers/scpi-laser/light_switch.hpp"

namespace nicol::scpi_laser {

/// How long a call that makes dark waits to hear that it is.
inline constexpr std::chrono::milliseconds kSafePatience{70}, kDisablePatience{500};

template <class Kind>
class SwitchedSource : public Kind {
 public:
  void disable_emission() noexcept final { light().turn_off(kDisablePatience); }
  void safe_state() noexcept final { light().turn_off(kSafePatience); }
  Result<hal::EmissionState> emission() final {
    if (this->link() == hal::Link::disconnected) return hal::disconnected_error(*this);
    return light().emission();
  }
  /// Alignment or quantum is what the bench makes of its light: kept here, and told while the instrument emits.
  Result<void> set_light_level(hal::LightLevel level) final {
    if (this->link() == hal::Link::disconnected) return hal::disconnected_error(*this);
    light().set_level(level);
    if (level != hal::LightLevel::off || light().turn_off(kDisablePatience)) return {};
    return Error{Code::unsafe_state, "it does not say that it is dark: use its key switch", this->info().serial, 0, {}};
  }
  hal::LightLevel light_level() const noexcept final { return light().reported_level(); }

 protected:
  virtual LightSwitch& light() noexcept = 0;
  virtual const LightSwitch& light() const noexcept = 0;

  Result<void> refuse_without_level() const {
    if (light().level() != hal::LightLevel::off) return {};
    return Error{
        Code::unsafe_state, "the light level is off: choose alignment or quantum first", this->info().serial, 0, {}};
  }
};

}  // namespace nicol::scpi_laser
