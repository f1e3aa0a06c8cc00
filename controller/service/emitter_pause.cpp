// SPDX-License-Identifier: Apache-2.0
// Alice's light pauses: what she cannot vouch for is dropped, and no slot is ever shown twice.
#include <algorithm>

#include "controller/service/emitter.hpp"

namespace nicol::service {

Error Emitter::failed(Doubt where, Error error) {
  doubt_ = where;
  return error;
}

std::uint64_t Emitter::left() const { return std::min(next_slot_, source_->first_unsent().value_or(next_slot_)); }

std::uint64_t Emitter::pause(Doubt doubt) {
  std::uint64_t from = left();  // the rest leaves behind the shutter, or never
  if (auto* shutter = rig_->find<hal::Shutter>("shutter")) shutter->close();
  (void)source_->set_light_level(hal::LightLevel::off);
  settings_.hold();
  if (doubt == Doubt::rig) from = confirmed_;
  if (doubt == Doubt::tagger && heralded()) {
    tagger_lost_ = true;
    from = std::min(from, settings_.herald_complete());
  }
  in_doubt_from_ = std::min(in_doubt_from_, from);
  return in_doubt_from_;
}

void Emitter::distrust(std::uint64_t from_slot) { in_doubt_from_ = std::min(in_doubt_from_, from_slot); }

Result<void> Emitter::wait_in_dark() { return tagger_lost_ ? Result<void>() : read_heralds(); }

std::uint64_t Emitter::resume_slot() const {
  const std::uint64_t divider = std::max<std::uint64_t>(rig_->timing.sync_divider, 1);
  const std::uint64_t shown = next_slot_ + attempted_;
  return std::min((shown + divider - 1) / divider * divider, slots_);
}

Result<void> Emitter::resume(std::uint64_t slot) {
  if (heralded()) distrust(settings_.herald_complete());
  settings_.drop({std::min(in_doubt_from_, slot), slot});
  in_doubt_from_ = kNone;
  attempted_ = 0;
  next_slot_ = confirmed_ = slot;
  settings_.preamble_at(slot);
  if (auto r = resume_heralds(slot); !r) return r;
  if (slot < slots_) return relight(slot);
  (void)source_->end_block();  // for the light on its way; without the source there is none
  ended_ = true;
  return {};
}

Result<void> Emitter::resume_heralds(std::uint64_t slot) {
  if (!heralded()) return {};
  using detection::StreamAfterPause;
  if (tagger_lost_ && slot < slots_) {
    (void)tagger_->stop();
    if (auto r = tagger_->start(); !r) return failed(Doubt::tagger, r.error());
  }
  const auto stream = tagger_lost_ ? StreamAfterPause::restarted : StreamAfterPause::goes_on;
  if (auto r = settings_.resume(slot, stream); !r) return r;
  tagger_lost_ = tagger_lost_ && slot == slots_;
  return {};
}

Result<void> Emitter::relight(std::uint64_t slot) {
  attempted_ = 1;  // until it is known that the slot can still be used
  if (auto* shutter = rig_->find<hal::Shutter>("shutter"))
    if (auto r = shutter->open(); !r) return failed(Doubt::rig, r.error());
  if (auto r = source_->set_light_level(hal::LightLevel::quantum); !r) return failed(Doubt::source, r.error());
  if (auto r = switch_on(*source_); !r) return failed(Doubt::source, r.error());
  if (auto r = source_->resume_block(slot); !r) return failed(Doubt::source, r.error());
  attempted_ = 0;
  return {};
}

}  // namespace nicol::service
