// SPDX-License-Identifier: Apache-2.0
#include "firmware-protocol/source_control.hpp"

namespace nicol::fw {
namespace {

bool plays(Player state) noexcept { return state == Player::waiting || state == Player::running; }

}  // namespace

Refused SourceControl::configure(const SourceConfig& config) noexcept {
  const SourceInfo& can = board_->description().source;
  if (!has_source()) return refuse(Nack::unsupported);
  if (plays(board_->source().state)) return refuse(Nack::busy);
  const bool intensities = (config.flags & kSourceIntensities) != 0;
  if (config.slot_ps < can.min_slot_ps || config.slot_ps > can.max_slot_ps || config.width_ps >= config.slot_ps ||
      (intensities && can.intensities < 2))
    return refuse(Nack::bad_value);
  board_->clear_pattern();
  config_.reset();
  if (board_->configure_source(config) == Done::no) return refuse(Nack::bad_value);
  config_ = config;
  return {};
}

Refused SourceControl::queue(const PatternChunk& chunk) noexcept {
  if (!has_source()) return refuse(Nack::unsupported);
  if (!config_ || chunk.flags != config_->flags) return refuse(Nack::bad_value);
  const SourceStatus now = board_->source();
  const std::uint32_t queued = board_->description().source.buffer_slots - now.free_slots;
  if (queued != 0 || now.state == Player::running) {
    if (chunk.first_slot != queue_end_) return refuse(Nack::bad_value);
  } else if (now.state == Player::waiting && chunk.first_slot != run_.first_slot) {
    return refuse(Nack::bad_value);
  }
  if (plays(now.state) && chunk.first_slot + chunk.slots > run_.block_slots) return refuse(Nack::bad_value);
  if (chunk.slots > now.free_slots) return refuse(Nack::busy);
  if (board_->queue_pattern(chunk) == Done::no) return refuse(Nack::busy);
  if (queued == 0) queue_begin_ = chunk.first_slot;
  queue_end_ = chunk.first_slot + chunk.slots;
  return {};
}

Refused SourceControl::run(const SourceRun& run, Emission emission) noexcept {
  if (!has_source()) return refuse(Nack::unsupported);
  if (emission != Emission::emitting) return refuse(Nack::not_armed);
  const SourceStatus now = board_->source();
  if (plays(now.state)) return refuse(Nack::busy);
  if (!config_ || run.first_slot % config_->sync_divider != 0) return refuse(Nack::bad_value);
  // A slot leaves once: what has left of this block cannot be sent again. A board that was switched off in its midst
  // knows of no block, and its host keeps the count.
  const bool resumes = run.first_slot != 0, knows_block = run_.block_slots != 0;
  if (resumes && knows_block && (run.block_slots != run_.block_slots || run.first_slot < now.next_slot))
    return refuse(Nack::bad_value);
  const std::uint32_t queued = board_->description().source.buffer_slots - now.free_slots;
  if (queued != 0 && (queue_begin_ != run.first_slot || queue_end_ > run.block_slots)) board_->clear_pattern();
  if (board_->run_pattern(run) == Done::no) return refuse(Nack::busy);
  run_ = run;
  return {};
}

void SourceControl::end() noexcept {
  board_->stop_pattern();
  board_->clear_pattern();
}

std::optional<SourceStatus> SourceControl::poll(std::uint64_t now_ms) noexcept {
  if (!has_source()) return {};
  const SourceStatus now = board_->source();
  const bool changed = now.state != told_.state || now.underruns != told_.underruns;
  const bool consumed = now.next_slot != told_.next_slot && now.free_slots > told_.free_slots;
  const bool much = consumed && now.free_slots - told_.free_slots >= board_->description().source.buffer_slots / 8;
  const bool due = now.next_slot != told_.next_slot && now_ms - told_ms_ >= kStatusMs;
  if (!changed && !much && !due) {
    // What was queued since is known to the host: only room that it cannot know of is news.
    if (now.free_slots < told_.free_slots) told_.free_slots = now.free_slots;
    return {};
  }
  told_ = now;
  told_ms_ = now_ms;
  return now;
}

}  // namespace nicol::fw
