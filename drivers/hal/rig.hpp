// SPDX-License-Identifier: Apache-2.0
// A rig: named devices with roles, its clock, and the plain facts of its optics that detection needs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/hal/clocks.hpp"
#include "drivers/hal/device.hpp"
#include "drivers/hal/instruments.hpp"
#include "drivers/hal/motion.hpp"
#include "drivers/hal/photon_source.hpp"
#include "drivers/hal/time_tagger.hpp"

namespace nicol::hal {

/// One tagger channel as detection sees it.
struct ChannelLayout {
  std::uint16_t channel = 0;
  ChannelRole role = ChannelRole::none;
  std::uint8_t basis = 0;  // detector: 0 rectilinear, 1 diagonal (passive); ignored for an active receiver
  std::uint8_t bit = 0;    // detector
  Picoseconds delay;       // of the arrival peak after its slot's start, seen from the sync
  Hertz rate_limit = {};   // detector: more than this for 100 ms closes the shutter; 0: no limit known
};

/// How slots, gates and channels lie on this node's tagger.
struct TimingLayout {
  Picoseconds slot_period;
  std::uint32_t sync_divider = 1;  // one sync tag every so many slots
  Picoseconds gate_width;          // centred on the delay
  Picoseconds blind_time;          // longest dead time of any detector plus a margin (liveness)
  std::vector<ChannelLayout> channels;
};

/// A retarder of the polarisation compensator: a rotation stage of this rig and where its optic's fast axis belongs.
struct CompensatorPlate {
  std::string role;  // of the stage: "compensator-0" is met first by the light
  double retardance_waves = 0.25;
  Nanometres wavelength{810};
  Angle fast_axis_offset;  // mechanical angle at which the fast axis is at zero
  Angle setting;           // optical angle to stand at while light is open
};

enum class ReceiverKind : std::uint8_t { none, passive, active };
enum class Provenance : std::uint8_t { declared, measured };

/// That a measured p_multi is below the truth: it joins the epsilon of every key that rests on it.
inline constexpr double kSourceRisk = 1e-12;

/// What the key length must know about this rig. `declared` unless a calibration record says otherwise.
struct DeviceModel {
  bool simulated = false;
  bool basis_independent_detection = true;  // "assumed" when no measurement contradicts it
  double p_multi = 0;                       // P(>= 2 photons leave Alice in a kept slot), upper limit
  double mean_photon_number = 0, g2 = 0;
  double efficiency_mismatch = 0;    // |D| of A6, 0 = none declared
  double preparation_error_rad = 0;  // delta of amendment 12; 0 with provenance declared means q = 1
  Provenance source_provenance = Provenance::declared, mismatch_provenance = Provenance::declared,
             preparation_provenance = Provenance::declared;
  std::vector<std::string> calibrations;  // that this rig's settings rely on: routine, id and age
};

class Rig {
 public:
  struct Entry {
    std::string name, role;
    std::unique_ptr<Device> device;
  };

  void add(std::string name, std::string role, std::unique_ptr<Device> device);
  /// The first device of kind T with that role ("source", "tagger", "detector", "shutter", "receiver-waveplate", …).
  template <class T>
  T* find(std::string_view role) const {
    for (const Entry& e : entries_)
      if (e.role == role)
        if (T* d = dynamic_cast<T*>(e.device.get())) return d;
    return nullptr;
  }
  const std::vector<Entry>& entries() const { return entries_; }
  /// Shutters first, then emission, then detectors off; every device is asked even if one fails. Thread-safe.
  void safe_state() noexcept;

  std::unique_ptr<RigClock> clock;
  TimingLayout timing;
  ReceiverKind receiver = ReceiverKind::none;
  std::vector<CompensatorPlate> compensator;  // in the order the light meets them; empty: none
  DeviceModel model;
  std::string description;
  std::shared_ptr<void> world;  // keeps a simulated bench alive; nobody looks inside

 private:
  std::vector<Entry> entries_;
};

}  // namespace nicol::hal
