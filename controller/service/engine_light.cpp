// SPDX-License-Identifier: Apache-2.0
// The quantum phase as the engine sees it: light opens, is driven in bounded pieces, and goes out on every way out.
#include <fmt/format.h>

#include "controller/service/engine.hpp"
#include "controller/service/pair_source.hpp"

namespace nicol::service {

void Engine::light_off() noexcept {
  safe_off_ = true;
  parts_.rig->safe_state();
}

/// The session does not time a block while light is open; slots must move on, or the block is given up.
void Engine::light_moved() { light_due_ = deadlines_.in(options_.session.light_timeout); }

Engine::After Engine::light_stalled() {
  if (!deadlines_.passed(light_due_)) return After::go_on;
  return light_failed(
      {Code::timeout, fmt::format("no slot moved on for {} ms", options_.session.light_timeout.count()), "", 0, {}});
}

void Engine::open_light(const session::EventOpenLight& event) {
  if (safe_off_) return (void)apply(session_->abort_block(session::BlockReason::cancelled, "light off"));
  light_moved();
  now_.block = event.block;
  now_.block_slots = event.slots;
  now_.slots_done = now_.clicks = 0;
  now_.state = NodeState::running;
  if (auto opened = shares_pairs()                                  ? open_pairs(event)
                    : options_.session.side == session::Side::alice ? open_emitter(event)
                                                                    : open_receiver(event);
      !opened) {
    hold_off(opened.error());
    return (void)light_failed(opened.error());
  }
  held_off_.clear();
  failed_openings_ = 0;
  if (safe_off_) return parts_.rig->safe_state();  // pressed meanwhile: the next turn gives the block up
  if (options_.session.side == session::Side::bob) apply(session_->receiver_ready());
}

Result<void> Engine::open_emitter(const session::EventOpenLight& event) {
  if (auto r = consent(); !r) return r;
  EmitterOptions o;
  o.p_diagonal = options_.session.agreement.p_alice_diagonal;
  o.clicks_per_block = options_.clicks_per_block;
  o.pattern = event.pattern;
  o.journal = recorder_.get();
  auto emitter = Emitter::begin(*parts_.rig, random(), o, event.index, event.slots);
  if (!emitter) return std::move(emitter).error();
  emitter_ = std::make_unique<Emitter>(*std::move(emitter));
  return {};
}

Result<void> Engine::open_receiver(const session::EventOpenLight& event) {
  if (auto r = make_ready(); !r) return r;
  track_from_here(event.slots);
  ReceiverOptions o;
  o.p_diagonal = options_.session.agreement.p_bob_diagonal;
  o.clicks_per_block = options_.clicks_per_block;
  o.pattern = event.pattern;
  o.known_clock = known_clock_;
  lock_due_ = deadlines_.in(options_.lock_patience);
  if (!guard_) guard_.emplace(guard_of(*parts_.rig));
  o.journal = recorder_.get();
  auto receiver = Receiver::begin(*parts_.rig, random(), *guard_, o, event.index, event.slots);
  if (!receiver) return std::move(receiver).error();
  receiver_ = std::make_unique<Receiver>(*std::move(receiver));
  return {};
}

/// Simulated light needs nobody's consent; a real source stays disarmed until the operator arms it.
Result<void> Engine::consent() {
  auto* source = light_source(*parts_.rig);
  if (source == nullptr || options_.consent == Consent::operator_only) return {};
  const auto emission = source->emission();
  if (!emission) return emission.error();
  return *emission == hal::EmissionState::off ? source->arm({os_random_word()}) : Result<void>();
}

void Engine::close_light(Ending ending) noexcept {
  if (options_.session.side == session::Side::bob)
    Receiver::close(*parts_.rig);
  else if (shares_pairs())
    ending == Ending::rest ? rest_pairs(*parts_.rig) : dark_pairs(*parts_.rig);
  else if (ending == Ending::rest)
    Emitter::rest(*parts_.rig);
  else
    Emitter::dark(*parts_.rig);
  emitter_.reset();
  receiver_.reset();
  pair_receiver_.reset();
  pause_.reset();
  now_.pause.reset();
}

Engine::After Engine::light_failed(const Error& error) {
  say(LogLine::Level::error, "rig", describe(error));
  close_light(Ending::dark);
  const After after = apply(session_->abort_block(session::BlockReason::device, describe(error)));
  if (error.code == Code::over_rate) went_bright(error);
  return after;
}

/// Latched as if somebody had switched light off: what shines there must be found first, by a person.
void Engine::went_bright(const Error& error) {
  dark_because_ = describe(error);
  light_off();
  alarms.raise(
      "over-rate", Severity::critical, dark_because_,
      "Bright light reached the detectors: it harms them, and it is how a blinding attack looks. Find it, then "
      "reset: no eye opens before.");
}

Engine::After Engine::drive_light() {
  if (pair_receiver_) return drive_pairs();
  if (!emitter_ && !receiver_) return After::go_on;
  const bool all_seen = emitter_ ? emitter_->all_confirmed() : receiver_->all_confirmed();
  if (!pause_ && !all_seen && watch_light() == After::reconnect) return After::reconnect;
  if (pause_) return drive_pause();
  if (emitter_) return drive_emitter();
  return receiver_ ? drive_receiver() : After::go_on;
}

Engine::After Engine::drive_emitter() {
  const auto progress = emitter_->work();
  if (!progress) return light_faltered(progress.error(), emitter_->doubt());
  emitter_waits_ = *progress == Emitter::Progress::waiting;
  if (*progress == Emitter::Progress::emitted) light_moved();
  now_.slots_done = emitter_->slots_done();
  if (*progress != Emitter::Progress::finished) return light_stalled();
  last_look();
  auto prepared = emitter_->finish();
  close_light(Ending::rest);
  return apply(session_->emission_finished(std::move(prepared.kept), prepared.slots_prepared));
}

Engine::After Engine::drive_receiver() {
  const auto progress = receiver_->work();
  if (!progress) return light_faltered(progress.error(), receiver_->doubt());
  auto fresh = receiver_->take_progress();
  receiver_->count(fresh.clicked.size());
  now_.clicks = receiver_->clicks();
  if (fresh.complete_slots > now_.slots_done) {
    light_moved();
    now_.slots_done = fresh.complete_slots;
    if (apply(session_->hint(fresh.complete_slots, std::move(fresh.clicked))) == After::reconnect)
      return After::reconnect;
  }
  if (!receiver_ || pause_) return After::go_on;
  if (watch_clock(*progress) == After::reconnect) return After::reconnect;
  if (!receiver_) return After::go_on;
  if (*progress != Receiver::Progress::finished) return light_stalled();
  last_look();
  auto finished = receiver_->finish();
  remember_clock(finished.report.clock);
  close_light(Ending::rest);
  return apply(session_->detection_finished(std::move(finished)));
}

}  // namespace nicol::service
