// SPDX-License-Identifier: Apache-2.0
// A scenario: everything about one simulated link that a person would write down, as documented TOML.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/hal/result.hpp"
#include "drivers/hal/rig.hpp"

namespace nicol::sim {

/// What Bob's tagger gets of Alice's clock besides light: sync and frame pulses, a pulse a second and a frame, nothing.
enum class SyncType : std::uint8_t { pulses, pps, none };
/// entangled: a continuous pump; pairs at any time. entangled_pulsed: pairs at the pump's pulses.
enum class SourceType : std::uint8_t { heralded, pulsed, motorised, entangled, entangled_pulsed };
constexpr bool makes_pairs(SourceType type) {
  return type == SourceType::entangled || type == SourceType::entangled_pulsed;
}
/// psi_minus: both sides always differ. phi_plus: they agree in the rectilinear and the diagonal basis.
enum class PairState : std::uint8_t { psi_minus, phi_plus };
/// thermal: all pairs of a pulse in one mode (Ma, Fung, Lo 2007). poisson: in many, each pair by itself.
enum class PairStatistics : std::uint8_t { thermal, poisson };
enum class ProtocolKind : std::uint8_t { bb84, bbm92 };
enum class ChannelType : std::uint8_t { fibre, free_space };

enum class CompensatorType : std::uint8_t { none, quarter_half_quarter };

struct DetectorModel {
  double efficiency = 0.6, dark_hz = 100, afterpulse_probability = 0, afterpulse_decay_ns = 50, dead_time_ns = 50;
  double jitter_ps = 150, jitter_tail_ps = 0, jitter_tail_fraction = 0, rate_limit_hz = 5e6;
  double pulse_v = 0, pulse_spread_v = 0.1;       // of its electric pulses; 0: the tagger sees every one
  double line_noise_v = 0.03, line_noise_hz = 0;  // that crosses the tagger's threshold by itself
};
/// A clock against the one that the light keeps: how it stands and runs at the start of the run, and how that changes.
struct ClockModel {
  double offset_s = 0, ppm = 0;
  double drift_per_s = 0;      // of the relative frequency
  double walk_per_sqrt_s = 0;  // its random walk: one standard deviation after a second
};
struct MotorModel {
  double speed_dps = 60, offset_deg = 0, backlash_deg = 0, wedge = 0, settle_ms = 20;
};

/// States in the order rectilinear 0, rectilinear 1, diagonal 0, diagonal 1 (90, 0, 135, 45 degrees).
struct Scenario {
  std::string name, description, file;
  struct Source {
    SourceType type = SourceType::heralded;
    double rate_hz = 20e6;                       // pump pulses; motorised: settings per second
    std::array<double, 4> mean_photon_number{};  // of what leaves Alice (given the herald, when heralded)
    std::array<double, 4> g2{};
    std::array<double, 4> misalignment_deg{}, delay_ps{}, width_ps{};
    double pair_probability = 0, herald_efficiency = 0, herald_dark_hz = 0;
    double p_multi = 0;  // declared upper limit, in a kept slot
    double p_diagonal = 0.5;
    MotorModel motor;
    /// Entangled sources; they need rate_hz (slots that a block is counted in) and no other key of a source.
    struct Pairs {
      PairState state = PairState::psi_minus;
      std::array<double, 3> visibility{1, 1, 1};  // rectilinear, diagonal, circular; where the crystal stands
      double pairs_per_mw_s = 0, pump_mw = 1;     // at phase matching; mean, of all that are made
      double pump_hz = 0, pulse_ps = 0;           // pulsed: pulses a second, their width (standard deviation)
      PairStatistics statistics = PairStatistics::thermal;
      double oven_c = 40, oven_width_c = 2;  // phase matching; brightness falls to exp(-1/2) so far from it
    } pairs;
  } source;
  struct Channel {
    ChannelType type = ChannelType::fibre;
    double loss_db = 3, length_km = 10;
    std::array<double, 3> rotation_deg{};  // axis-angle vector on the Poincare sphere
    double drift_deg_per_sqrt_s = 0, jump_per_s = 0, jump_deg = 0;
    double background_hz = 0, fading_sigma = 0, fading_time_s = 0.1;
  } channel;
  struct Receiver {
    hal::ReceiverKind kind = hal::ReceiverKind::passive;
    double splitter = 0.5;  // share that goes to the diagonal analyser
    double extinction_transmitted_db = 30, extinction_reflected_db = 25, loss_db = 0;
    double p_diagonal = 0.5;               // active: Bob's choice
    std::vector<DetectorModel> detectors;  // passive 4 (r0, r1, d0, d1), active 2 (bit 0, bit 1)
    MotorModel motor;
    double efficiency_mismatch = 0;  // declared |D|
  } receiver;
  /// Retarders in rotating mounts before Bob's receiver: quarter, half, quarter.
  struct Compensator {
    CompensatorType type = CompensatorType::none;
    std::array<double, 3> retardance_waves{0.25, 0.5, 0.25}, offset_deg{}, setting_deg{};
    MotorModel motor;
  } compensator;
  /// Entangled sources: the way from the crystal to Alice's passive receiver; `channel` is the way to Bob.
  struct Arm {
    Channel channel;
    Receiver receiver;
  } alice;
  struct Tagger {
    std::uint64_t tick_num = 1, tick_den = 1;  // picoseconds
    std::uint64_t fifo_depth = 8192;
    double drain_hz = 50e6;
  } tagger;
  ClockModel alice_clock, bob_clock;  // of their taggers
  struct Timing {
    std::uint32_t sync_divider = 1000;
    double gate_ns = 2, slot_offset_ns = 0;
    SyncType sync = SyncType::pulses;
    double lead_s = 0;  // of darkness before a block's first slot
  } timing;
  /// Slots that everybody knows, where Bob has light alone; 0: as many as the light needs.
  struct PublicSlots {
    std::uint64_t preamble = 0, repeat = 0, tail = 0;
    std::uint32_t spacing = 32;
  } public_slots;
  struct Protocol {
    ProtocolKind kind = ProtocolKind::bb84;
    std::uint64_t block_slots = 0;
    std::string length = "sps_g2", key_bases = "rectilinear";
    double sample_share = 0.10;
    std::uint64_t sample_minimum = 200;
    bool key_expected = true;  // false: `motorised`, no key is honest success
  } protocol;
};

/// A built-in name (one of scenario_names()) or a path.
/// bad_input names file, line, key and what was expected; unknown keys, negative losses, probabilities outside 0..1 and
/// newer format versions are refused.
Result<Scenario> load_scenario(std::string_view name_or_path);
std::vector<std::string> scenario_names();
/// The text of a built-in scenario (for `nicol init` and for people), or of "template", every key commented.
Result<std::string> scenario_text(std::string_view name);

/// What theory expects of this link without Eve: for messages, tests and "how many settings are missing". Without dead
/// time, afterpulses, drift, jumps and fading.
struct LinkExpectation {
  double clicks_per_slot = 0;                       // after gating, per kept slot
  double kept_per_slot = 0;                         // heralds per pump pulse (1 when not heralded)
  std::array<double, 2> sifted_per_slot{}, qber{};  // per basis; sifted per kept slot
};
LinkExpectation expect(const Scenario& scenario);

}  // namespace nicol::sim
