// SPDX-License-Identifier: Apache-2.0
// A simulated half of a rig behind an emulated board's pins.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "drivers/hal/random.hpp"
#include "sim/emulators/rig_board.hpp"
#include "sim/emulators/rig_player.hpp"
#include "sim/emulators/rig_tag_pump.hpp"

namespace nicol::sim {
namespace {

constexpr std::uint32_t kBufferSlots = std::uint32_t{1} << 20;  // 256 KiB
constexpr std::uint32_t kRateOfNobody = 10'000'000;
constexpr std::uint64_t kLongestStepMs = 50;

std::uint32_t whole(double value) {
  return static_cast<std::uint32_t>(std::clamp(value, 0.0, double{std::numeric_limits<std::uint32_t>::max()}));
}

fw::ChannelConfig to_wire(const hal::ChannelConfig& c) {
  fw::ChannelConfig out;
  out.enabled = c.enabled ? fw::Switch::on : fw::Switch::off;
  out.role = static_cast<fw::Role>(c.role);
  out.edge = c.edge == hal::Edge::falling ? fw::Edge::falling : fw::Edge::rising;
  out.threshold_mv = static_cast<std::int32_t>(std::lround(c.threshold.value * 1000));
  out.delay_ticks = c.delay_ticks;
  out.dead_time_ticks = c.dead_time_ticks;
  return out;
}
hal::ChannelConfig from_wire(const fw::ChannelConfig& c) {
  hal::ChannelConfig out;
  out.enabled = c.enabled == fw::Switch::on;
  out.role = static_cast<hal::ChannelRole>(c.role);
  out.edge = c.edge == fw::Edge::falling ? hal::Edge::falling : hal::Edge::rising;
  out.threshold = {c.threshold_mv / 1000.0};
  out.delay_ticks = c.delay_ticks;
  out.dead_time_ticks = c.dead_time_ticks;
  return out;
}
fw::Done done(const Result<void>& result) { return result ? fw::Done::yes : fw::Done::no; }

class SimulatedHardware final : public RigHardware {
 public:
  SimulatedHardware(std::unique_ptr<hal::Rig> rig, const RigBoardOptions& options);

  const fw::Description& description() const noexcept override { return about_; }
  std::uint64_t random() noexcept override { return os_random_word(); }
  void power_cycle() noexcept override;
  void power_off() noexcept override;
  void tell_time(std::uint64_t now_ms) noexcept override;

  void emission(fw::Switch to) noexcept override;
  void light_level(fw::Light level) noexcept override;
  fw::Loop interlock() noexcept override { return fw::Loop::absent; }

  fw::Done configure_source(const fw::SourceConfig& config) noexcept override;
  fw::Done queue_pattern(const fw::PatternChunk& chunk) noexcept override { return player_->queue(chunk); }
  void clear_pattern() noexcept override {
    if (player_) player_->clear();
  }
  fw::Done run_pattern(const fw::SourceRun& run) noexcept override { return player_->run(run); }
  void stop_pattern() noexcept override {
    if (player_) player_->stop(lit_ ? RigPlayer::Why::held : RigPlayer::Why::dark);
  }
  fw::SourceStatus source() noexcept override { return player_ ? player_->status() : fw::SourceStatus{}; }

  void shutter(std::size_t, fw::Gate to) noexcept override;
  fw::Gate shutter(std::size_t) noexcept override;

  void detector(std::size_t k, fw::Switch to) noexcept override;
  fw::Switch detector(std::size_t k) noexcept override {
    return detectors_[k]->enabled() ? fw::Switch::on : fw::Switch::off;
  }
  std::uint64_t detector_events(std::size_t k) noexcept override { return static_cast<std::uint64_t>(events_[k]); }
  fw::Done detector_bias(std::size_t k, std::int64_t mv) noexcept override {
    bias_[k] = mv;
    return done(detectors_[k]->set_bias({static_cast<double>(mv) / 1000}));
  }
  std::int64_t detector_bias(std::size_t k) noexcept override { return bias_[k]; }
  std::int64_t temperature(std::size_t k) noexcept override {
    const auto t = detectors_[k]->temperature();
    return t ? std::llround(t->value * 1000) : 0;
  }

  fw::Done configure_channel(std::size_t k, const fw::ChannelConfig& config) noexcept override {
    return done(tagger_->set_channel(k, from_wire(config)));
  }
  fw::ChannelConfig channel(std::size_t k) noexcept override {
    const auto config = tagger_->channel(k);
    return config ? to_wire(*config) : fw::ChannelConfig{};
  }
  fw::ChannelCounters channel_counters(std::size_t k) noexcept override { return pump_->counters(k); }
  void start_tags() noexcept override { pump_->start(); }
  void stop_tags() noexcept override { pump_->stop(); }
  fw::TagRead read_tags(std::span<fw::Tag> into) noexcept override { return pump_->read(into); }
  std::uint64_t tick() noexcept override { return pump_->tick(); }

 private:
  void describe_source();
  void describe_tagger();
  void describe_detectors();

  std::unique_ptr<hal::Rig> rig_;
  hal::PulsedSource* source_;
  hal::TimeTagger* tagger_;
  hal::Shutter* shutter_;
  std::vector<hal::Detector*> detectors_;
  fw::Description about_;
  bool lit_ = false;
  std::vector<double> events_;
  std::vector<std::int64_t> bias_;
  std::uint64_t now_ms_ = 0, last_tick_ = 0, last_tick_ms_ = 0;
  std::unique_ptr<RigPlayer> player_;  // these two use all others
  std::unique_ptr<RigTagPump> pump_;
};

SimulatedHardware::SimulatedHardware(std::unique_ptr<hal::Rig> rig, const RigBoardOptions& options)
    : rig_(std::move(rig)),
      source_(rig_->find<hal::PulsedSource>("source")),
      tagger_(rig_->find<hal::TimeTagger>("tagger")),
      shutter_(rig_->find<hal::Shutter>("shutter")) {
  about_.serial = fw::Text(options.serial);
  about_.model = fw::Text("emulated rig board");
  about_.firmware = fw::Text("reference");
  about_.shutters = shutter_ != nullptr ? 1 : 0;
  about_.self_closing_shutters = shutter_ != nullptr && shutter_->self_closing() ? 1 : 0;
  if (source_ != nullptr) describe_source();
  if (tagger_ != nullptr) describe_tagger();
  describe_detectors();
}

void SimulatedHardware::describe_source() {
  const hal::SourceCaps caps = source_->caps();
  const auto slot = static_cast<std::uint64_t>(caps.slot_period.count);
  about_.source = {slot, slot, kBufferSlots, 1, caps.has_interlock, true};
  player_ = std::make_unique<RigPlayer>(*source_, kBufferSlots);
}

void SimulatedHardware::describe_tagger() {
  const hal::TaggerCaps caps = tagger_->caps();
  about_.tagger = {static_cast<std::uint16_t>(std::min(caps.channels, fw::kWordChannels)),
                   caps.tick.num,
                   caps.tick.den,
                   1,
                   whole(caps.max_rate.value),
                   whole(static_cast<double>(caps.fifo_depth)),
                   whole(static_cast<double>(caps.jitter.count)),
                   whole(static_cast<double>(caps.min_dead_time.count))};
  pump_ = std::make_unique<RigTagPump>(*tagger_, caps.fifo_depth);
}

void SimulatedHardware::describe_detectors() {
  double widest = 0;
  while (auto* detector = rig_->find<hal::Detector>(fmt::format("detector-{}", detectors_.size()))) {
    widest = std::max(widest, detector->detector().rate_limit.value);
    detectors_.push_back(detector);
  }
  events_.assign(detectors_.size(), 0);
  bias_.assign(detectors_.size(), 0);
  about_.detectors = {static_cast<std::uint8_t>(detectors_.size()), widest > 0 ? whole(widest) : kRateOfNobody};
  about_.thermistors = about_.detectors.count;
}

void SimulatedHardware::power_cycle() noexcept {
  emission(fw::Switch::off);
  light_level(fw::Light::off);
  if (shutter_ != nullptr) shutter_->close();
  for (hal::Detector* detector : detectors_) detector->disable();
  stop_pattern();
  clear_pattern();
  if (pump_) pump_->stop();
}

void SimulatedHardware::power_off() noexcept {
  emission(fw::Switch::off);
  if (shutter_ != nullptr && shutter_->self_closing()) shutter_->close();
  for (hal::Detector* detector : detectors_) detector->disable();
  stop_pattern();
  if (pump_) pump_->stop();
}

/// The board counts its detectors' clicks in its own time, whatever pace rig time has: from their rates. When rig time
/// stands still there are no clicks.
void SimulatedHardware::tell_time(std::uint64_t now_ms) noexcept {
  const std::uint64_t step = std::min(now_ms - now_ms_, kLongestStepMs);
  if (now_ms == now_ms_) return;
  now_ms_ = now_ms;
  const std::uint64_t tick = pump_ ? pump_->tick() : 0;
  if (tick != last_tick_) last_tick_ms_ = now_ms;
  last_tick_ = tick;
  if (now_ms - last_tick_ms_ > kLongestStepMs) return;
  for (std::size_t k = 0; k < detectors_.size(); ++k)
    if (const auto rate = detectors_[k]->rate()) events_[k] += rate->value * static_cast<double>(step) * 1e-3;
}

void SimulatedHardware::emission(fw::Switch to) noexcept {
  lit_ = to == fw::Switch::on;
  if (source_ == nullptr) return;
  if (!lit_) return source_->disable_emission();
  lit_ = source_->arm({1}).ok() && source_->enable_emission().ok();
}

void SimulatedHardware::light_level(fw::Light level) noexcept {
  if (source_ == nullptr) return;
  const auto to = level == fw::Light::quantum     ? hal::LightLevel::quantum
                  : level == fw::Light::alignment ? hal::LightLevel::alignment
                                                  : hal::LightLevel::off;
  (void)source_->set_light_level(to);
}

fw::Done SimulatedHardware::configure_source(const fw::SourceConfig& config) noexcept {
  return config.sync_divider == rig_->timing.sync_divider ? fw::Done::yes : fw::Done::no;
}

void SimulatedHardware::shutter(std::size_t, fw::Gate to) noexcept {
  if (to == fw::Gate::open)
    (void)shutter_->open();
  else
    shutter_->close();
}

fw::Gate SimulatedHardware::shutter(std::size_t) noexcept {
  const auto state = shutter_->state();
  return state && *state == hal::ShutterState::open ? fw::Gate::open : fw::Gate::closed;
}

void SimulatedHardware::detector(std::size_t k, fw::Switch to) noexcept {
  if (to == fw::Switch::on)
    (void)detectors_[k]->enable();
  else
    detectors_[k]->disable();
}

}  // namespace

std::unique_ptr<RigHardware> simulated_hardware(std::unique_ptr<hal::Rig> rig, const RigBoardOptions& options) {
  return std::make_unique<SimulatedHardware>(std::move(rig), options);
}

}  // namespace nicol::sim
