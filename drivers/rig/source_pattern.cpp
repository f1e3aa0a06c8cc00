// SPDX-License-Identifier: Apache-2.0
// Settings on their way into the board's memory: packed into one private frame at a time, never more than the board has
// room for.
#include <algorithm>

#include "drivers/rig/pattern.hpp"
#include "drivers/rig/source.hpp"

namespace nicol::rig {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kAskEvery = 100ms;

std::size_t words(std::size_t slots) { return (slots + 63) / 64; }
std::size_t highest_intensity(const hal::PatternChunk& chunk) {
  std::size_t highest = 0;
  for (std::size_t w = 0; w < words(chunk.slots); ++w) {
    const std::uint64_t low = chunk.intensity_low.empty() ? 0 : chunk.intensity_low[w];
    const std::uint64_t high = chunk.intensity_high.empty() ? 0 : chunk.intensity_high[w];
    const std::size_t slots = std::min<std::size_t>(64, chunk.slots - 64 * w);
    const std::uint64_t mask = slots == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << slots) - 1;
    if ((low & high & mask) != 0) return 3;
    highest = std::max<std::size_t>(highest, (high & mask) != 0 ? 2 : (low & mask) != 0 ? 1 : 0);
  }
  return highest;
}
/// Nothing leaves any more though the block is not over.
bool rests(const fw::SourceStatus& s) { return s.state == fw::Player::dry || s.state == fw::Player::stopped; }
bool plays(fw::Player state) { return state == fw::Player::waiting || state == fw::Player::running; }
Deadline in(std::chrono::nanoseconds d) { return SteadyDeadlines().in(d); }

}  // namespace

Result<void> RigSource::fit_for_slots() const {
  if (!lit_) return error(Code::unsafe_state, "emission is off");
  if (level_ != hal::LightLevel::quantum)
    return error(Code::unsafe_state, fmt::format("light level is {}, slots need quantum", to_string(level_.load())));
  return {};
}

Result<void> RigSource::begin_block(std::uint64_t slots) {
  if (auto here = connected(); !here) return here;
  const std::lock_guard lock(block_mutex_);
  if (auto fit = fit_for_slots(); !fit) return fit;
  if (slots == 0) return error(Code::out_of_range, "a block of 0 slots");
  if (plays(board().heard().source.state))
    if (auto ended = board().command(fw::Type::source_end, "ending the block before"); !ended)
      return std::move(ended).error();
  block_slots_ = slots;
  return run(0);
}

Result<void> RigSource::resume_block(std::uint64_t first_slot) {
  if (auto here = connected(); !here) return here;
  const std::lock_guard lock(block_mutex_);
  if (auto fit = fit_for_slots(); !fit) return fit;
  if (block_slots_ == 0) return error(Code::unsafe_state, "no block is open");
  if (first_slot < next_slot_ || first_slot > block_slots_ || first_slot % options_.sync_divider != 0)
    return error(Code::out_of_range, fmt::format("light cannot go on at slot {}: expected a multiple of {} in {}..{}",
                                                 first_slot, options_.sync_divider, next_slot_, block_slots_));
  if (flowing_) (void)wait_for([this](const Heard& heard) { return waiting_slots(heard.source) == 0; });
  if (plays(board().heard().source.state))
    if (auto held = board().command(fw::Type::source_end, "holding the block"); !held) return std::move(held).error();
  return run(first_slot);
}

Result<void> RigSource::run(std::uint64_t first_slot) {
  board().forget_posted();
  auto reply = board().command(fw::Type::source_run, fw::SourceRun{first_slot, block_slots_},
                               fmt::format("running a block of {} slots from slot {}", block_slots_, first_slot));
  if (!reply) return std::move(reply).error();
  const auto now = ask_player();
  if (!now) return now.error();
  underruns_ = now->underruns;
  run_from_ = next_slot_ = left_ = first_slot;
  flowing_ = true;
  return {};
}

Result<void> RigSource::check(const hal::PatternChunk& chunk) const {
  if (block_slots_ == 0) return error(Code::unsafe_state, "no block is open");
  if (chunk.first_slot != next_slot_)
    return error(Code::out_of_range,
                 fmt::format("pattern starts at slot {}, expected {}", chunk.first_slot, next_slot_));
  if (chunk.slots > caps().max_pattern_slots || chunk.slots > block_slots_ - next_slot_)
    return error(Code::out_of_range, fmt::format("pattern of {} slots; at most {} at once and {} left in this block",
                                                 chunk.slots, caps().max_pattern_slots, block_slots_ - next_slot_));
  if (chunk.bases.size() < words(chunk.slots) || chunk.bits.size() < words(chunk.slots))
    return error(Code::bad_input, fmt::format("pattern of {} slots with {} words of bases and {} of bits; expected {}",
                                              chunk.slots, chunk.bases.size(), chunk.bits.size(), words(chunk.slots)));
  return check_intensities(chunk);
}

/// An empty vector is all zeros: the first intensity.
Result<void> RigSource::check_intensities(const hal::PatternChunk& chunk) const {
  const auto some = [&](std::span<const std::uint64_t> words) { return !words.empty(); };
  if (!has_intensities() && (some(chunk.intensity_low) || some(chunk.intensity_high)))
    return error(Code::not_supported, "this source has one intensity");
  for (const auto& given : {chunk.intensity_low, chunk.intensity_high})
    if (some(given) && given.size() < words(chunk.slots))
      return error(Code::bad_input, fmt::format("pattern of {} slots with {} words of intensities; expected {}",
                                                chunk.slots, given.size(), words(chunk.slots)));
  if (highest_intensity(chunk) < caps().intensities) return {};
  return error(Code::out_of_range,
               fmt::format("an intensity above {}, the highest of this source", caps().intensities - 1));
}

Result<void> RigSource::emit(const hal::PatternChunk& chunk) {
  if (auto here = connected(); !here) return here;
  const std::lock_guard lock(block_mutex_);
  if (auto fit = fit_for_slots(); !fit) return fit;
  if (auto ok = check(chunk); !ok) return ok;
  if (!flowing_) return error(Code::unsafe_state, "the light was interrupted: resume_block() comes first");
  auto sent = send(chunk);
  packed_.wipe();
  if (!sent) flowing_ = false;
  return sent;
}

Result<void> RigSource::send(const hal::PatternChunk& chunk) {
  for (std::size_t from = 0; from < chunk.slots;) {
    const std::uint32_t flags = has_intensities() ? fw::kSourceIntensities : 0;
    const std::size_t n = slots_of_a_frame(chunk.slots - from, fw::most_chunk_slots(flags), has_intensities() ? 2 : 1);
    if (auto room = wait_for_room(n); !room) return room;
    if (auto sent = send_frame(chunk, from, n); !sent) return sent;
    from += n;
    next_slot_ += n;
  }
  // All is in the board's memory once the last answer is there.
  return wait_for([](const Heard& heard) { return heard.unanswered == 0 && !heard.refused; });
}

Result<void> RigSource::send_frame(const hal::PatternChunk& chunk, std::size_t from, std::size_t slots) {
  fw::PatternChunk frame;
  frame.first_slot = chunk.first_slot + from;
  frame.slots = static_cast<std::uint32_t>(slots);
  frame.flags = has_intensities() ? fw::kSourceIntensities : 0;
  const std::size_t field = fw::packed_bytes(slots);
  const auto payload = packed_.bytes().first(fw::PatternChunk::kFixedBytes + (has_intensities() ? 2 : 1) * field);
  fw::encode(frame, payload);  // the fixed part; the slots are packed where they belong
  const auto fields = payload.subspan(fw::PatternChunk::kFixedBytes);
  pack_slots(chunk.bits, chunk.bases, from, slots, fields.first(field));
  if (has_intensities()) pack_slots(chunk.intensity_low, chunk.intensity_high, from, slots, fields.subspan(field));
  return board().post(fw::Type::pattern_chunk, payload, in(1s));
}

/// Slots given to the board that have not left, as far as it has said.
std::uint64_t RigSource::waiting_slots(const fw::SourceStatus& status) const {
  return next_slot_ - std::min(next_slot_, std::max(status.next_slot, run_from_));
}

void RigSource::count_out(const Heard& heard) {
  if (heard.known && block_slots_ != 0)
    left_ = std::max(left_, std::min(next_slot_, std::max(heard.source.next_slot, run_from_)));
}

/// After a pause the slots between were never emitted: the count goes on where the light does.
std::optional<std::uint64_t> RigSource::first_unsent() {
  const std::lock_guard lock(block_mutex_);
  count_out(board().heard());
  return left_;
}

Result<void> RigSource::wait_for_room(std::uint64_t slots) {
  return wait_for([&](const Heard& heard) {
    return !rests(heard.source) && !heard.refused && waiting_slots(heard.source) + slots <= about_.buffer_slots;
  });
}

Result<void> RigSource::player_trouble(const fw::SourceStatus& status) const {
  if (!lit_) return error(Code::unsafe_state, "emission was switched off: arm and enable it, then resume the block");
  if (status.state == fw::Player::dry || status.underruns != underruns_) {
    Error late = error(Code::overflow,
                       fmt::format("the pattern ran dry at slot {}: this computer was too late", status.next_slot));
    late.native_code = static_cast<std::int64_t>(status.next_slot);
    return late;
  }
  if (status.state == fw::Player::stopped)
    return error(Code::cancelled, fmt::format("the board stopped the pattern at slot {}", status.next_slot));
  return {};
}

/// The player says where it is by itself; asked in case its last word was lost.
Result<fw::SourceStatus> RigSource::ask_player() {
  auto status = board().command(fw::Type::source_status, "asking for the player");
  if (!status) return std::move(status).error();
  const auto now = fw::decode<fw::SourceStatus>(status->bytes());
  if (!now) return error(Code::protocol, "the board's SOURCE_STATUS makes no sense: update firmware");
  board().believe(*now);
  return *now;
}

/// Until the player's status is as wanted; gives up when it does not move, or when something has gone wrong.
Result<void> RigSource::wait_for(const std::function<bool(const Heard&)>& fact) {
  const auto patience =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(options_.give_up_s));
  Deadline deadline = in(patience);
  std::uint64_t at = 0;
  for (;;) {
    bool done = false;
    fw::SourceStatus now;
    const bool news = board().await(
        [&](const Heard& heard) {
          now = heard.source;
          done = fact(heard);
          return done || !lit_ || heard.refused || rests(now) || now.next_slot != at;
        },
        Deadline{std::min<Clock::time_point>(deadline.at, Clock::now() + kAskEvery)});
    if (!news) {
      if (auto here = connected(); !here) return here;
      if (Clock::now() < deadline.at) {
        if (auto asked = ask_player(); !asked) return asked.error();
        continue;
      }
      return error(
          Code::timeout,
          fmt::format(
              "the pattern player stands at slot {} and does not move: check the board, then begin another block", at));
    }
    if (done && lit_) return {};
    if (auto wrong = player_trouble(now); !wrong) return wrong;
    if (const auto refusal = board().posted_refusal()) return board().refused(*refusal, "sending the pattern");
    if (now.next_slot != at) deadline = in(patience);
    at = now.next_slot;
  }
}

Result<void> RigSource::end_block() {
  if (auto here = connected(); !here) return here;
  const std::lock_guard lock(block_mutex_);
  if (block_slots_ == 0 || !flowing_) return error(Code::unsafe_state, "no light flows that could end");
  if (auto out = wait_for([this](const Heard& h) { return waiting_slots(h.source) == 0; }); !out) return out;
  count_out(board().heard());
  auto reply = board().command(fw::Type::source_end, "ending the block");
  if (!reply) return std::move(reply).error();
  flowing_ = false;
  block_slots_ = 0;
  return {};
}

Result<void> RigSource::fire(std::uint64_t) {
  if (auto here = connected(); !here) return here;
  return error(Code::not_supported, "fire() is for motorised sources; this one plays patterns");
}

}  // namespace nicol::rig
