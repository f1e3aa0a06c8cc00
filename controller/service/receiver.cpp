// SPDX-License-Identifier: Apache-2.0
#include "controller/service/receiver.hpp"

#include <fmt/format.h>

#include "controller/service/analyser_plate.hpp"
#include "controller/service/roles.hpp"
#include "controller/service/settings.hpp"
#include "controller/service/tag_look.hpp"

namespace nicol::service {
namespace {

constexpr std::size_t kTags = 1 << 14;

/// Shutter closed, detectors off: all there are.
void shut_eyes(const hal::Rig& rig) noexcept {
  if (auto* shutter = rig.find<hal::Shutter>("shutter")) shutter->close();
  for (const auto& entry : rig.entries())
    if (auto* detector = dynamic_cast<hal::Detector*>(entry.device.get())) detector->disable();
}

/// By a sync channel, a pulse a second, or what Alice sends for everybody to know.
Result<void> can_tell_slots(const hal::Rig& rig, const ReceiverOptions& options) {
  bool marked = options.pattern.has_value();
  for (const hal::ChannelLayout& c : rig.timing.channels)
    marked = marked || c.role == hal::ChannelRole::sync || c.role == hal::ChannelRole::pps;
  if (!marked)
    return Error{Code::not_supported,
                 "no slot clock: the tagger has no sync and no pps channel, and no public slots were agreed",
                 "tagger",
                 0,
                 {}};
  if (rig.receiver != hal::ReceiverKind::active) return {};
  for (const hal::ChannelLayout& c : rig.timing.channels)
    if (c.role == hal::ChannelRole::sync || c.role == hal::ChannelRole::pps) return {};
  return Error{Code::not_supported,
               "no slot clock: an active receiver sets its bases by slot and needs a sync channel",
               "tagger",
               0,
               {}};
}
}  // namespace

Receiver::Receiver(hal::Rig& rig, RateGuard& guard, const ReceiverOptions& options, std::uint64_t slots)
    : rig_(&rig),
      options_(options),
      slots_(slots),
      tagger_(rig.find<hal::TimeTagger>("tagger")),
      tags_(std::make_unique<TagBuffer>(kTags)),
      guard_(&guard) {}

Result<Receiver> Receiver::begin(hal::Rig& rig, Random& random, RateGuard& guard, const ReceiverOptions& options,
                                 std::uint64_t block, std::uint64_t slots) {
  Receiver r(rig, guard, options, slots);
  if (r.tagger_ == nullptr) return Error{Code::not_found, "the rig has no tagger", "", 0, {}};
  if (auto ok = can_tell_slots(rig, options); !ok) return std::move(ok).error();
  if (auto homed = home_plate(rig); !homed) return std::move(homed).error();
  if (auto open = open_eyes(rig); !open) return std::move(open).error();
  guard.begin_anew();
  if (auto started = r.tagger_->start(); !started) return std::move(started).error();
  r.detector_.emplace(DetectionPlan{block, slots, rig.receiver, options.p_diagonal, options.clicks_per_block,
                                    rig.timing, r.tagger_->caps().tick, options.pattern, options.known_clock},
                      random, options.journal);
  if (r.analyses())
    if (auto turned = r.turn_analyser(0); !turned) return std::move(turned).error();
  return r;
}

Result<void> open_eyes(hal::Rig& rig) {
  if (auto* shutter = rig.find<hal::Shutter>("shutter"))
    if (auto opened = shutter->open(); !opened) return opened;
  for (const auto& entry : rig.entries())
    if (counts_light(rig, entry))
      if (auto on = dynamic_cast<hal::Detector&>(*entry.device).enable(); !on) return on;
  return {};
}

/// Four analyser angles: 0 and 22.5 degrees for the bases, 45 more to swap the roles of the two detectors.
Result<void> Receiver::turn_analyser(std::uint64_t slot) {
  const auto k = static_cast<std::size_t>(slot);
  const BlockDetection::Choices& choices = *detector_->choices();
  const double degrees = (bit_at(choices.bases, k) ? 22.5 : 0.0) + (bit_at(choices.swapped, k) ? 45.0 : 0.0);
  const Picoseconds before = rig_->clock->now();
  if (auto r = turn_plate(*rig_, Angle::degrees(degrees)); !r) return r;
  if (rig_->clock->now() - before > rig_->timing.slot_period) detector_->drop({slot, slot + 2});
  ready_for_ = slot;
  return {};
}

Result<Receiver::Progress> Receiver::acquire() {
  doubt_ = Doubt::tagger;
  TagLook look = look_at_tags(*tagger_, *tags_, *guard_, options_.acquire_patience,
                              [&](const hal::TagBlock& block) { return detector_->process(block); });
  if (!look.seen) return std::move(look.seen).error();
  if (auto ok = stands(look.status); !ok) return std::move(ok).error();
  return look.status == hal::StreamStatus::timeout ? Progress::idle : Progress::acquired;
}

Result<Receiver::Progress> Receiver::work() {
  if (detector_->done()) return Progress::finished;  // whatever became of the tagger
  auto progress = acquire();
  if (!progress || detector_->done()) return progress ? Result<Progress>(Progress::finished) : std::move(progress);
  // The frame marker comes with slot 0: from then on every piece of light ends a slot.
  if (*progress == Progress::acquired && analyses() && detector_->frame_seen() && ready_for_ + 1 < slots_)
    if (auto r = turn_analyser(ready_for_ + 1); !r) {
      doubt_ = Doubt::rig;
      return std::move(r).error();
    }
  return progress;
}

std::uint64_t Receiver::pause(Doubt doubt) {
  detector_->hold();
  if (doubt == Doubt::tagger) {
    tagger_lost_ = true;
    shut_eyes(*rig_);  // nobody counts what falls on them now
    (void)tagger_->stop();
  }
  if (doubt == Doubt::rig) in_doubt_from_ = std::min(in_doubt_from_, confirmed_);
  return std::min(in_doubt_from_, detector_->complete_slots());  // from there on resume() drops in any case
}

Result<void> Receiver::wait_in_dark() {
  if (tagger_lost_) return {};
  const auto progress = acquire();
  if (!progress && !is_glitch(progress.error())) return progress.error();
  if (!progress) pause(Doubt::tagger);
  drained_ = drained_ || (progress && *progress == Progress::idle);
  return {};
}

Result<void> Receiver::resume(std::uint64_t slot) {
  using detection::StreamAfterPause;
  const bool more = slot < slots_;  // else no light is to come: nobody needs to look
  if (more)
    if (auto open = look_again(); !open) return open;
  detector_->drop({std::min(in_doubt_from_, slot), slot});
  const auto stream = tagger_lost_ ? StreamAfterPause::restarted : StreamAfterPause::goes_on;
  doubt_ = Doubt::tagger;
  if (auto on = detector_->resume(slot, stream); !on) return on;
  tagger_lost_ = tagger_lost_ && !more;
  in_doubt_from_ = kNone;
  confirmed_ = slot;
  doubt_ = Doubt::rig;
  return analyses() && more ? turn_analyser(slot) : Result<void>();
}

/// Eyes open, and a tagger that was lost counts again.
Result<void> Receiver::look_again() {
  doubt_ = Doubt::rig;
  if (auto open = open_eyes(*rig_); !open) return open;
  if (!tagger_lost_) return {};
  doubt_ = Doubt::tagger;
  (void)tagger_->stop();
  guard_->begin_anew();
  return tagger_->start();
}

void Receiver::close(hal::Rig& rig) noexcept {
  shut_eyes(rig);
  if (auto* tagger = rig.find<hal::TimeTagger>("tagger")) (void)tagger->stop();
}

}  // namespace nicol::service
