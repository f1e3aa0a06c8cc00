// SPDX-License-Identifier: Apache-2.0
// Sources: how Alice's choice becomes light is said, not assumed. Armed in two steps; dark when in doubt.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "drivers/hal/device.hpp"
#include "drivers/hal/units.hpp"

namespace nicol::hal {

/// off: no light. alignment: bright. quantum: single-photon level. Detectors are enabled in quantum and off only.
enum class LightLevel : std::uint8_t { off, alignment, quantum };
std::string_view to_string(LightLevel level) noexcept;
enum class EmissionState : std::uint8_t { off, armed, emitting, tripped, unknown };
std::string_view to_string(EmissionState state) noexcept;
enum class InterlockState : std::uint8_t { closed, open, absent };
enum class SourceKind : std::uint8_t { weak_coherent, sub_poissonian, heralded, pump };

/// How the prepared state of a slot is known.
enum class PreparationRecord : std::uint8_t {
  pattern_player,    // the pattern given to emit(), by pulse index
  heralded_pattern,  // the same, and a slot counts only with a herald on Alice's own tagger
  motor_setting,     // a waveplate setting plus fire(1)
  twin_photon        // the local measurement of the other photon
};

struct SourceCaps {
  SourceKind source = SourceKind::weak_coherent;
  PreparationRecord record = PreparationRecord::pattern_player;
  Picoseconds slot_period;
  std::size_t max_pattern_slots = 0;  // largest PatternChunk taken at once
  std::size_t intensities = 1;
  bool self_safing = false;  // goes dark by itself when its cable is pulled
  bool has_interlock = false;
};

/// Consent to light: made by the operator's --arm, or freely on a simulated source.
struct ArmToken {
  std::uint64_t nonce = 0;
};

/// Settings of `slots` consecutive slots, bit k of word k/64: bases (1 = diagonal) and bits. Key material: the spans
/// point into locked pages that the caller keeps open during the call only.
struct PatternChunk {
  std::uint64_t first_slot = 0;
  std::size_t slots = 0;
  std::span<const std::uint64_t> bases, bits, intensity_low, intensity_high;
};

class PhotonSource : public Device {
 public:
  DeviceKind kind() const noexcept final { return DeviceKind::photon_source; }
  virtual SourceCaps caps() const = 0;
  virtual Result<InterlockState> interlock() = 0;
  virtual Result<void> arm(ArmToken token) = 0;  // interlock, unsafe_state
  virtual Result<void> enable_emission() = 0;    // unsafe_state when not armed
  virtual void disable_emission() noexcept = 0;  // any thread, bounded
  virtual Result<EmissionState> emission() = 0;  // unknown when the link is silent
  virtual Result<void> set_light_level(LightLevel level) = 0;
  virtual LightLevel light_level() const noexcept = 0;  // as reported by the device
};

/// A pulsed source that prepares one of four polarisation states a slot.
class PulsedSource : public PhotonSource {
 public:
  /// Starts slot 0 of a block: the frame marker goes out with it. Emission must be enabled.
  virtual Result<void> begin_block(std::uint64_t slots) = 0;
  /// Goes on with the block at `first_slot` (a multiple of the sync divider, not before the next one to emit) after a
  /// pause: the frame marker goes out with that slot again. Slots between were never emitted.
  /// not_supported where a pause ends the block.
  virtual Result<void> resume_block(std::uint64_t first_slot);
  /// Emits the next slots in order; blocks until they have left (rig time), or until they stand in the device's memory
  /// where first_unsent() counts them out. out_of_range when not consecutive.
  virtual Result<void> emit(const PatternChunk& chunk) = 0;
  /// The first slot of the block that has not left, as the device has last reported. Nothing: slots have left when
  /// emit() returns. A slot that is only in the device's memory may never leave.
  virtual std::optional<std::uint64_t> first_unsent() { return {}; }
  /// Motorised sources: one pump pulse for the setting the waveplate stands at now, one slot.
  virtual Result<void> fire(std::uint64_t pulses) = 0;
  virtual Result<void> end_block() = 0;
};

class PumpLaser : public PhotonSource {
 public:
  virtual Result<void> set_current(Amperes current) = 0;
  virtual Result<Amperes> current() = 0;
  virtual Result<Amperes> current_limit() = 0;
  virtual Result<void> set_temperature(Celsius temperature) = 0;
  virtual Result<Celsius> temperature() = 0;
  virtual Result<void> ramp(Amperes to, Amperes per_second, Deadline deadline) = 0;
};

}  // namespace nicol::hal
