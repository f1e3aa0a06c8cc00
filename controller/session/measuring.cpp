// SPDX-License-Identifier: Apache-2.0
// Pairs: Alice's list goes out with its own tag once her detectors are shut; only when Bob has verified it, and his own
// are shut, does he say which of her clicks have a partner (DETECTIONS, with his bases and its own tag). Her bases
// leave after that. So neither side can still be made to measure when the first basis is known.
#include <fmt/core.h>

#include <cmath>

#include "controller/session/machine.hpp"

namespace nicol::session {

void Machine::measurement_closed(const detection::pairs::ClosedList& list, detection::Clicks&& clicks) {
  if (!next_state(config_.side, state_, Call::measurement_closed)) return;
  block_->light = false;
  if (list.times.size() > kMaxDetections || list.times.size() != clicks.slots.size())
    return fault(session_error(Code::exhausted,
                               fmt::format("{} clicks in one block (at most {})", list.times.size(), kMaxDetections)));
  enter(Call::measurement_closed);
  block_->entries = list.times.size();
  block_->slots_prepared = block_->entries;
  block_->clicks = std::move(clicks);
  if (Result<void> sent = send_tagged(FrameType::closed, TagPurpose::closed, encode(list)); !sent) fault(sent.error());
}

Result<void> Machine::on_closed(const Incoming& in) {
  if (Result<void> verified = verify_tag(in, TagPurpose::closed); !verified) return verified;
  Result<detection::pairs::ClosedList> list = decode_closed(in.body, closed_ticks(block_->agreement));
  if (!list) return list.error();
  block_->entries = list->times.size();
  event(EventPeerClosed{*std::move(list)});
  return {};
}

/// A side that faltered has finished early: the other may still have the whole block's time to measure, and only then
/// the light's patience begins.
void Machine::measurement_finished() {
  if (!enter(Call::measurement_finished)) return;
  block_->light = false;
  if (state_ != State::closed_wait) return;
  const double seconds =
      static_cast<double>(block_->agreement.block_slots) * block_->agreement.pairs.slot_period.seconds();
  deadline_ = deadlines_->in(config_.light_timeout + std::chrono::milliseconds(std::llround(std::ceil(seconds * 1e3))));
}

}  // namespace nicol::session
