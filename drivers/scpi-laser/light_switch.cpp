// SPDX-License-Identifier: Apache-2.0
#include "drivers/scpi-laser/light_switch.hpp"

namespace nicol::scpi_laser {
namespace {

using hal::EmissionState;
using hal::LightLevel;
using hal::Link;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// Switching off may be said again: it does no harm twice.
constexpr int kTries = 5;
constexpr milliseconds kBetweenTries{10};
constexpr milliseconds kFirstDarkness{3000}, kFreshAfterReplug{1000};

Error error(Code code, std::string message) { return {code, std::move(message), "", 0, {}}; }

}  // namespace

LightSwitch::LightSwitch(Output output)
    : output_(std::move(output)), worker_([this](const std::stop_token& stop) { work(stop); }) {}

LightSwitch::~LightSwitch() = default;

Result<void> LightSwitch::start() {
  {
    const std::lock_guard lock(mutex_);
    fresh_generation_ = output_.generation();
    started_ = true;
  }
  if (turn_off(kFirstDarkness)) return {};
  return error(Code::unsafe_state,
               "it does not say that its output is off, and is not used so: switch it off by hand, then try again");
}

Result<void> LightSwitch::ready() {
  std::unique_lock lock(mutex_);
  const auto fresh = [this] { return fresh_generation_ == output_.generation(); };
  const auto connected = [this] { return output_.link() != Link::disconnected; };
  if (!connected()) return error(Code::disconnected, "the cable is pulled: plug it in again, then arm");
  if (fresh()) return {};
  ask_for_darkness();
  changed_.wait_until(lock, Clock::now() + kFreshAfterReplug, [&] { return fresh() || !connected(); });
  if (!connected()) return error(Code::disconnected, "the cable is pulled: plug it in again, then arm");
  if (fresh()) return {};
  return error(Code::timeout, "it was plugged in again but has not answered yet: is it switched on?");
}

void LightSwitch::link_changed(Link now) {
  const std::lock_guard lock(mutex_);
  ++epoch_;
  phase_ = Phase::off;
  known_dark_ = false;
  if (now == Link::connected) ask_for_darkness();
  changed_.notify_all();
}

LightSwitch::Epoch LightSwitch::epoch() const {
  const std::lock_guard lock(mutex_);
  return epoch_;
}

Result<void> LightSwitch::still(Epoch epoch) const {
  const std::lock_guard lock(mutex_);
  if (output_.link() == Link::disconnected) return error(Code::disconnected, "the cable was pulled meanwhile");
  if (epoch == epoch_) return {};
  return error(Code::cancelled, "it was made dark meanwhile: arm again");
}

Result<void> LightSwitch::arm(Epoch epoch) {
  if (auto ok = still(epoch); !ok) return ok;
  const std::lock_guard lock(mutex_);
  if (epoch != epoch_) return error(Code::cancelled, "it was made dark meanwhile: arm again");
  phase_ = Phase::armed;
  return {};
}

Result<void> LightSwitch::turn_on(Epoch epoch) {
  const std::lock_guard exchange(exchange_);
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::armed || epoch != epoch_) return error(Code::unsafe_state, "not armed: arm it first");
    phase_ = Phase::lit;
    known_dark_ = false;
  }
  auto on = output_.on();
  const auto state = on ? ask_whether_on() : Result<bool>(on.error());
  if (state && *state) return {};
  const std::lock_guard lock(mutex_);
  phase_ = Phase::off;
  ask_for_darkness();  // it may have been switched on all the same
  if (!state) return state.error();
  return error(Code::hardware_fault,
               "it was switched on and says that it is off: look at its key, interlock and panel");
}

bool LightSwitch::armed() const {
  const std::lock_guard lock(mutex_);
  return phase_ == Phase::armed;
}

bool LightSwitch::lit() const {
  const std::lock_guard lock(mutex_);
  return phase_ == Phase::lit;
}

void LightSwitch::ask_for_darkness() {
  ++wanted_;
  changed_.notify_all();
}

bool LightSwitch::turn_off(milliseconds patience) noexcept {
  std::unique_lock lock(mutex_);
  ++epoch_;
  phase_ = Phase::off;
  if (output_.link() == Link::disconnected) return false;
  ask_for_darkness();
  const std::uint64_t mine = wanted_;
  changed_.wait_until(lock, Clock::now() + patience, [&] { return done_ >= mine; });
  return done_ >= mine && known_dark_;
}

void LightSwitch::work(const std::stop_token& stop) {
  for (std::unique_lock lock(mutex_); changed_.wait(lock, stop, [this] { return started_ && wanted_ != done_; });) {
    const std::uint64_t target = wanted_;
    lock.unlock();
    for (int attempt = 0; attempt < kTries && !go_dark() && !stop.stop_requested(); ++attempt)
      std::this_thread::sleep_for(kBetweenTries);
    lock.lock();
    done_ = target;
    changed_.notify_all();
  }
}

/// True when there is nothing left to try.
bool LightSwitch::go_dark() {
  const std::lock_guard exchange(exchange_);
  if (output_.link() == Link::disconnected) return true;
  const std::uint64_t generation = output_.generation();
  const auto off = output_.off();
  const auto on = ask_whether_on();
  bool fresh = false;
  {
    const std::lock_guard lock(mutex_);
    fresh = fresh_generation_ == generation;
  }
  const bool restored = fresh || (off && output_.restore().ok());
  const std::lock_guard lock(mutex_);
  if (restored) fresh_generation_ = generation;
  changed_.notify_all();
  return on && !*on && restored;
}

Result<bool> LightSwitch::ask_whether_on() {
  auto on = output_.is_on();
  const std::lock_guard lock(mutex_);
  known_dark_ = on && !*on;
  if (on) reported_on_ = *on;
  return on;
}

Result<LightSwitch::Seen> LightSwitch::look() {
  const std::lock_guard exchange(exchange_);
  Seen seen;
  const auto on = ask_whether_on();
  if (!on) return on.error();
  seen.on = *on;
  if (seen.on) return seen;
  const auto dark = output_.looks_dark ? output_.looks_dark() : Result<bool>(true);
  if (!dark) return dark.error();
  const auto blocked = output_.is_blocked ? output_.is_blocked() : Result<bool>(false);
  if (!blocked) return blocked.error();
  seen.dark = *dark;
  seen.blocked = *blocked;
  const std::lock_guard lock(mutex_);
  // It went off, or lost its permission, without us: not to come back without arming.
  if (phase_ == Phase::lit || (phase_ == Phase::armed && seen.blocked)) {
    phase_ = Phase::tripped;
    ++epoch_;
  }
  return seen;
}

EmissionState LightSwitch::judge(const Seen& seen) {
  if (seen.on) return EmissionState::emitting;
  if (!seen.dark) return EmissionState::unknown;
  const std::lock_guard lock(mutex_);
  switch (phase_) {
    case Phase::armed:
      return EmissionState::armed;
    case Phase::tripped:
      return EmissionState::tripped;
    case Phase::lit:  // switched on since the look
      return EmissionState::unknown;
    case Phase::off:
      break;
  }
  return EmissionState::off;
}

Result<EmissionState> LightSwitch::emission() {
  if (auto ok = ready(); !ok && ok.error().code == Code::disconnected) return ok.error();
  const auto seen = look();
  if (seen) return judge(*seen);
  if (seen.error().code == Code::disconnected) return seen.error();
  return EmissionState::unknown;
}

void LightSwitch::set_level(LightLevel level) {
  const std::lock_guard lock(mutex_);
  level_ = level;
}

LightLevel LightSwitch::level() const {
  const std::lock_guard lock(mutex_);
  return level_;
}

LightLevel LightSwitch::reported_level() const noexcept {
  const std::lock_guard lock(mutex_);
  if (!reported_on_) return LightLevel::off;
  return level_ == LightLevel::off ? LightLevel::alignment : level_;  // lit by another hand: the worst is assumed
}

}  // namespace nicol::scpi_laser
