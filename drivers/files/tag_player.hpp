// SPDX-License-Identifier: Apache-2.0
// A recorded tag file as a time tagger: detection, calibration and the GUI see what a live one would have given, its
// losses included.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "drivers/files/tag_file.hpp"
#include "drivers/tags/tag_queue.hpp"

namespace nicol::files {

struct PlayerOptions {
  std::filesystem::path path;
  FileFormat format = FileFormat::nicol;
  enum class Pace {
    clock,  // a tag comes when the clock has gone on as far as the recording had by then
    asked   // as fast as it is acquired; the clock, if there is one, is moved along
  } pace = Pace::asked;
  RigClock* clock = nullptr;                // outlives the player; needed for Pace::clock
  std::size_t ring = std::size_t{1} << 13;  // tags, 16 bytes each, locked
};

/// Plays the file from its beginning at each start(), ticks as in the file; acquire() says `stopped` after its end;
/// where the file is refused it gives a loss of cause corrupt and then says `disconnected` (self_test() says why).
/// Nothing is allocated in acquire(), but where a folder of epochs goes on to its next file. A step back of less than a
/// second is a tag that came too late: it is given as lost; a longer one is a recording begun anew: time goes on from
/// there, with a loss of unknown size.
class TagPlayer final : public hal::TimeTagger {
 public:
  /// Whatever opening the file says; locked_memory; bad_input for a pace without a clock.
  static Result<std::unique_ptr<TagPlayer>> open(PlayerOptions options);

  hal::DeviceInfo info() const override;
  /// faulted once the file was refused while it played, until the next start.
  hal::Link link() const noexcept override;
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline deadline) override;
  void safe_state() noexcept override {}

  hal::TaggerCaps caps() const override;
  /// Enabling, role and delay (up to 10 us) take effect at the next start; thresholds, edges and dead times were
  /// settled when the file was recorded: not_supported.
  Result<void> set_channel(std::size_t channel, const hal::ChannelConfig& config) override;
  Result<hal::ChannelConfig> channel(std::size_t channel) const override;
  Result<void> start() override;
  Result<void> stop() override;
  hal::StreamStatus acquire(hal::TagBlock& block, Deadline deadline) noexcept override;
  Result<std::vector<double>> count_rates() override;

 private:
  /// Of one play of the file.
  struct Play {
    TagFile file;
    std::span<const FileEvent> events = {};  // of the last piece, not played yet
    std::vector<hal::ChannelConfig> channels = {};
    std::int64_t first = 0, last = 0;  // ticks of the stream
    std::int64_t shift = 0;            // from the file's ticks to the stream's
    std::int64_t earliest_delay = 0, latest_delay = 0;
    Picoseconds began = {};                  // of the clock
    std::optional<std::uint32_t> lost = {};  // not told yet: how many, 0 where nobody knows
    std::vector<std::uint64_t> counts = {};  // since count_rates()
    std::int64_t counted_from = 0;
  };

  TagPlayer(PlayerOptions options, std::unique_ptr<tags::TagQueue> queue, const TagFile& file);
  void advance();
  bool read_on();
  std::int64_t due() const noexcept;
  std::size_t play(const FileEvent& event);
  void place(const FileEvent& event, std::int64_t ticks);
  void tell_loss(std::int64_t until);
  void begin_anew(std::int64_t ticks);
  void move_clock();
  void end(hal::StreamStatus status);

  const PlayerOptions options_;
  const TickLength tick_;
  std::unique_ptr<tags::TagQueue> queue_;

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::vector<hal::ChannelConfig> settings_;
  std::optional<Play> play_;
  std::optional<Error> refused_;
};

}  // namespace nicol::files
