// SPDX-License-Identifier: Apache-2.0
// One run of the tagger, from start to stop, through everything a stream without framing can do: what is confirmed,
// what is held back, when the device is asked, when the run is given up and begun again. Knows no port and no clock.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "drivers/tags/input_settings.hpp"
#include "drivers/tags/tag_queue.hpp"
#include "drivers/tdc1/commands.hpp"
#include "drivers/tdc1/stream_decoder.hpp"

namespace nicol::tdc1 {

using SteadyTime = std::chrono::steady_clock::time_point;
using Software = tags::InputSettings;

/// Whether the device is asked for its status during a run. Where it is not, or does not answer, an overflow shows at
/// the stop only.
enum class OverflowWatch : std::uint8_t { in_stream, at_stop };

/// Tags are held until a status reply stands where a word begins: then no byte was lost before it, and its overflow
/// bit speaks for all of them. Not thread-safe; the queue is the only thing it shares.
class Run {
 public:
  enum class Command : std::uint8_t { none, ask_status, flush, give_up, start };

  explicit Run(tags::TagQueue& queue) : queue_(queue) {}

  /// The start command goes out now. Time goes on from an earlier run of this object.
  void begin(const Software& software, OverflowWatch watch, SteadyTime now);
  void feed(std::span<const std::uint8_t> bytes, SteadyTime now);
  /// What is to be sent now. Call it every 10 ms or so, and send what it says.
  Command next_command(SteadyTime now);
  /// "abort;status?" goes out now.
  void stopping(SteadyTime now);
  /// No answer to it came in time: what is held is not confirmed and given as lost.
  void stop_unanswered();
  /// The cable was pulled.
  void unplugged();

  bool running() const { return phase_ != Phase::idle; }
  OverflowWatch watch() const { return watch_; }
  bool overflow_at_stop() const { return overflow_at_stop_; }
  std::uint64_t restarts() const { return restarts_; }
  const char* last_trouble() const { return trouble_; }
  /// Since the last call; zero before there are two words.
  std::array<double, kChannels> rates();

 private:
  enum class Phase : std::uint8_t { idle, streaming, giving_up, stopping };
  /// A word's tick and what the host's clock showed: before it, the word cannot have been made.
  struct Anchor {
    std::int64_t ticks = 0;
    SteadyTime asked, answered;
  };
  static constexpr std::size_t kUnconfirmedWords = 32;

  bool take(const StreamItem& item, SteadyTime now);
  void word(const StreamItem& item);
  void tags_of(const StreamItem& item);
  bool checkpoint(std::uint16_t status, SteadyTime now);
  void report_overflow(SteadyTime now);
  void spoil(const char* why, hal::LossCause cause = hal::LossCause::corrupt);
  void finish();
  void begin_run(SteadyTime now);
  bool runs_ahead(std::int64_t ticks, SteadyTime now) const;
  bool missed_a_wrap() const;
  std::int64_t host_ticks(SteadyTime now) const;
  Command command_of_stream(SteadyTime now);

  tags::TagQueue& queue_;
  Phase phase_ = Phase::idle;
  Software software_;
  std::int64_t least_delay_ = 0;
  OverflowWatch watch_ = OverflowWatch::in_stream;
  StreamDecoder decoder_;
  StatusSearch search_;
  std::optional<SteadyTime> epoch_;  // tick zero of this object
  SteadyTime heard_, asked_, checked_, gave_up_;
  bool asking_ = false, flushed_ = false, give_up_said_ = false, search_done_ = false, overflow_at_stop_ = false;
  std::optional<Anchor> anchor_;
  int overflows_in_a_row_ = 0, torn_replies_ = 0;
  std::uint64_t words_ = 0, restarts_ = 0;
  std::array<std::int64_t, kUnconfirmedWords> recent_{};
  const char* trouble_ = "";
  hal::LossCause cause_ = hal::LossCause::corrupt;
  std::array<std::uint64_t, kChannels> counts_{}, counted_{};
  std::int64_t counted_at_ = 0;
};

}  // namespace nicol::tdc1
