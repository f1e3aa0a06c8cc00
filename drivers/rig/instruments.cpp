// SPDX-License-Identifier: Apache-2.0
#include "drivers/rig/instruments.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <thread>

namespace nicol::rig {
namespace {

using namespace std::chrono_literals;

constexpr auto kShortestMean = 20ms, kSafe = 80ms;
constexpr std::int64_t kNoBias = std::numeric_limits<std::int64_t>::min();

fw::Value number(fw::Property property, std::size_t index, std::int64_t value) {
  return {property, static_cast<std::uint16_t>(index), value, {}, {}};
}
Error no_such(const Board& board, const char* what, std::size_t index, std::size_t count) {
  return {Code::not_found,
          fmt::format("board {} has no {} {}: it has {}", board.name(), what, index, count),
          board.name(),
          0,
          {}};
}

}  // namespace

// ---- shutters ----

RigShutter::RigShutter(Board& board, std::size_t index, const fw::Description& about)
    : Face(board, fmt::format("shutter-{}", index)),
      index_(index),
      self_closing_((about.self_closing_shutters >> index & 1) != 0) {}

Result<std::unique_ptr<RigShutter>> RigShutter::make(Board& board, std::size_t index) {
  const fw::Description about = board.description();
  if (index >= about.shutters) return no_such(board, "shutter", index, about.shutters);
  std::unique_ptr<RigShutter> shutter(new RigShutter(board, index, about));
  board.join(*shutter);
  return shutter;
}

Result<void> RigShutter::drive(fw::Gate gate) {
  return board().set(number(fw::Property::shutter, index_, static_cast<std::int64_t>(gate)),
                     fmt::format("{} {}", gate == fw::Gate::open ? "opening" : "closing", unit()));
}

Result<void> RigShutter::open() {
  if (auto here = connected(); !here) return here;
  return board().deliberately(fw::Type::safe_state, Board::kOwnFaults, [this] { return drive(fw::Gate::open); });
}

void RigShutter::close() noexcept {
  if (link() != hal::Link::disconnected)
    board().make_safe(number(fw::Property::shutter, index_, static_cast<std::int64_t>(fw::Gate::closed)));
}

Result<hal::ShutterState> RigShutter::state() {
  if (auto here = connected(); !here) return std::move(here).error();
  auto gate = board().get(fw::Property::shutter, index_, "asking for " + unit());
  if (!gate) return std::move(gate).error();
  return gate->number == static_cast<std::int64_t>(fw::Gate::open) ? hal::ShutterState::open
                                                                   : hal::ShutterState::closed;
}

// ---- detectors ----

RigDetector::RigDetector(Board& board, std::size_t index, const hal::DetectorInfo& info)
    : Face(board, fmt::format("detector-{}", index)), index_(index), info_(info), bias_mv_(kNoBias) {}

Result<std::unique_ptr<RigDetector>> RigDetector::make(Board& board, std::size_t index,
                                                       const DetectorOptions& options) {
  const fw::DetectorInfo about = board.description().detectors;
  if (index >= about.count) return no_such(board, "detector", index, about.count);
  hal::DetectorInfo info = options.info;
  if (info.rate_limit.value <= 0) info.rate_limit = {static_cast<double>(about.max_rate_limit_hz)};
  std::unique_ptr<RigDetector> detector(new RigDetector(board, index, info));
  if (auto set = board.set(detector->rate_limit(), detector->limiting()); !set) return std::move(set).error();
  board.join(*detector);
  return detector;
}

RigDetector::~RigDetector() {
  board().leave(*this);
  if (enabled_) disable();
}

fw::Value RigDetector::rate_limit() const {
  return number(fw::Property::detector_rate_limit, index_, std::lround(info_.rate_limit.value));
}
std::string RigDetector::limiting() const {
  return fmt::format("limiting {} to {} counts/s", unit(), info_.rate_limit.value);
}

Result<void> RigDetector::session_began() {
  enabled_ = false;
  if (auto limited = board().restore(rate_limit(), limiting()); !limited) return limited;
  const std::int64_t bias = bias_mv_;
  if (bias == kNoBias) return {};
  return board().restore(number(fw::Property::detector_bias, index_, bias), "biasing " + unit() + " as before");
}

Result<void> RigDetector::drive(fw::Switch to) {
  auto set = board().set(number(fw::Property::detector_enable, index_, static_cast<std::int64_t>(to)),
                         fmt::format("switching {} {}", unit(), to == fw::Switch::on ? "on" : "off"));
  if (set) enabled_ = to == fw::Switch::on;
  return set;
}

Result<void> RigDetector::enable() {
  if (auto here = connected(); !here) return here;
  auto on = board().deliberately(fw::Type::safe_state, Board::kOwnFaults, [this] { return drive(fw::Switch::on); });
  if (!on) enabled_ = false;
  return on;
}

void RigDetector::disable() noexcept {
  if (link() != hal::Link::disconnected)
    board().make_safe(number(fw::Property::detector_enable, index_, static_cast<std::int64_t>(fw::Switch::off)));
  enabled_ = false;
}

void RigDetector::safe_state() noexcept {
  Face::safe_state();
  enabled_ = false;
}

/// A latched fault switched the line off.
bool RigDetector::enabled() const noexcept {
  const Heard heard = board().heard();
  return enabled_ && heard.known && heard.faults == 0;
}

Result<void> RigDetector::set_bias(Volts bias) {
  if (auto here = connected(); !here) return here;
  const std::int64_t mv = std::lround(bias.value * 1000);
  auto set = board().set(number(fw::Property::detector_bias, index_, mv),
                         fmt::format("biasing {} with {} V", unit(), bias.value));
  if (set) bias_mv_ = mv;
  return set;
}

Result<Celsius> RigDetector::temperature() {
  if (auto here = connected(); !here) return std::move(here).error();
  auto value = board().get(fw::Property::temperature, index_, "asking for the temperature of " + unit());
  if (!value) return std::move(value).error();
  return Celsius{static_cast<double>(value->number) / 1000};
}

Result<std::uint64_t> RigDetector::events() {
  auto value = board().get(fw::Property::detector_events, index_, "asking what " + unit() + " counted");
  if (!value) return std::move(value).error();
  return static_cast<std::uint64_t>(value->number);
}

Result<Hertz> RigDetector::rate() {
  if (auto here = connected(); !here) return std::move(here).error();
  if (const Heard heard = board().heard(); (heard.faults & fw::kFaultOverRate) != 0)
    return error(Code::over_rate, bright_light(heard.bright));
  if (!enabled()) return Hertz{0};
  const std::lock_guard lock(rate_mutex_);
  using Clock = std::chrono::steady_clock;
  if (Clock::now() - counted_at_ > 1s || counted_at_ == Clock::time_point{}) {
    auto first = events();
    if (!first) return std::move(first).error();
    counted_ = *first;
    counted_at_ = Clock::now();
  }
  std::this_thread::sleep_until(counted_at_ + kShortestMean);
  auto now = events();
  if (!now) return std::move(now).error();
  const double seconds = std::chrono::duration<double>(Clock::now() - counted_at_).count();
  const double rate = *now >= counted_ ? static_cast<double>(*now - counted_) / seconds : 0;
  counted_ = *now;
  counted_at_ = Clock::now();
  return Hertz{rate};
}

// ---- pins ----

Result<std::unique_ptr<RigDigitalIo>> RigDigitalIo::make(Board& board) {
  const fw::Description about = board.description();
  if (about.digital_inputs + about.digital_outputs == 0)
    return Error{Code::not_found, fmt::format("board {} has no digital pins", board.name()), board.name(), 0, {}};
  std::unique_ptr<RigDigitalIo> io(new RigDigitalIo(board, about));
  board.join(*io);
  return io;
}

Result<hal::Level> RigDigitalIo::read(std::size_t input) {
  if (auto here = connected(); !here) return std::move(here).error();
  if (input >= inputs_) return error(Code::out_of_range, fmt::format("input {} of {}", input, inputs_));
  auto value = board().get(fw::Property::digital_in, input, fmt::format("reading input {}", input));
  if (!value) return std::move(value).error();
  return value->number != 0 ? hal::Level::high : hal::Level::low;
}

Result<void> RigDigitalIo::write(std::size_t output, hal::Level level) {
  if (auto here = connected(); !here) return here;
  if (output >= outputs_) return error(Code::out_of_range, fmt::format("output {} of {}", output, outputs_));
  return board().set(number(fw::Property::digital_out, output, level == hal::Level::high ? 1 : 0),
                     fmt::format("setting output {}", output));
}

/// SAFE_STATE leaves the pins as they are: each is lowered, all within one limit.
void RigDigitalIo::safe_state() noexcept {
  const Deadline deadline = SteadyDeadlines().in(kSafe);
  for (std::size_t k = 0; k < outputs_; ++k) {
    std::array<std::uint8_t, 64> payload{};
    const std::size_t size = fw::encode(number(fw::Property::digital_out, k, 0), payload);
    (void)board().ask(fw::Type::set, std::span<const std::uint8_t>(payload).first(size), deadline);
  }
}

}  // namespace nicol::rig
