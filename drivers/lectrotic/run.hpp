// SPDX-License-Identifier: Apache-2.0
// One run of the tagger, from start to stop: how far its stream is complete, what was lost, when the device is asked,
// when the stream is cleared and read anew. Knows no port and no clock.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "drivers/lectrotic/commands.hpp"
#include "drivers/lectrotic/records.hpp"
#include "drivers/tags/input_settings.hpp"
#include "drivers/tags/tag_queue.hpp"

namespace nicol::lectrotic {

using SteadyTime = std::chrono::steady_clock::time_point;
using Software = tags::InputSettings;

/// There are no time marks in the stream, and no input waits for another. So it is complete up to kSettle before its
/// newest record; in silence, up to kSettle before a question that the device has answered. The README says why.
/// Not thread-safe; the queue is the only thing it shares.
class Run {
 public:
  enum class Command : std::uint8_t { none, ask_identity, clear };
  static constexpr std::int64_t kSettle = kTicksPerSecond / 2;

  explicit Run(tags::TagQueue& queue) : queue_(queue) {}

  /// The start command goes out now. Time goes on from an earlier run of this object.
  void begin(const Software& software, SteadyTime now);
  void feed(std::span<const std::uint8_t> bytes, SteadyTime now);
  /// What is to be sent now. Call it every 10 ms or so, and send what it says.
  Command next_command(SteadyTime now);
  /// kStopAndAsk goes out now.
  void stopping() { stopping_ = true; }
  void stop_unanswered();
  /// The cable was pulled, and the device's clock begins anew.
  void unplugged();

  bool running() const { return phase_ != Phase::idle; }
  bool oscillator_failed() const { return oscillator_failed_; }
  /// The buffer ran over and it was told too late: tags that were given already may be incomplete.
  bool told_too_late() const { return told_too_late_; }
  bool answers_in_stream() const { return answers_; }
  std::uint64_t restarts() const { return restarts_; }
  const char* last_trouble() const { return trouble_; }
  /// Since the last call; zero before there are records.
  std::array<double, kChannels> rates();

 private:
  enum class Phase : std::uint8_t { idle, seeking, streaming };
  /// The record that came fastest: when it was heard, the device's clock showed its tick or more.
  struct Anchor {
    std::int64_t ticks = 0;
    SteadyTime heard;
  };
  struct Bucket {
    std::int64_t index = -1, tags = 0;
  };
  static constexpr std::int64_t kBucketTicks = kTicksPerSecond / 10;
  static constexpr std::size_t kBuckets = 16;

  void seek(SteadyTime now, hal::LossCause cause);
  bool take(const StreamItem& item, SteadyTime now);
  bool tag(const StreamItem& item, SteadyTime now);
  void first_record(std::int64_t device_ticks, SteadyTime now);
  const char* nonsense(std::uint8_t channel, std::int64_t ticks, SteadyTime now) const;
  void count(std::int64_t ticks, SteadyTime now);
  bool crowded(std::int64_t bucket) const;
  void lost(const StreamItem& item, SteadyTime now);
  void lose_held(hal::LossCause cause, const char* why);
  void answered();
  void complete_until(std::int64_t ticks);
  void spoil(const char* why, SteadyTime now);
  void halt();
  void finish();
  std::int64_t host_ticks(SteadyTime now) const;
  std::int64_t least_device_ticks(SteadyTime at) const;

  tags::TagQueue& queue_;
  Phase phase_ = Phase::idle;
  Software software_;
  std::int64_t least_delay_ = 0;
  StreamDecoder decoder_;
  ClearedSearch search_;
  std::optional<SteadyTime> epoch_;  // tick zero of this object
  std::int64_t offset_ = 0;          // from the device's ticks to ours
  bool new_clock_ = true;            // offset_ is not known
  std::optional<Anchor> anchor_;
  std::int64_t began_ = 0, newest_ = 0;
  std::array<std::int64_t, kChannels> last_{};
  std::array<Bucket, kBuckets> buckets_{};
  std::int64_t distrusted_until_ = 0;  // tags before it are not given
  std::int64_t cleared_until_ = 0;     // every loss before it has been told
  SteadyTime heard_, asked_;
  bool asking_ = false, answers_ = true, clear_due_ = false;
  bool stopping_ = false, oscillator_failed_ = false, told_too_late_ = false;
  hal::LossCause cause_ = hal::LossCause::restarted;
  std::uint64_t restarts_ = 0;
  const char* trouble_ = "";
  std::array<std::uint64_t, kChannels> counts_{}, counted_{};
  std::int64_t counted_at_ = 0;
};

}  // namespace nicol::lectrotic
