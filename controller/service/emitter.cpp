// SPDX-License-Identifier: Apache-2.0
#include "controller/service/emitter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

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

Emitter::Emitter(hal::Rig& rig, Random& random, EmitterOptions options, std::uint64_t block, std::uint64_t slots)
    : rig_(&rig),
      random_(&random),
      options_(options),
      block_(block),
      slots_(slots),
      source_(rig.find<hal::PulsedSource>("source")),
      tagger_(rig.find<hal::TimeTagger>("tagger")),
      kept_bases_(options.clicks_per_block),
      kept_bits_(options.clicks_per_block),
      dropped_(slots) {}

Result<Emitter> Emitter::begin(hal::Rig& rig, Random& random, EmitterOptions options, std::uint64_t block,
                               std::uint64_t slots) {
  Emitter e(rig, random, options, block, slots);
  if (e.source_ == nullptr) return Error{Code::not_found, "the rig has no source", "", 0, {}};
  e.caps_ = e.source_->caps();
  const bool needs_heralds = e.caps_.source == hal::SourceKind::heralded;
  if (needs_heralds && e.tagger_ == nullptr)
    return Error{Code::not_found, "a heralded source needs a tagger at Alice", "", 0, {}};
  if (needs_heralds) {
    if (auto r = e.tagger_->start(); !r) return std::move(r).error();
    e.heralds_.emplace(rig.timing, e.tagger_->caps().tick, slots);
    e.tags_ = std::make_unique<TagBuffer>(kTags);
  }
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
  if (next_slot_ < slots_ && chunks_.size() < options_.chunks_in_flight) {
    if (auto r = emit_chunk(); !r) return std::move(r).error();
    return Progress::emitted;
  }
  if (next_slot_ == slots_ && !ended_) {
    if (auto r = source_->end_block(); !r) return failed(Doubt::source, std::move(r).error());
    ended_ = true;
  }
  // A tagger on a cable says a little later how far it has come.
  if (herald_complete_ < next_slot_)
    if (auto r = read_heralds(); !r) return std::move(r).error();
  if (auto r = keep_complete_chunks(); !r) return std::move(r).error();
  return ended_ && chunks_.empty() ? Progress::finished : Progress::waiting;
}

Result<void> Emitter::emit_chunk() {
  const std::size_t n = chunk_slots();
  Chunk chunk{next_slot_,
              n,
              draw_setting_bases(n, options_.p_diagonal, *random_, block_, next_slot_),
              draw_setting_bits(n, *random_, block_, next_slot_),
              {},
              {}};
  const auto r = caps_.record == hal::PreparationRecord::motor_setting ? emit_motorised(chunk) : emit_pattern(chunk);
  if (!r) {
    attempted_ = n;
    return failed(Doubt::source, r.error());
  }
  next_slot_ += n;
  if (!heralded()) prepared_ += n;
  chunks_.push_back(std::move(chunk));
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
    auto r = heralds_->process(block);
    tags_->wipe(block);
    if (!r) return r;
    if (status == hal::StreamStatus::timeout) break;
    if (status == hal::StreamStatus::ok || status == hal::StreamStatus::overflow) continue;
    take_heralds();
    return failed(Doubt::tagger, {Code::disconnected, fmt::format("Alice's tagger: {}", to_string(status)), "tagger"});
  }
  take_heralds();
  return {};
}

void Emitter::take_heralds() {
  auto progress = heralds_->take_progress();
  herald_complete_ = progress.complete_slots;
  place_heralds(progress.heralded);
}

void Emitter::place_heralds(const std::vector<std::uint64_t>& heralded) {
  prepared_ += heralded.size();
  auto it = heralded.begin();
  for (Chunk& chunk : chunks_) {
    it = std::lower_bound(it, heralded.end(), chunk.first);  // a pause leaves gaps between chunks
    const auto end = std::lower_bound(it, heralded.end(), chunk.first + chunk.slots);
    chunk.heralded.insert(chunk.heralded.end(), it, end);
    it = end;
  }
}

Result<void> Emitter::hint(std::uint64_t complete_slots, const std::vector<std::uint64_t>& clicked) {
  if (complete_slots < hinted_ || complete_slots > slots_ || !std::is_sorted(clicked.begin(), clicked.end()))
    return Error{Code::protocol, fmt::format("a hint for slots up to {} after {}", complete_slots, hinted_), "", 0, {}};
  auto it = clicked.begin();
  for (Chunk& chunk : chunks_) {
    it = std::lower_bound(it, clicked.end(), chunk.first);
    const auto end = std::lower_bound(it, clicked.end(), chunk.first + chunk.slots);
    chunk.clicked.insert(chunk.clicked.end(), it, end);
    it = end;
  }
  hinted_ = complete_slots;
  return {};
}

Result<void> Emitter::keep_complete_chunks() {
  while (!chunks_.empty()) {
    const std::uint64_t end = chunks_.front().first + chunks_.front().slots;
    if (hinted_ < end || (heralded() && herald_complete_ < end)) break;
    if (auto r = keep(chunks_.front()); !r) return r;
    chunks_.pop_front();
  }
  return {};
}

Result<void> Emitter::keep(const Chunk& chunk) {
  std::vector<std::uint64_t> kept = chunk.clicked;
  if (heralded()) {
    kept.clear();
    std::set_intersection(chunk.clicked.begin(), chunk.clicked.end(), chunk.heralded.begin(), chunk.heralded.end(),
                          std::back_inserter(kept));
  }
  if (kept_bits_.size() + kept.size() > kept_bits_.capacity())
    return Error{
        Code::exhausted, fmt::format("more than {} kept slots in one block", kept_bits_.capacity()), "", 0, {}};
  std::vector<std::uint32_t> positions(kept.size());
  std::transform(kept.begin(), kept.end(), positions.begin(),
                 [&](std::uint64_t s) { return static_cast<std::uint32_t>(s - chunk.first); });
  kept_bases_.append_selected(chunk.bases, positions);
  kept_bits_.append_selected(chunk.bits, positions);
  kept_slots_.insert(kept_slots_.end(), kept.begin(), kept.end());
  return {};
}

Emitter::Prepared Emitter::finish() {
  Prepared p;
  p.kept.slots = std::move(kept_slots_);
  p.kept.bases = kept_bases_.finish();
  p.kept.bits = kept_bits_.finish();
  p.kept.dropped = dropped_.ranges();
  detection::remove_dropped(p.kept);
  p.slots_prepared = prepared_;
  return p;
}

}  // namespace nicol::service
