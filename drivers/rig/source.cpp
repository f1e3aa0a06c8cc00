// SPDX-License-Identifier: Apache-2.0
// Light: armed in two steps, dark by the shortest way. The pattern is in source_pattern.cpp.
#include "drivers/rig/source.hpp"

#include <algorithm>
#include <thread>

#include "drivers/rig/pattern.hpp"

namespace nicol::rig {
namespace {

using namespace std::chrono_literals;

constexpr int kArmTries = 20;
constexpr std::int64_t kUsualWatchdog = 1000;
constexpr std::uint16_t kLongestWait = 150;  // ms, between two tries
constexpr std::size_t kLargestPattern = std::size_t{1} << 20;
constexpr std::size_t kMostIntensities = 4;  // two bits a slot

fw::Light light_of(hal::LightLevel level) {
  switch (level) {
    case hal::LightLevel::alignment:
      return fw::Light::alignment;
    case hal::LightLevel::quantum:
      return fw::Light::quantum;
    case hal::LightLevel::off:
      break;
  }
  return fw::Light::off;
}

hal::EmissionState state_of(std::int64_t number, fw::Faults faults) {
  switch (number) {
    case static_cast<std::int64_t>(fw::Emission::off):
      return hal::EmissionState::off;
    case static_cast<std::int64_t>(fw::Emission::armed):
      return hal::EmissionState::armed;
    case static_cast<std::int64_t>(fw::Emission::emitting):
      return hal::EmissionState::emitting;
    case static_cast<std::int64_t>(fw::Emission::tripped):
      // Made safe by this program's own word: dark, and nothing is wrong.
      return faults == fw::kFaultCommanded ? hal::EmissionState::off : hal::EmissionState::tripped;
    default:
      return hal::EmissionState::unknown;
  }
}

}  // namespace

RigSource::RigSource(Board& board, const SourceOptions& options, transport::PrivateBuffer packed)
    : Face(board, "source"),
      options_(options),
      about_(board.description().source),
      watchdog_ms_(kUsualWatchdog),
      packed_(std::move(packed)) {
  const fw::Description about = board.description();
  add_property({"watchdog_ms",
                "watchdog",
                "dark after so long without a word from this computer",
                "ms",
                hal::ArgType::integer,
                hal::Range{static_cast<double>(about.watchdog_min_ms), static_cast<double>(about.watchdog_max_ms), 1},
                {},
                hal::Access::persistent});
}

Result<std::unique_ptr<RigSource>> RigSource::make(Board& board, const SourceOptions& options) {
  const fw::SourceInfo about = board.description().source;
  if (about.max_slot_ps == 0)
    return Error{Code::not_found, fmt::format("board {} has no source", board.name()), board.name(), 0, {}};
  SourceOptions chosen = options;
  if (chosen.slot_ps == 0) chosen.slot_ps = about.min_slot_ps;
  auto packed = transport::PrivateBuffer::create(fw::kControlPayload);
  if (!packed) return std::move(packed).error();
  std::unique_ptr<RigSource> source(new RigSource(board, chosen, *std::move(packed)));
  board.join(*source);
  if (auto set = source->configure(); !set) return std::move(set).error();
  return source;
}

RigSource::~RigSource() {
  board().leave(*this);
  if (lit_) board().go_dark(fw::Type::disable_emission);
}

Result<void> RigSource::configure() {
  fw::SourceConfig config;
  config.slot_ps = options_.slot_ps;
  config.sync_divider = options_.sync_divider;
  config.width_ps = options_.width_ps;
  config.flags = has_intensities() ? fw::kSourceIntensities : std::uint16_t{0};
  auto reply =
      board().command(fw::Type::source_config, config,
                      fmt::format("setting slots of {} ps (the board does {} to {}) with a sync every {} slots",
                                  options_.slot_ps, about_.min_slot_ps, about_.max_slot_ps, options_.sync_divider));
  return reply ? Result<void>() : std::move(reply).error();
}

Result<void> RigSource::session_began() {
  lit_ = false;
  level_ = hal::LightLevel::off;
  if (auto configured = configure(); !configured) return configured;
  return board().restore(watchdog(watchdog_ms_), "restoring the watchdog");
}

Result<hal::Value> RigSource::read_own(std::string_view key) {
  if (key != "watchdog_ms") return Face::read_own(key);
  return hal::Value{watchdog_ms_.load()};
}

Result<void> RigSource::write_own(std::string_view key, const hal::Value& value) {
  if (key != "watchdog_ms") return Face::write_own(key, value);
  const std::int64_t ms = std::get<std::int64_t>(value);
  auto set = board().set(watchdog(ms), fmt::format("setting the watchdog to {} ms", ms));
  if (set) watchdog_ms_ = ms;
  return set;
}

fw::Value RigSource::watchdog(std::int64_t ms) const { return {fw::Property::watchdog_ms, 0, ms, {}, {}}; }

hal::SourceCaps RigSource::caps() const {
  hal::SourceCaps caps;
  caps.source = options_.source;
  caps.record = options_.source == hal::SourceKind::heralded ? hal::PreparationRecord::heralded_pattern
                                                             : hal::PreparationRecord::pattern_player;
  caps.slot_period = {static_cast<std::int64_t>(options_.slot_ps)};
  caps.max_pattern_slots = kLargestPattern;
  caps.intensities = std::clamp<std::size_t>(about_.intensities, 1, kMostIntensities);
  caps.self_safing = about_.self_safing;
  caps.has_interlock = about_.has_interlock;
  return caps;
}

Result<hal::InterlockState> RigSource::interlock() {
  if (auto here = connected(); !here) return std::move(here).error();
  auto loop = board().get(fw::Property::interlock, 0, "asking for the interlock");
  if (!loop) return std::move(loop).error();
  auto key = board().get(fw::Property::key_switch, 0, "asking for the key switch");
  if (!key) return std::move(key).error();
  const auto is = [&](fw::Loop state) {
    return loop->number == static_cast<std::int64_t>(state) || key->number == static_cast<std::int64_t>(state);
  };
  if (is(fw::Loop::open)) return hal::InterlockState::open;
  return is(fw::Loop::closed) ? hal::InterlockState::closed : hal::InterlockState::absent;
}

/// What is armed already is disarmed, so that a new arming begins.
Result<void> RigSource::not_lit_yet() {
  const auto state = emission();
  if (!state) return state.error();
  if (*state == hal::EmissionState::emitting) return error(Code::unsafe_state, "already emitting");
  if (*state != hal::EmissionState::armed) return {};
  auto reply = board().command(fw::Type::disable_emission, "disarming");
  return reply ? Result<void>() : std::move(reply).error();
}

/// Nothing when it is armed, or so many milliseconds to wait; refused then, so nothing has happened.
Result<std::optional<std::uint16_t>> RigSource::arm_once() {
  auto nonce = board().get(fw::Property::arm_nonce, 0, "asking for leave to arm");
  if (!nonce) return std::move(nonce).error();
  std::array<std::uint8_t, fw::Arm::kBytes> payload{};
  fw::encode(fw::Arm{static_cast<std::uint64_t>(nonce->number)}, payload);
  auto reply = board().ask(fw::Type::arm, payload, SteadyDeadlines().in(1s));
  if (!reply) return std::move(reply).error();
  if (!reply->refusal) return std::optional<std::uint16_t>();
  const fw::Answer refusal = *reply->refusal;
  if (refusal.code == static_cast<std::uint16_t>(fw::Nack::busy) && refusal.detail != 0)
    return std::optional(refusal.detail);
  return board().refused(refusal, "arming");
}

Result<void> RigSource::arm_patiently(std::uint64_t darks) {
  if (auto ready = not_lit_yet(); !ready) return ready;
  for (int i = 0; i < kArmTries && board().darks(fw::Type::disable_emission) == darks; ++i) {
    const auto wait = arm_once();
    if (!wait) return wait.error();
    if (!*wait) return {};
    (void)board().await([](const Heard&) { return false; },
                        SteadyDeadlines().in(std::chrono::milliseconds(std::min(**wait, kLongestWait)) + 5ms));
  }
  return error(Code::busy, "the board wants to hear this computer for 2 s before it arms: try again");
}

Result<void> RigSource::arm(hal::ArmToken) {
  if (auto here = connected(); !here) return here;
  const std::uint64_t darks = board().darks(fw::Type::disable_emission);
  constexpr auto kClears = static_cast<fw::Faults>(~fw::kFaultOverRate);
  auto armed =
      board().deliberately(fw::Type::disable_emission, kClears, [this, darks] { return arm_patiently(darks); });
  if (armed) armed_darks_ = darks;
  return armed;
}

Result<void> RigSource::enable_emission() {
  if (auto here = connected(); !here) return here;
  if (board().darks(fw::Type::disable_emission) != armed_darks_)
    return error(Code::unsafe_state, "it was made dark since it was armed: arm it, and enable emission within 5 s");
  auto on = board().deliberately(fw::Type::disable_emission, 0, [this]() -> Result<void> {
    auto reply = board().command(fw::Type::enable_emission, "enabling emission");
    if (!reply) return std::move(reply).error();
    lit_ = true;
    return {};
  });
  if (!on) lit_ = false;
  return on;
}

void RigSource::disable_emission() noexcept {
  lit_ = false;
  board().go_dark(fw::Type::disable_emission);
  lit_ = false;  // an enable_emission() on another thread may have just succeeded
}

void RigSource::safe_state() noexcept {
  lit_ = false;
  level_ = hal::LightLevel::off;
  board().go_dark(fw::Type::safe_state);
  lit_ = false;
}

Result<hal::EmissionState> RigSource::emission() {
  if (board().link() == hal::Link::faulted) return hal::EmissionState::unknown;
  if (auto here = connected(); !here) return std::move(here).error();
  auto state = board().get(fw::Property::emission, 0, "asking for the emission");
  if (!state && board().link() == hal::Link::faulted) return hal::EmissionState::unknown;
  if (!state) return std::move(state).error();
  fw::Faults faults = 0;
  if (state->number == static_cast<std::int64_t>(fw::Emission::tripped))
    if (const auto latched = board().get(fw::Property::faults, 0, "asking for faults"))
      faults = static_cast<fw::Faults>(latched->number);
  const hal::EmissionState now = state_of(state->number, faults);
  if (now != hal::EmissionState::emitting) lit_ = false;
  if (state->number == static_cast<std::int64_t>(fw::Emission::tripped)) level_ = hal::LightLevel::off;
  return now;
}

Result<void> RigSource::set_light_level(hal::LightLevel level) {
  if (auto here = connected(); !here) return here;
  const fw::Value value{fw::Property::light_level, 0, static_cast<std::int64_t>(light_of(level)), {}, {}};
  if (auto set = board().set(value, fmt::format("setting {} light", to_string(level))); !set) return set;
  level_ = level;
  return {};
}

hal::LightLevel RigSource::light_level() const noexcept {
  const Heard heard = board().heard();
  const bool tripped = heard.known && heard.emission == fw::Emission::tripped;
  return lit_ && !tripped ? level_.load() : hal::LightLevel::off;
}

}  // namespace nicol::rig
