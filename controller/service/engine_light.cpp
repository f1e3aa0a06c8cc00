// SPDX-License-Identifier: Apache-2.0
// The quantum phase as the engine sees it: light opens, is driven in bounded pieces, and goes out on every way out.
#include <fmt/format.h>

#include "controller/service/engine.hpp"
#include "controller/service/rig_preparation.hpp"
#include "controller/session/authenticator.hpp"

namespace nicol::service {

void Engine::light_off() noexcept {
  safe_off_ = true;
  parts_.rig->safe_state();
}

Engine::After Engine::maybe_open_block() {
  const bool wanted = now_.blocks_done < now_.blocks_wanted;
  if (options_.session.side != session::Side::alice || !peer_ready_ || !wanted || safe_off_) return After::go_on;
  if (session_->block_open() || (not_before_.at != Deadline{}.at && !deadlines_.passed(not_before_)))
    return After::go_on;
  if (!rig_whole_ || pools_spent()) return After::go_on;
  if (const auto prepared = prepare_rig(*parts_.rig); !prepared) {
    tell(fault_behind(prepared.error(), Doubt::rig));
    not_before_ = deadlines_.in(std::chrono::seconds(1));
    return After::go_on;
  }
  if (!armed_if_it_must_be()) return After::go_on;  // a block without light would cost its pads
  return apply(session_->open_block());
}

/// A block is started only if its worst-case tag use can be reserved; without that a node stops and says so.
bool Engine::pools_spent() {
  const std::uint64_t need = session::reservation_bits(options_.session.agreement.tag_bits);
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
  auto& rig = *parts_.rig;
  if (options_.session.side == session::Side::alice) {
    if (auto r = consent(); !r) return (void)light_failed(r.error());
    EmitterOptions o;
    o.p_diagonal = options_.session.agreement.p_alice_diagonal;
    o.clicks_per_block = options_.clicks_per_block;
    auto emitter = Emitter::begin(rig, *parts_.random, o, event.index, event.slots);
    if (!emitter) return (void)light_failed(emitter.error());
    emitter_ = std::make_unique<Emitter>(*std::move(emitter));
    if (safe_off_) rig.safe_state();  // pressed while light came up
    return;
  }
  if (auto r = prepare_rig(rig); !r) return (void)light_failed(r.error());
  ReceiverOptions o;
  o.p_diagonal = options_.session.agreement.p_bob_diagonal;
  o.clicks_per_block = options_.clicks_per_block;
  auto receiver = Receiver::begin(rig, *parts_.random, o, event.index, event.slots);
  if (!receiver) return (void)light_failed(receiver.error());
  receiver_ = std::make_unique<Receiver>(*std::move(receiver));
  if (safe_off_) return rig.safe_state();  // pressed while the eyes opened: the next turn gives the block up
  apply(session_->receiver_ready());
}

/// Simulated light needs nobody's consent; a real source stays disarmed until the operator arms it.
Result<void> Engine::consent() {
  auto* source = parts_.rig->find<hal::PhotonSource>("source");
  if (source == nullptr || options_.consent == Consent::operator_only) return {};
  const auto emission = source->emission();
  if (!emission) return emission.error();
  return *emission == hal::EmissionState::off ? source->arm({os_random_word()}) : Result<void>();
}

void Engine::close_light(Ending ending) noexcept {
  if (options_.session.side == session::Side::bob)
    Receiver::close(*parts_.rig);
  else if (ending == Ending::rest)
    Emitter::rest(*parts_.rig);
  else
    Emitter::dark(*parts_.rig);
  emitter_.reset();
  receiver_.reset();
  pause_.reset();
  now_.pause.reset();
}

Engine::After Engine::light_failed(const Error& error) {
  say(LogLine::Level::error, "rig", describe(error));
  if (receiver_ && receiver_->over_rate())
    alarms.raise("over-rate", Severity::critical, describe(error),
                 "Bright light reached the detectors. Find it before the shutter opens again: it harms them, and it is "
                 "how a blinding attack looks.");
  close_light(Ending::dark);
  return apply(session_->abort_block(session::BlockReason::device, describe(error)));
}

Engine::After Engine::drive_light() {
  if (!emitter_ && !receiver_) return After::go_on;
  if (!pause_ && watch_light() == After::reconnect) return After::reconnect;
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
  if (*progress != Receiver::Progress::finished) return light_stalled();
  last_look();
  auto finished = receiver_->finish();
  close_light(Ending::rest);
  return apply(session_->detection_finished(std::move(finished)));
}

}  // namespace nicol::service
