// SPDX-License-Identifier: Apache-2.0
// Between blocks: each costs pads whatever becomes of it, so none is opened before both rigs are whole, homed, set and,
// where it must be, armed, and nobody's light is latched off.
#include <fmt/format.h>

#include <algorithm>

#include "controller/service/engine.hpp"
#include "controller/service/pair_source.hpp"
#include "controller/service/rig_preparation.hpp"
#include "controller/service/roles.hpp"
#include "controller/session/authenticator.hpp"

namespace nicol::service {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kTryAgain{500}, kAskAgainMost{2'000};
constexpr const char* kPeerNotReady = "peer-not-ready";

milliseconds doubled(milliseconds first, std::uint32_t times, milliseconds most) {
  return std::min(first * (1u << std::min<std::uint32_t>(times, 10)), most);
}

}  // namespace

/// Between blocks: a rig that is not whole opens none.
void Engine::look_after_idle_rig() {
  const RigWatch::Look look = watch_.look(RigWatch::Expect::unused);
  if (look.fault) {
    tell(*look.fault);
    rig_whole_ = false;
  } else if (look.confirmed) {
    all_well();
    rig_whole_ = true;
  }
}

/// Between blocks: a real source that nobody has armed opens none.
bool Engine::armed_if_it_must_be() {
  auto* source = light_source(*parts_.rig);
  if (source == nullptr || options_.consent == Consent::given) return true;
  const auto emission = source->emission();
  if (emission && (*emission == hal::EmissionState::armed || *emission == hal::EmissionState::emitting)) {
    alarms.clear(kNeedsArming);
    return true;
  }
  not_before_ = deadlines_.in(kTryAgain);
  now_.state = NodeState::arm_wait;
  if (arming_) return false;
  alarms.raise(kNeedsArming, Severity::warning,
               fmt::format("the source is {}", emission ? to_string(*emission) : std::string_view("silent")),
               "Arm the source (--arm, or the command) when light may go out. No block opens before.");
  return false;
}

/// Settings first: a mount may turn at another speed than it was told.
Result<void> Engine::make_ready() {
  if (auto held = settings_.hold(*parts_.rig); !held) return held;
  if (auto warm = warm_oven(*parts_.rig); !warm) return warm;
  return tracking_ ? tracking_->prepare() : prepare_rig(*parts_.rig);
}

void Engine::wait_before_next(milliseconds least) {
  const Deadline due = deadlines_.in(least);
  if (not_before_.at == Deadline{}.at || not_before_.at < due.at) not_before_ = due;
}

/// A rig that looked ready and then was not: the peer is not told so again at once.
void Engine::hold_off(const Error& error) {
  held_off_ = describe(error);
  wait_before_next(doubled(options_.backoff_first, failed_openings_++, options_.backoff_most));
}

/// A block is started only if its worst-case tag use can be reserved; without that a node stops and says so.
bool Engine::pools_spent() {
  const std::uint64_t need = session::worst_reservation_bits(options_.session.agreement);
  for (const auto& p : parts_.store->pools()) {
    const bool tags = p.pool == keystore::Pool::auth_ab || p.pool == keystore::Pool::auth_ba;
    if (!tags || p.available() >= need) continue;
    now_.last_error = fmt::format("pool {} holds {} bits, a block needs {}", to_string(p.pool), p.available(), need);
    alarms.raise("authentication-reserve-empty", Severity::critical, now_.last_error,
                 "Make a new pre-shared key and bring it to both nodes.");
    say(LogLine::Level::error, "keystore", now_.last_error);
    now_.blocks_wanted = now_.blocks_done;
    gave_up_ = true;
    publish();
    return true;
  }
  return false;
}

bool Engine::may_open() {
  const bool wanted = now_.blocks_done < now_.blocks_wanted;
  if (options_.session.side != session::Side::alice || !peer_ready_ || !wanted || safe_off_) return false;
  if (calibrating() || wanted_calibration_) return false;
  if (session_->block_open() || (not_before_.at != Deadline{}.at && !deadlines_.passed(not_before_))) return false;
  return rig_whole_ && !pools_spent();
}

Engine::After Engine::maybe_open_block() {
  if (asked_ || !may_open()) return After::go_on;
  if (const auto ready = make_ready(); !ready) {
    tell(fault_behind(ready.error(), Doubt::rig));
    wait_before_next(std::chrono::seconds(1));
    return After::go_on;
  }
  if (!armed_if_it_must_be()) return After::go_on;
  asked_ = true;
  return apply(session_->ask_ready());
}

/// Bob has answered.
Engine::After Engine::rig_answered(const session::EventRigReady& event) {
  asked_ = false;
  if (event.why_not.empty()) {
    alarms.clear(kPeerNotReady);
    refusals_ = 0;
    return may_open() && armed_if_it_must_be() ? apply(session_->open_block()) : After::go_on;
  }
  wait_before_next(doubled(options_.backoff_first, refusals_++, kAskAgainMost));
  now_.state = NodeState::backing_off;
  now_.last_error = fmt::format("the peer is not ready: {}", event.why_not);
  if (refusals_ > 1) return After::go_on;  // said once
  say(LogLine::Level::warning, "rig", now_.last_error);
  alarms.raise(kPeerNotReady, Severity::warning, now_.last_error,
               "See to the other node's rig. It is asked again, and no block opens before.");
  return After::go_on;
}

/// Alice asks; empty: this rig is ready for a block.
std::string Engine::why_not_ready() {
  if (safe_off_) return dark_because_.empty() ? std::string("light is switched off") : dark_because_;
  if (calibrating() || wanted_calibration_) return "this node is calibrating";
  if (!held_off_.empty() && !deadlines_.passed(not_before_)) return held_off_;
  if (const auto gone = watch_.unplugged()) {
    tell(*gone);
    return describe(gone->error);
  }
  if (const auto ready = make_ready(); !ready) {
    tell(fault_behind(ready.error(), Doubt::rig));
    return describe(ready.error());
  }
  for (const hal::Rig::Entry& entry : parts_.rig->entries()) {
    if (!counts_light(*parts_.rig, entry)) continue;
    const auto blinded = over_rate_of(dynamic_cast<hal::Detector&>(*entry.device));
    if (!blinded) continue;
    went_bright(*blinded);
    return dark_because_;
  }
  return {};
}

}  // namespace nicol::service
