// SPDX-License-Identifier: Apache-2.0
#include "controller/service/emitter.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/service/analyser_plate.hpp"
#include "controller/service/settings.hpp"

namespace nicol::service {
namespace {

constexpr std::size_t kTags = 1 << 14;

/// Half-wave plate angle that turns horizontal light (0 degrees, rectilinear 1) into the state of (basis, bit).
Angle plate_angle(bool diagonal, bool bit) {
  const double polarisation = diagonal ? (bit ? 45.0 : 135.0) : (bit ? 0.0 : 90.0);
  return Angle::degrees(polarisation / 2);
}

}  // namespace

Result<void> Emitter::switch_on(hal::PulsedSource& source) {
  const auto emission = source.emission();
  if (!emission) return emission.error();
  return *emission == hal::EmissionState::emitting ? Result<void>() : source.enable_emission();
}

Emitter::Emitter(hal::Rig& rig, hal::PulsedSource& source, Random& random, const EmitterOptions& options,
                 const PreparationPlan& plan)
    : rig_(&rig),
      options_(options),
      slots_(plan.slots),
      source_(&source),
      tagger_(rig.find<hal::TimeTagger>("tagger")),
      caps_(source.caps()),
      settings_(plan, random, options.journal),
      tags_(plan.heralds ? std::make_unique<TagBuffer>(kTags) : nullptr) {}

Result<Emitter> Emitter::begin(hal::Rig& rig, Random& random, const EmitterOptions& options, std::uint64_t block,
                               std::uint64_t slots) {
  auto* source = rig.find<hal::PulsedSource>("source");
  auto* tagger = rig.find<hal::TimeTagger>("tagger");
  if (source == nullptr) return Error{Code::not_found, "the rig has no source", "", 0, {}};
  PreparationPlan plan{block, slots, options.p_diagonal, options.clicks_per_block, {}, options.pattern};
  if (source->caps().source == hal::SourceKind::heralded) {
    if (tagger == nullptr) return Error{Code::not_found, "a heralded source needs a tagger at Alice", "", 0, {}};
    if (auto r = tagger->start(); !r) return std::move(r).error();
    plan.heralds = {rig.timing, tagger->caps().tick};
  }
  Emitter e(rig, *source, random, options, plan);
  if (auto* shutter = rig.find<hal::Shutter>("shutter"))
    if (auto r = shutter->open(); !r) return std::move(r).error();
  if (auto r = home_plate(rig); !r) return std::move(r).error();
  if (auto r = e.source_->set_light_level(hal::LightLevel::quantum); !r) return std::move(r).error();
  if (auto r = switch_on(*e.source_); !r) return std::move(r).error();
  if (auto r = e.source_->begin_block(slots); !r) return std::move(r).error();
  return e;
}

void Emitter::rest(hal::Rig& rig) noexcept {
  if (auto* shutter = rig.find<hal::Shutter>("shutter")) shutter->close();
  if (auto* source = rig.find<hal::PulsedSource>("source")) (void)source->set_light_level(hal::LightLevel::off);
  if (auto* tagger = rig.find<hal::TimeTagger>("tagger")) (void)tagger->stop();
}

void Emitter::dark(hal::Rig& rig) noexcept {
  rest(rig);
  if (auto* source = rig.find<hal::PulsedSource>("source")) source->disable_emission();
}

std::size_t Emitter::chunk_slots() const {
  const std::size_t most = caps_.record == hal::PreparationRecord::motor_setting ? 1 : EmitterOptions::kChunkSlots;
  const std::size_t taken = caps_.max_pattern_slots > 0 ? std::min(most, caps_.max_pattern_slots) : most;
  return static_cast<std::size_t>(std::min<std::uint64_t>(taken, slots_ - next_slot_));
}

Result<Emitter::Progress> Emitter::work() {
  if (next_slot_ < slots_ && settings_.waiting() < options_.chunks_in_flight) {
    if (auto r = emit_chunk(); !r) return std::move(r).error();
    return Progress::emitted;
  }
  if (next_slot_ == slots_ && !ended_) {
    if (auto r = source_->end_block(); !r) return failed(Doubt::source, std::move(r).error());
    ended_ = true;
  }
  // A tagger on a cable says a little later how far it has come.
  if (heralded() && settings_.herald_complete() < next_slot_)
    if (auto r = read_heralds(); !r) return std::move(r).error();
  if (auto r = settings_.keep_complete(); !r) return std::move(r).error();
  return ended_ && settings_.waiting() == 0 ? Progress::finished : Progress::waiting;
}

Result<void> Emitter::emit_chunk() {
  const std::size_t n = chunk_slots();
  Chunk chunk = settings_.draw(next_slot_, n);
  const auto r = caps_.record == hal::PreparationRecord::motor_setting ? emit_motorised(chunk) : emit_pattern(chunk);
  if (!r) {
    attempted_ = n;
    return failed(Doubt::source, r.error());
  }
  next_slot_ += n;
  settings_.emitted(std::move(chunk));
  return read_heralds();
}

Result<void> Emitter::emit_pattern(const Chunk& chunk) {
  return chunk.bases.with_read([&](std::span<const std::uint64_t> bases) {
    return chunk.bits.with_read([&](std::span<const std::uint64_t> bits) {
      return source_->emit({chunk.first, chunk.slots, bases, bits, {}, {}});
    });
  });
}

Result<void> Emitter::emit_motorised(const Chunk& chunk) {
  const Angle angle = plate_angle(bit_at(chunk.bases, 0), bit_at(chunk.bits, 0));
  if (auto r = turn_plate(*rig_, angle); !r) return r;
  return source_->fire(1);
}

Result<void> Emitter::read_heralds() {
  if (!heralded()) return {};
  const SteadyDeadlines steady;
  while (true) {
    hal::TagBlock block = tags_->block();
    const hal::StreamStatus status = tagger_->acquire(block, Deadline{steady.now()});
    auto r = settings_.process(block);
    tags_->wipe(block);
    if (!r) return r;
    if (status == hal::StreamStatus::timeout) break;
    if (status == hal::StreamStatus::ok || status == hal::StreamStatus::overflow) continue;
    settings_.take_heralds();
    return failed(Doubt::tagger, {Code::disconnected, fmt::format("Alice's tagger: {}", to_string(status)), "tagger"});
  }
  settings_.take_heralds();
  return {};
}

}  // namespace nicol::service
