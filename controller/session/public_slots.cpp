// SPDX-License-Identifier: Apache-2.0
// Public slots of the open block: made at BLOCK_OPEN, grown by every RESUME, taken out of both sides' clicks.
#include "controller/session/public_slots.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "controller/session/machine.hpp"

namespace nicol::session {

Result<detection::PublicPattern> pattern_for(const PublicSlots& slots, std::uint64_t block, std::uint64_t block_slots) {
  detection::PatternLayout layout;
  layout.seed = block;
  layout.slots = block_slots;
  layout.preamble = slots.preamble;
  layout.repeat = slots.repeat;
  layout.tail = slots.tail;
  layout.spacing = slots.spacing;
  layout.basis = slots.basis;
  return detection::PublicPattern::make(layout);
}

std::string to_string(const std::optional<PublicSlots>& slots) {
  if (!slots) return "none";
  return fmt::format("preamble {}, repeat {}, tail {}, spacing {}, {}", slots->preamble, slots->repeat, slots->tail,
                     slots->spacing, slots->basis == detection::Basis::diagonal ? "diagonal" : "rectilinear");
}

Result<void> Machine::make_public_slots() {
  if (!block_->agreement.public_slots) return {};
  auto pattern = pattern_for(*block_->agreement.public_slots, block_->block, block_->slots);
  if (!pattern) return pattern.error();
  block_->pattern = *std::move(pattern);
  block_->result.public_slots = block_->pattern->public_slots();
  return {};
}

/// Light goes on at this slot: a preamble stands there, whether or not it is shown in the end.
void Machine::preamble_at(std::uint64_t first_slot) {
  if (!block_->pattern || first_slot >= block_->slots) return;
  block_->pattern->resume_at(first_slot);
  block_->result.public_slots = block_->pattern->public_slots();
}

void Machine::take_out_public(detection::Clicks& clicks) const {
  if (block_->pattern) detection::remove_public(clicks, *block_->pattern);
}

std::uint64_t Machine::secret_slots() const { return block_->entries - block_->result.public_slots; }

}  // namespace nicol::session
