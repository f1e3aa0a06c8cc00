// SPDX-License-Identifier: Apache-2.0
// One line a key; template.toml says the same to people, and a test holds the two together.
#include "sim/scenario/fields.hpp"

namespace nicol::sim {
namespace {

constexpr double kHuge = 1e15;

constexpr std::string_view kSources[] = {"heralded", "pulsed", "motorised", "entangled", "entangled-pulsed"},
                           kChannels[] = {"fibre", "free_space"}, kReceivers[] = {"passive", "active"},
                           kLengths[] = {"sps_g2", "sp_variable"}, kKeyBases[] = {"rectilinear", "both"},
                           kCompensators[] = {"none", "quarter-half-quarter"},
                           kPairStates[] = {"psi-minus", "phi-plus"}, kStatistics[] = {"thermal", "poisson"},
                           kProtocols[] = {"bb84", "bbm92"}, kSyncs[] = {"pulses", "pps", "none"};

constexpr Choice kSourceType{kSources,
                             [](Scenario& s, std::size_t word) { s.source.type = static_cast<SourceType>(word); }};
constexpr Choice kChannelType{kChannels,
                              [](Scenario& s, std::size_t word) { s.channel.type = static_cast<ChannelType>(word); }};
constexpr Choice kReceiverType{kReceivers, [](Scenario& s, std::size_t word) {
                                 s.receiver.kind = word == 0 ? hal::ReceiverKind::passive : hal::ReceiverKind::active;
                               }};
constexpr Choice kCompensatorType{
    kCompensators, [](Scenario& s, std::size_t word) { s.compensator.type = static_cast<CompensatorType>(word); }};
constexpr Choice kSyncType{kSyncs, [](Scenario& s, std::size_t word) { s.timing.sync = static_cast<SyncType>(word); }};
constexpr Choice kLengthFunction{kLengths, [](Scenario& s, std::size_t word) { s.protocol.length = kLengths[word]; }};
constexpr Choice kKeyBasesChoice{kKeyBases,
                                 [](Scenario& s, std::size_t word) { s.protocol.key_bases = kKeyBases[word]; }};

constexpr Choice kPairState{kPairStates,
                            [](Scenario& s, std::size_t word) { s.source.pairs.state = static_cast<PairState>(word); }};
constexpr Choice kPairStatistics{
    kStatistics, [](Scenario& s, std::size_t word) { s.source.pairs.statistics = static_cast<PairStatistics>(word); }};
constexpr Choice kProtocolKind{
    kProtocols, [](Scenario& s, std::size_t word) { s.protocol.kind = static_cast<ProtocolKind>(word); }};

void add_source(std::vector<Field>& fields, Scenario::Source& s) {
  const std::string_view t = "source";
  fields.insert(fields.end(), {{t, "type", kSourceType, 0, 0, true},
                               {t, "rate_hz", &s.rate_hz, 1e-3, 1e11, true},
                               {t, "mean_photon_number", &s.mean_photon_number, 0, 2, true},
                               {t, "g2", &s.g2, 0, 4, true},
                               {t, "misalignment_deg", &s.misalignment_deg, -90, 90},
                               {t, "delay_ps", &s.delay_ps, -1e6, 1e6},
                               {t, "width_ps", &s.width_ps, 0, 1e6},
                               {t, "pair_probability", &s.pair_probability, 0, 1},
                               {t, "herald_efficiency", &s.herald_efficiency, 0, 1},
                               {t, "herald_dark_hz", &s.herald_dark_hz, 0, 1e7},
                               {t, "p_multi", &s.p_multi, 0, 1},
                               {t, "p_diagonal", &s.p_diagonal, 0, 1}});
}

void add_motor(std::vector<Field>& fields, std::string_view table, MotorModel& m) {
  fields.insert(fields.end(), {{table, "speed_dps", &m.speed_dps, 0.01, 1e6},
                               {table, "offset_deg", &m.offset_deg, -360, 360},
                               {table, "backlash_deg", &m.backlash_deg, 0, 45},
                               {table, "wedge", &m.wedge, 0, 1},
                               {table, "settle_ms", &m.settle_ms, 0, 1e5}});
}

void add_pairs(std::vector<Field>& fields, Scenario::Source::Pairs& p) {
  const std::string_view t = "source.pairs";
  fields.insert(fields.end(), {{t, "state", kPairState},
                               {t, "visibility", &p.visibility, -1, 1},
                               {t, "pairs_per_mw_s", &p.pairs_per_mw_s, 0, 1e12},
                               {t, "pump_mw", &p.pump_mw, 0, 1e4},
                               {t, "pump_hz", &p.pump_hz, 0, 1e11},
                               {t, "pulse_ps", &p.pulse_ps, 0, 1e5},
                               {t, "statistics", kPairStatistics},
                               {t, "oven_c", &p.oven_c, -50, 85},
                               {t, "oven_width_c", &p.oven_width_c, 0.01, 100}});
}

enum class Loss : std::uint8_t { required, optional };

/// What any fibre does to light.
void add_fibre(std::vector<Field>& fields, std::string_view t, Scenario::Channel& c, Loss loss) {
  fields.insert(fields.end(), {{t, "loss_db", &c.loss_db, 0, 100, loss == Loss::required},
                               {t, "rotation_deg", &c.rotation_deg, -360, 360},
                               {t, "drift_deg_per_sqrt_s", &c.drift_deg_per_sqrt_s, 0, 1e3},
                               {t, "jump_per_s", &c.jump_per_s, 0, 10},
                               {t, "jump_deg", &c.jump_deg, -180, 180}});
}

void add_channel(std::vector<Field>& fields, Scenario::Channel& c) {
  const std::string_view t = "channel";
  add_fibre(fields, t, c, Loss::required);
  fields.insert(fields.end(), {{t, "type", kChannelType},
                               {t, "length_km", &c.length_km, 0, 1e5},
                               {t, "background_hz", &c.background_hz, 0, 1e8},
                               {t, "fading_sigma", &c.fading_sigma, 0, 2},
                               {t, "fading_time_s", &c.fading_time_s, 1e-4, 1e4}});
}

/// What any passive receiver does to light.
void add_analyser(std::vector<Field>& fields, std::string_view t, Scenario::Receiver& r) {
  fields.insert(fields.end(), {{t, "splitter", &r.splitter, 0, 1},
                               {t, "extinction_transmitted_db", &r.extinction_transmitted_db, 3.1, 100},
                               {t, "extinction_reflected_db", &r.extinction_reflected_db, 3.1, 100},
                               {t, "loss_db", &r.loss_db, 0, 100}});
}

void add_receiver(std::vector<Field>& fields, Scenario::Receiver& r) {
  const std::string_view t = "receiver";
  add_analyser(fields, t, r);
  fields.insert(fields.end(), {{t, "type", kReceiverType, 0, 0, true},
                               {t, "p_diagonal", &r.p_diagonal, 0, 1},
                               {t, "efficiency_mismatch", &r.efficiency_mismatch, 0, 1}});
}

void add_compensator(std::vector<Field>& fields, Scenario::Compensator& c) {
  const std::string_view t = "compensator";
  fields.insert(fields.end(), {{t, "type", kCompensatorType},
                               {t, "retardance_waves", &c.retardance_waves, 0, 1},
                               {t, "offset_deg", &c.offset_deg, -360, 360},
                               {t, "setting_deg", &c.setting_deg, -360, 360}});
  add_motor(fields, "compensator.motor", c.motor);
}

void add_detector(std::vector<Field>& fields, std::string_view t, std::vector<DetectorModel>& detectors) {
  const auto d = [&](std::string_view key, double DetectorModel::*member, double most) {
    fields.push_back({t, key, PerDetector{member, &detectors}, 0, most});
  };
  d("efficiency", &DetectorModel::efficiency, 1);
  d("dark_hz", &DetectorModel::dark_hz, 1e7);
  d("afterpulse_probability", &DetectorModel::afterpulse_probability, 0.5);
  d("afterpulse_decay_ns", &DetectorModel::afterpulse_decay_ns, 1e6);
  d("dead_time_ns", &DetectorModel::dead_time_ns, 1e6);
  d("jitter_ps", &DetectorModel::jitter_ps, 1e5);
  d("jitter_tail_ps", &DetectorModel::jitter_tail_ps, 1e5);
  d("jitter_tail_fraction", &DetectorModel::jitter_tail_fraction, 1);
  d("rate_limit_hz", &DetectorModel::rate_limit_hz, 1e10);
  d("pulse_v", &DetectorModel::pulse_v, 10);
  d("pulse_spread_v", &DetectorModel::pulse_spread_v, 10);
  d("line_noise_v", &DetectorModel::line_noise_v, 10);
  d("line_noise_hz", &DetectorModel::line_noise_hz, 1e9);
}

void add_electronics(std::vector<Field>& fields, Scenario& s) {
  fields.insert(fields.end(), {{"tagger", "tick_num", &s.tagger.tick_num, 1, 1e9},
                               {"tagger", "tick_den", &s.tagger.tick_den, 1, 1e9},
                               {"tagger", "fifo_depth", &s.tagger.fifo_depth, 1, 1e9},
                               {"tagger", "drain_hz", &s.tagger.drain_hz, 1, 1e10},
                               {"tagger", "clock_ppm", &s.bob_clock.ppm, -1000, 1000},
                               {"timing", "sync", kSyncType},
                               {"timing", "sync_divider", &s.timing.sync_divider, 1, 1e9},
                               {"timing", "gate_ns", &s.timing.gate_ns, 1e-3, 1e9, true},
                               {"timing", "slot_offset_ns", &s.timing.slot_offset_ns, 0, 1e6},
                               {"timing", "lead_s", &s.timing.lead_s, 0, 10}});
}

void add_clock(std::vector<Field>& fields, std::string_view t, ClockModel& c) {
  fields.insert(fields.end(), {{t, "offset_s", &c.offset_s, -1e4, 1e4},
                               {t, "ppm", &c.ppm, -1000, 1000},
                               {t, "drift_per_s", &c.drift_per_s, -1e-6, 1e-6},
                               {t, "walk_per_sqrt_s", &c.walk_per_sqrt_s, 0, 1e-6}});
}

void add_public(std::vector<Field>& fields, Scenario::PublicSlots& p) {
  const std::string_view t = "public";
  fields.insert(fields.end(), {{t, "preamble", &p.preamble, 0, kHuge},
                               {t, "repeat", &p.repeat, 0, kHuge},
                               {t, "tail", &p.tail, 0, kHuge},
                               {t, "spacing", &p.spacing, 2, 4096}});
}

void add_protocol(std::vector<Field>& fields, Scenario::Protocol& p) {
  const std::string_view t = "protocol";
  fields.insert(fields.end(), {{t, "kind", kProtocolKind},
                               {t, "block_slots", &p.block_slots, 1, kHuge, true},
                               {t, "length", kLengthFunction},
                               {t, "key_bases", kKeyBasesChoice},
                               {t, "sample_share", &p.sample_share, 0, 1},
                               {t, "sample_minimum", &p.sample_minimum, 0, 1e9},
                               {t, "key_expected", &p.key_expected}});
}

}  // namespace

std::vector<Field> scenario_fields(Scenario& s) {
  std::vector<Field> fields{{"", "name", &s.name, 0, 0, true}, {"", "description", &s.description}};
  add_source(fields, s.source);
  add_motor(fields, "source.motor", s.source.motor);
  add_pairs(fields, s.source.pairs);
  add_channel(fields, s.channel);
  add_receiver(fields, s.receiver);
  add_motor(fields, "receiver.motor", s.receiver.motor);
  add_compensator(fields, s.compensator);
  add_detector(fields, "detector", s.receiver.detectors);
  add_fibre(fields, "alice.channel", s.alice.channel, Loss::optional);
  add_analyser(fields, "alice.receiver", s.alice.receiver);
  add_detector(fields, "alice.detector", s.alice.receiver.detectors);
  add_electronics(fields, s);
  add_clock(fields, "alice_clock", s.alice_clock);
  add_clock(fields, "bob_clock", s.bob_clock);
  add_public(fields, s.public_slots);
  add_protocol(fields, s.protocol);
  return fields;
}

}  // namespace nicol::sim
