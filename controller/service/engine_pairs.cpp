// SPDX-License-Identifier: Apache-2.0
// Blocks of shared pairs: both sides measure for the block's time, Alice tells when she clicked, Bob finds the pairs. A
// glitch costs the side's own time from the last good look on, not the block.
#include <fmt/format.h>
#include <unistd.h>

#include "controller/service/engine.hpp"
#include "controller/service/pair_source.hpp"

namespace nicol::service {

bool Engine::shares_pairs() const { return options_.session.agreement.protocol == session::Protocol::bbm92; }

Result<void> Engine::open_pairs(const session::EventOpenLight& event) {
  forget_measurement();
  if (auto ready = make_ready(); !ready) return ready;
  if (options_.session.side == session::Side::alice) {
    if (auto given = consent(); !given) return given;
    if (auto lit = light_pairs(*parts_.rig); !lit) return lit;
  }
  PairReceiverOptions o;
  o.side = options_.session.side;
  o.pairs = options_.session.agreement.pairs;
  o.clicks_per_block = options_.clicks_per_block;
  if (matcher_) o.corrections = matcher_->delays().corrections();
  list_due_ = deadlines_.in(options_.session.light_timeout);
  if (!guard_) guard_.emplace(guard_of(*parts_.rig));
  o.journal = recorder_.get();
  auto receiver = PairReceiver::begin(*parts_.rig, random(), *guard_, o, event.index, event.slots);
  if (!receiver) return std::move(receiver).error();
  pair_receiver_ = std::make_unique<PairReceiver>(*std::move(receiver));
  return {};
}

Engine::After Engine::drive_pairs() {
  const RigWatch::Look look = watch_.look(RigWatch::Expect::light);
  if (look.fault) return pairs_faltered(look.fault->error, look.fault->doubt);
  if (look.confirmed) pair_receiver_->confirm();
  const auto progress = pair_receiver_->work();
  if (!progress) return pairs_faltered(progress.error(), Doubt::tagger);
  const auto slots =
      static_cast<std::uint64_t>(pair_receiver_->elapsed().count / options_.session.agreement.pairs.slot_period.count);
  now_.clicks = pair_receiver_->clicks();
  if (*progress == PairReceiver::Progress::acquired) light_moved();
  now_.slots_done = std::min(slots, now_.block_slots);
  const bool over = *progress == PairReceiver::Progress::finished || (her_list_ && nothing_more(*progress));
  if (!over) return await_her_list();
  const RigWatch::Look last = watch_.look_now(RigWatch::Expect::light);
  if (last.fault) {
    tell(*last.fault);
    pair_receiver_->drop_unconfirmed();
  }
  return measurement_over();
}

/// Her block may be over while she says nothing: a tagger that goes on counting must not keep Bob here for ever. By his
/// own time he has all of it and a second; from then on her list has the light's patience.
Engine::After Engine::await_her_list() {
  const bool waits = options_.session.side == session::Side::bob && !her_list_ && now_.slots_done == now_.block_slots;
  if (!waits) {
    list_due_ = deadlines_.in(options_.session.light_timeout);
    return light_stalled();
  }
  if (!deadlines_.passed(list_due_)) return light_stalled();
  const std::string why = fmt::format("the peer's list did not come for {} ms after the block's time",
                                      options_.session.light_timeout.count());
  say(LogLine::Level::error, "pairs", why);
  close_light(Ending::dark);
  return apply(session_->abort_block(session::BlockReason::peer, why));
}

/// Her detectors are shut: what of her light is still on its way to his tagger comes within a second of his time.
bool Engine::nothing_more(PairReceiver::Progress progress) const {
  constexpr Picoseconds grace = Picoseconds::seconds(1);
  return progress == PairReceiver::Progress::idle || pair_receiver_->elapsed() > listed_at_ + grace;
}

/// What was measured until the last good look stays; of a tagger that is lost, all that it has shown.
Engine::After Engine::pairs_faltered(const Error& error, Doubt doubt) {
  if (safe_off_) return After::go_on;  // the next turn gives the block up
  if (!is_glitch(error)) return light_failed(error);
  const RigFault fault = fault_behind(error, doubt);
  tell(fault);
  if (fault.doubt == Doubt::tagger && watch_.stands(RigWatch::Expect::light)) pair_receiver_->confirm();
  pair_receiver_->drop_unconfirmed();
  return measurement_over();
}

Engine::After Engine::measurement_over() {
  auto measured = pair_receiver_->finish();
  close_light(Ending::rest);
  if (options_.session.side == session::Side::bob) {
    measured_ = std::move(measured);
    if (apply(session_->measurement_finished()) == After::reconnect) return After::reconnect;
    return match_pairs();
  }
  auto closed = detection::pairs::close(std::move(measured), options_.session.agreement.pairs.closed_tick);
  return apply(session_->measurement_closed(std::move(closed.list), std::move(closed.clicks)));
}

Engine::After Engine::peer_closed(detection::pairs::ClosedList&& list) {
  light_moved();
  her_list_ = std::move(list);
  if (pair_receiver_) listed_at_ = pair_receiver_->elapsed();
  return match_pairs();
}

/// Once both lists are in. The search has a thread of its own.
Engine::After Engine::match_pairs() {
  if (!measured_ || !her_list_) return After::go_on;
  if (!matching_)
    matching_ = std::make_unique<PairMatching>([fd = wake_.get()] {
      const std::uint64_t one = 1;
      if (::write(fd, &one, sizeof one) < 0) return;
    });
  if (!matcher_) matcher_.emplace(options_.session.agreement.pairs.closed_tick);
  matching_->begin({*matcher_, *std::exchange(her_list_, std::nullopt), *std::exchange(measured_, std::nullopt)});
  return After::go_on;
}

void Engine::forget_measurement() {
  her_list_.reset();
  measured_.reset();
  if (matching_) matching_->abandon();
}

Engine::After Engine::take_pairs() {
  auto matched = matching_ ? matching_->take() : std::nullopt;
  if (!matched) return After::go_on;
  LightNotes(recorder_.get()).act(LightAct::match);
  matcher_ = matched->matcher;
  const auto& r = matched->pairs.report;
  now_.pairs = PairReport{r.locked, r.now.offset,   r.now.frequency, r.sigma,         r.jitter_sigma,
                          r.window, r.coincidences, r.accidentals,   r.alice_seconds, matcher_->delays().fitted()};
  const std::string& none = matched->pairs.why_none;
  if (!none.empty()) say(LogLine::Level::warning, "pairs", none);
  if (!none.empty()) now_.last_error = none;
  detection::SlotDetector::Finished finished;
  finished.clicks =
      detection::pairs::paired_clicks(std::move(matched->his), matched->pairs, options_.session.agreement.pairs.state);
  return apply(session_->detection_finished(std::move(finished)));
}

}  // namespace nicol::service
