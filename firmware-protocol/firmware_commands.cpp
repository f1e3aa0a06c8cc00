// SPDX-License-Identifier: Apache-2.0
// What each command does, and when it is refused.
#include <array>
#include <limits>

#include "firmware-protocol/firmware.hpp"

namespace nicol::fw {
namespace {

/// The axis that a MOVE would end at; nothing where that is no number.
std::optional<std::int64_t> target_of(const Move& move, std::int64_t position) noexcept {
  if (move.kind == MoveKind::absolute) return move.counts;
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max(), kLeast = std::numeric_limits<std::int64_t>::min();
  if (move.counts > 0 ? position > kMost - move.counts : position < kLeast - move.counts) return {};
  return position + move.counts;
}

}  // namespace

Refused Firmware::command(const Frame& frame) noexcept {
  switch (frame.header.type) {
    case Type::set: {
      const auto value = decode_value(frame.payload);
      return value ? set(*value) : refuse(Nack::bad_length);
    }
    case Type::move:
    case Type::stop:
    case Type::home:
      return motion(frame);
    case Type::arm: {
      const auto arm = decode<Arm>(frame.payload);
      return arm ? safety_.arm(arm->nonce, now_ms_) : refuse(Nack::bad_length);
    }
    case Type::enable_emission:
      return safety_.enable();
    case Type::disable_emission:
    case Type::safe_state:
      return {};  // done already, before anything else about the frame was asked
    case Type::clear_fault: {
      const auto clear = decode<ClearFault>(frame.payload);
      return clear ? safety_.clear_fault(clear->faults) : refuse(Nack::bad_length);
    }
    case Type::source_config:
    case Type::pattern_chunk:
    case Type::source_run:
    case Type::source_end:
      return source(frame);
    case Type::stream_start:
    case Type::stream_stop:
    case Type::stream_credit:
      return stream(frame);
    default:
      ++counts_.unknown;
      return refuse(Nack::unsupported);
  }
}

Refused Firmware::motion(const Frame& frame) noexcept {
  const auto move = decode<Move>(frame.payload);
  const auto only = decode<Axis>(frame.payload);
  const bool moves = frame.header.type == Type::move;
  if (moves ? !move.has_value() : !only.has_value()) return refuse(Nack::bad_length);
  const std::size_t k = moves ? move->axis : only->axis;
  if (k >= board_->description().axis_count) return refuse(Nack::bad_value);
  if (frame.header.type == Type::stop) {
    board_->hold(k);
    return {};
  }
  if (safety_.faults() != 0) return refuse(Nack::fault_latched, safety_.faults());
  const AxisState axis = board_->axis(k);
  if (axis.moving) return refuse(Nack::busy);
  Done done = Done::no;
  if (moves) {
    if (!axis.homed && move->kind == MoveKind::absolute) return refuse(Nack::not_homed);
    const auto target = target_of(*move, axis.position);
    if (target) done = board_->start_move(k, *target);
  } else {
    done = board_->start_home(k);
  }
  if (done == Done::no) return refuse(Nack::bad_value);
  moving_axes_ |= std::uint32_t{1} << k;  // even a motion that ends before the next poll is told
  return {};
}

Refused Firmware::source(const Frame& frame) noexcept {
  if (frame.header.type == Type::source_config) {
    const auto config = decode<SourceConfig>(frame.payload);
    return config ? source_.configure(*config) : refuse(Nack::bad_value);
  }
  if (frame.header.type == Type::pattern_chunk) {
    const auto chunk = decode<PatternChunk>(frame.payload);
    return chunk ? source_.queue(*chunk) : refuse(Nack::bad_value);
  }
  if (frame.header.type == Type::source_run) {
    const auto run = decode<SourceRun>(frame.payload);
    return run ? source_.run(*run, safety_.state()) : refuse(Nack::bad_value);
  }
  source_.end();
  return {};
}

Refused Firmware::stream(const Frame& frame) noexcept {
  if (board_->description().tagger.channels == 0) return refuse(Nack::unsupported);
  if (frame.header.type == Type::stream_stop) {
    streamer_.stop(now_ms_);
    return {};
  }
  const auto credit = decode<Credit>(frame.payload);
  if (!credit) return refuse(Nack::bad_length);
  if (frame.header.type == Type::stream_start)
    streamer_.start(credit->blocks, host_mtu_, now_ms_);
  else
    streamer_.credit(credit->blocks);
  return {};
}

AxisStatus Firmware::axis_status(std::size_t k) noexcept {
  const AxisState axis = board_->axis(k);
  const int flags = (axis.moving ? kAxisMoving : 0) | (axis.homed ? kAxisHomed : 0) | (axis.fault ? kAxisFault : 0);
  return {static_cast<std::uint8_t>(k), static_cast<std::uint8_t>(flags), axis.position};
}

bool Firmware::query(const Frame& frame) noexcept {
  switch (frame.header.type) {
    case Type::get:
      get(frame);
      return true;
    case Type::axis_status: {
      const auto asked = decode<Axis>(frame.payload);
      if (!asked)
        acknowledge(frame.header, refuse(Nack::bad_length));
      else if (asked->axis >= board_->description().axis_count)
        acknowledge(frame.header, refuse(Nack::bad_value));
      else
        answer(frame.header, Type::axis_status, axis_status(asked->axis));
      return true;
    }
    case Type::source_status:
      if (board_->description().source.max_slot_ps == 0)
        acknowledge(frame.header, refuse(Nack::unsupported));
      else
        answer(frame.header, Type::source_status, board_->source());
      return true;
    case Type::time_mark: {
      const std::uint64_t tick = streamer_.running() ? board_->tick() : 0;
      answer(frame.header, Type::time_mark, TimeMark{tick, static_cast<std::uint32_t>(now_ms_)});
      return true;
    }
    case Type::firmware_info: {
      std::array<std::uint8_t, Text::kMost> text{};
      const auto hash = board_->description().firmware.view();
      for (std::size_t i = 0; i < hash.size(); ++i) text[i] = static_cast<std::uint8_t>(hash[i]);
      answer(frame.header, Type::firmware_info, kIsAck, std::span(text).first(hash.size()));
      return true;
    }
    default:
      return false;
  }
}

}  // namespace nicol::fw
