// SPDX-License-Identifier: Apache-2.0
// A glitch pauses the light: the rig goes to rest, the peer hears, people are told what to do, and when everything
// stands again light goes on. The block waits; what nobody can vouch for is dropped on both sides.
#include <fmt/format.h>

#include "controller/service/engine.hpp"

namespace nicol::service {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kLookAgain{50}, kTryAgain{500}, kLongestDrain{2'000};

}  // namespace

/// The device behind an error: the one without a link, else the one that the error or its place names.
RigFault Engine::fault_behind(const Error& error, Doubt doubt) const {
  if (auto gone = watch_.unplugged()) return *std::move(gone);
  const std::string role = doubt == Doubt::source ? "source" : doubt == Doubt::tagger ? "tagger" : error.device;
  for (const auto& entry : parts_.rig->entries())
    if (entry.role == role || entry.name == role || entry.device->info().serial == error.device)
      return {entry.name, entry.device->info().serial, doubt, error};
  return {role.empty() ? "the rig" : role, {}, doubt, error};
}

void Engine::tell(const RigFault& fault) {
  const std::string what = fmt::format("{} {}: {}", fault.device, fault.serial, describe(fault.error));
  if (alarmed_ == what) return;
  alarmed_ = what;
  const bool unplugged = watch_.unplugged().has_value();
  const std::string wait = pause_ ? " The block waits." : "";
  alarms.raise(unplugged ? kUnplugged : kGlitch, Severity::warning, what,
               unplugged ? fmt::format("Plug in {} {}.{}", fault.device, fault.serial, wait)
                         : fmt::format("See to {} {}.{}", fault.device, fault.serial, wait));
  say(LogLine::Level::warning, "rig", what);
  if (!pause_) return;
  pause_->report.device = fault.device;
  pause_->report.serial = fault.serial;
  pause_->report.what = what;
  now_.pause = pause_->report;
}

void Engine::all_well() {
  alarmed_.clear();
  for (const char* name : {kUnplugged, kGlitch}) alarms.clear(name);
  if (now_.state != NodeState::arm_wait) alarms.clear(kNeedsArming);
}

std::uint64_t Engine::rest(Doubt doubt) { return emitter_ ? emitter_->pause(doubt) : receiver_->pause(doubt); }

/// Light stops. Whatever stopped it, the rest of the rig is looked at now: several cables may be out at once, and one
/// of them may be back before its turn comes.
std::uint64_t Engine::stop_light(Doubt doubt) {
  if (doubt == Doubt::rig || !watch_.stands(RigWatch::Expect::light)) {
    rest(Doubt::rig);
  } else if (emitter_) {
    emitter_->confirm();
  } else {
    receiver_->confirm();
  }
  return rest(doubt);
}

Engine::After Engine::light_faltered(const Error& error, Doubt doubt) {
  if (safe_off_) return After::go_on;  // the next turn gives the block up
  if (!is_glitch(error)) return light_failed(error);
  RigFault fault = fault_behind(error, doubt);
  stop_light(fault.doubt);
  const std::uint64_t from = rest(doubt);
  begin_pause();
  tell(fault);
  if (apply(session_->pause(from, pause_reason(fault.error))) == After::reconnect) return After::reconnect;
  // Bob has closed already: nothing more needs to be emitted, and nobody waits. (Its failure ends the block.)
  return emitter_ && !session_->light_paused() ? resume_light(emitter_->slots()) : After::go_on;
}

void Engine::begin_pause() {
  if (!pause_) {
    pause_.emplace();
    pause_->report.since = std::chrono::system_clock::now();
  }
  pause_->offered = false;
  pause_->retry = deadlines_.in(milliseconds(0));
  now_.state = NodeState::paused;
}

void Engine::end_pause() {
  if (!pause_) return;
  pause_.reset();
  now_.pause.reset();
  if (!watch_.unplugged()) all_well();  // a block may end without all of its devices
  now_.state = NodeState::running;
  light_moved();
}

/// The peer asks for a pause.
void Engine::peer_paused(const session::EventPauseLight& event) {
  if (!emitter_ && !receiver_) return;
  say(LogLine::Level::info, "block",
      fmt::format("the peer pauses from slot {}: {}", event.from_slot, to_string(event.reason)));
  if (!pause_) {
    stop_light(Doubt::peer);
    begin_pause();
    pause_->report.what = fmt::format("the peer pauses: {}", to_string(event.reason));
  }
  if (emitter_) emitter_->distrust(event.from_slot);
  if (receiver_) receiver_->distrust(event.from_slot);
}

void Engine::prepare_light(const session::EventPrepareLight& event) {
  if (!receiver_ || !pause_) return;
  pause_->light_at = event.first_slot;
  pause_->drained_by = deadlines_.in(kLongestDrain);
  receiver_->drain();
}

Engine::After Engine::resume_light(std::uint64_t slot) {
  if (!emitter_) return After::go_on;
  end_pause();
  const auto resumed = emitter_->resume(slot);
  if (safe_off_) parts_.rig->safe_state();  // pressed while light came back
  // At the block's end no device was asked: trying again would meet the same error.
  if (!resumed)
    return slot == emitter_->slots() ? light_failed(resumed.error())
                                     : light_faltered(resumed.error(), emitter_->doubt());
  say(LogLine::Level::info, "block", fmt::format("light goes on at slot {}", slot));
  return After::go_on;
}

/// One bounded piece of a pause.
Engine::After Engine::drive_pause() {
  light_moved();
  now_.pause = pause_->report;
  if (safe_off_ || !session_->light_paused()) return After::go_on;  // the block is being given up
  if (const auto read = emitter_ ? emitter_->wait_in_dark() : receiver_->wait_in_dark(); !read) {
    if (!is_glitch(read.error())) return light_failed(read.error());
    rest(Doubt::tagger);
  }
  // Nothing is left to emit or to see: no device is needed to say so.
  if (emitter_ && emitter_->all_out()) return offer_light();
  if (receiver_ && pause_->light_at == receiver_->slots()) return take_light();
  if (!deadlines_.passed(pause_->retry)) return After::go_on;
  pause_->retry = deadlines_.in(kLookAgain);
  if (!rig_ready()) return After::go_on;
  return emitter_ ? offer_light() : take_light();
}

/// Every device is there, stands as it should, and the source is armed; else people are told what is missing.
bool Engine::rig_ready() {
  if (!watch_.stands(RigWatch::Expect::dark)) rest(Doubt::rig);
  if (const auto gone = watch_.unplugged()) {
    rest(gone->doubt);
    tell(*gone);
    now_.state = NodeState::paused;
    return false;
  }
  if (const auto prepared = make_ready(); !prepared) {
    rest(Doubt::rig);
    tell(fault_behind(prepared.error(), Doubt::rig));
    pause_->retry = deadlines_.in(kTryAgain);
    return false;
  }
  return !emitter_ || source_ready();
}

bool Engine::source_ready() {
  auto* source = parts_.rig->find<hal::PhotonSource>("source");
  auto emission = source->emission();
  if (emission && *emission == hal::EmissionState::off && options_.consent == Consent::given && !safe_off_) {
    if (const auto armed = source->arm({os_random_word()}); !armed)
      emission = armed.error();
    else
      emission = source->emission();
  }
  if (emission && (*emission == hal::EmissionState::armed || *emission == hal::EmissionState::emitting)) return true;
  pause_->retry = deadlines_.in(kLookAgain);
  if (now_.state == NodeState::arm_wait) return false;
  now_.state = NodeState::arm_wait;
  alarms.clear(kUnplugged);
  pause_->report.what = fmt::format("the source is {}: it is not armed again by itself",
                                    emission ? to_string(*emission) : std::string_view("silent"));
  alarms.raise(kNeedsArming, Severity::warning, pause_->report.what,
               "Arm the source when light may go on. The block waits.");
  return false;
}

Engine::After Engine::offer_light() {
  if (std::exchange(pause_->offered, true)) return After::go_on;
  return apply(session_->resume(emitter_->resume_slot()));
}

Engine::After Engine::take_light() {
  if (!pause_->light_at || (!receiver_->drained() && !deadlines_.passed(pause_->drained_by))) return After::go_on;
  const std::uint64_t slot = *pause_->light_at;
  if (const auto ready = receiver_->resume(slot); !ready) {
    if (!is_glitch(ready.error())) return light_failed(ready.error());
    rest(receiver_->doubt());
    tell(fault_behind(ready.error(), receiver_->doubt()));
    pause_->retry = deadlines_.in(kTryAgain);
    return After::go_on;
  }
  end_pause();
  if (safe_off_) {  // pressed while the eyes opened: the next turn gives the block up
    parts_.rig->safe_state();
    return After::go_on;
  }
  say(LogLine::Level::info, "block", fmt::format("ready for light from slot {}", slot));
  return apply(session_->resumed());
}

/// While light is open: what was done so far is confirmed, or light stops.
Engine::After Engine::watch_light() {
  const RigWatch::Look look = watch_.look(RigWatch::Expect::light);
  if (look.fault) return light_faltered(look.fault->error, look.fault->doubt);
  if (look.confirmed && emitter_) emitter_->confirm();
  if (look.confirmed && receiver_) receiver_->confirm();
  return After::go_on;
}

/// The last look of a block: what no look confirms is dropped; there is no light to wait for.
void Engine::last_look() {
  if (emitter_ ? emitter_->all_confirmed() : receiver_->all_confirmed()) return;
  const RigWatch::Look look = watch_.look_now(RigWatch::Expect::light);
  if (!look.fault) return;
  tell(*look.fault);
  if (emitter_) emitter_->drop_unconfirmed();
  if (receiver_) receiver_->drop_unconfirmed();
}

}  // namespace nicol::service
