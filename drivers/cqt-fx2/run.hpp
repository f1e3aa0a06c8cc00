// SPDX-License-Identifier: Apache-2.0
// One run of the card, from start to stop: 49-bit times to 64-bit ticks, what is confirmed, what is told as lost, when
// the run has to begin anew. Knows no device and no clock.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "drivers/cqt-fx2/event_decoder.hpp"
#include "drivers/tags/input_settings.hpp"
#include "drivers/tags/tag_queue.hpp"

namespace nicol::cqt_fx2 {

using SteadyTime = std::chrono::steady_clock::time_point;
using Software = tags::InputSettings;

/// The FIFO of the card as far as the times of its events show it: what came so fast that it may have been full.
class FifoModel {
 public:
  void reset() { *this = {}; }
  /// True when the FIFO may have stood above its watermark.
  bool put(std::int64_t ticks);

 private:
  double level_ = 0;  // events
  std::int64_t at_ = 0;
};

/// The card tells whether its FIFO is full *now*, never whether it was. So tags are held from one such answer to the
/// next, and given as complete when the answer is no and they came too slowly to have filled it in between.
/// Not thread-safe; the queue is the only thing it shares.
class Run {
 public:
  explicit Run(tags::TagQueue& queue) : queue_(queue) {}

  /// The counter is about to be set to zero. Ticks go on from an earlier run of this object.
  void begin(const Software& software, const PhaseTable& phases, SteadyTime now);
  void feed(std::span<const std::uint8_t> bytes, SteadyTime now);
  /// The card's answer about its FIFO, asked for at `asked`.
  void checkpoint(bool fifo_full, SteadyTime asked, SteadyTime now);
  /// Something outside the stream went wrong: what is held will never be confirmed.
  void spoil(const char* why);
  bool wants_restart() const { return phase_ == Phase::spoiled; }
  /// The counter is about to be set to zero again; up to now is told as lost.
  void restart(SteadyTime now);
  /// All has come, and a last checkpoint has confirmed it (or spoil() said that none will).
  void finish();
  void unplugged();

  bool running() const { return phase_ != Phase::idle; }
  std::uint64_t restarts() const { return restarts_; }
  std::uint64_t spurious() const { return spurious_; }
  std::uint64_t unknown_phases() const { return unknown_phases_; }
  const char* last_trouble() const { return trouble_; }
  /// Events a second and input since the last call.
  std::array<double, kInputs> rates(SteadyTime now);

 private:
  enum class Phase : std::uint8_t { idle, streaming, spoiled };

  void take(const Event& event, SteadyTime now);
  bool plausible(const Event& event, std::int64_t ticks, SteadyTime now) const;
  void tags_of(const Event& event, std::int64_t ticks);
  void spurious_word();
  void begin_counter(std::int64_t base, SteadyTime now);
  std::int64_t latest(SteadyTime now) const;
  std::int64_t surely_past(SteadyTime asked) const;
  std::int64_t host_ticks(SteadyTime now) const;

  tags::TagQueue& queue_;
  Phase phase_ = Phase::idle;
  Software software_;
  std::int64_t least_delay_ = 0;
  EventDecoder decoder_;
  FifoModel fifo_;
  bool may_have_been_full_ = false;
  std::optional<SteadyTime> epoch_;  // tick zero of this object
  SteadyTime began_, heard_, counted_at_;
  std::int64_t base_ = 0, last_ = 0;
  std::uint64_t bad_ = 0;  // words in a row that cannot be
  std::uint64_t restarts_ = 0, spurious_ = 0, unknown_phases_ = 0;
  const char* trouble_ = "";
  std::array<std::uint64_t, kInputs> counts_{};
};

}  // namespace nicol::cqt_fx2
