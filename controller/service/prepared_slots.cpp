// SPDX-License-Identifier: Apache-2.0
#include "controller/service/prepared_slots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "controller/service/settings.hpp"

namespace nicol::service {

PreparedSlots::PreparedSlots(const PreparationPlan& plan, Random& random, LightJournal* journal)
    : plan_(plan),
      random_(&random),
      notes_(journal),
      kept_bases_(plan.capacity),
      kept_bits_(plan.capacity),
      dropped_(plan.slots) {
  notes_.act(LightAct::prepare, plan.index, plan.slots);
  if (plan_.heralds) heralds_.emplace(plan_.heralds->timing, plan_.heralds->tick, plan.slots);
}

PreparedSlots::Chunk PreparedSlots::draw(std::uint64_t first, std::size_t slots) {
  notes_.act(LightAct::draw, first, slots);
  Chunk chunk{first,
              slots,
              draw_setting_bases(slots, plan_.p_diagonal, *random_, plan_.index, first),
              draw_setting_bits(slots, *random_, plan_.index, first),
              {},
              {}};
  write_public(chunk);
  return chunk;
}

void PreparedSlots::write_public(Chunk& chunk) const {
  if (!plan_.pattern) return;
  chunk.bases.with_write([&](std::span<std::uint64_t> bases) {
    chunk.bits.with_write(
        [&](std::span<std::uint64_t> bits) { plan_.pattern->write(chunk.first, chunk.slots, bases, bits); });
  });
}

/// Nothing of a chunk that everybody knows has to be kept: through the preamble light runs on, while Bob finds his
/// slots and cannot tell any yet.
bool PreparedSlots::all_public(const Chunk& chunk) const {
  return plan_.pattern && plan_.pattern->public_slots({chunk.first, chunk.first + chunk.slots}) == chunk.slots;
}

void PreparedSlots::take_out_public(std::vector<std::uint64_t>& slots) const {
  if (plan_.pattern) std::erase_if(slots, [&](std::uint64_t slot) { return plan_.pattern->is_public(slot); });
}

void PreparedSlots::preamble_at(std::uint64_t first_slot) {
  notes_.act(LightAct::preamble, first_slot);
  if (plan_.pattern && first_slot < plan_.slots) plan_.pattern->resume_at(first_slot);
}

void PreparedSlots::emitted(Chunk&& chunk) {
  notes_.act(LightAct::emitted);
  if (!heralded()) prepared_ += chunk.slots;
  if (!all_public(chunk)) chunks_.push_back(std::move(chunk));
}

Result<void> PreparedSlots::process(const hal::TagBlock& heralds) {
  notes_.tags(heralds);
  return heralds_->process(heralds);
}

void PreparedSlots::take_heralds() {
  auto progress = heralds_->take_progress();
  if (progress.complete_slots == herald_complete_ && progress.heralded.empty()) return;
  notes_.act(LightAct::progress);
  take_out_public(progress.heralded);
  herald_complete_ = progress.complete_slots;
  place_heralds(progress.heralded);
}

void PreparedSlots::place_heralds(const std::vector<std::uint64_t>& heralded) {
  prepared_ += heralded.size();
  auto it = heralded.begin();
  for (Chunk& chunk : chunks_) {
    it = std::lower_bound(it, heralded.end(), chunk.first);  // a pause leaves gaps between chunks
    const auto end = std::lower_bound(it, heralded.end(), chunk.first + chunk.slots);
    chunk.heralded.insert(chunk.heralded.end(), it, end);
    it = end;
  }
}

void PreparedSlots::hold() {
  if (!heralded()) return;
  notes_.act(LightAct::hold);
  heralds_->hold();
}

Result<void> PreparedSlots::resume(std::uint64_t first_slot, detection::StreamAfterPause stream) {
  notes_.act(LightAct::resume, first_slot, static_cast<std::uint64_t>(stream));
  if (auto r = heralds_->resume(first_slot, stream); !r) return r;
  herald_complete_ = first_slot;
  return {};
}

Result<void> PreparedSlots::hint(std::uint64_t complete_slots, const std::vector<std::uint64_t>& clicked) {
  notes_.act(LightAct::hint);
  if (complete_slots < hinted_ || complete_slots > plan_.slots || !std::is_sorted(clicked.begin(), clicked.end()))
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

bool PreparedSlots::complete(const Chunk& chunk) const {
  const std::uint64_t end = chunk.first + chunk.slots;
  return hinted_ >= end && (!heralded() || herald_complete_ >= end);
}

Result<void> PreparedSlots::keep_complete() {
  if (chunks_.empty() || !complete(chunks_.front())) return {};
  notes_.act(LightAct::keep);
  for (; !chunks_.empty() && complete(chunks_.front()); chunks_.pop_front())
    if (auto r = keep(chunks_.front()); !r) return r;
  return {};
}

Result<void> PreparedSlots::keep(const Chunk& chunk) {
  std::vector<std::uint64_t> kept = chunk.clicked;
  take_out_public(kept);
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

void PreparedSlots::drop(detection::SlotRange slots) {
  notes_.act(LightAct::drop, slots.begin, slots.end);
  dropped_.add(static_cast<std::int64_t>(slots.begin), static_cast<std::int64_t>(slots.end));
}

PreparedSlots::Prepared PreparedSlots::finish() {
  notes_.act(LightAct::finish);
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
