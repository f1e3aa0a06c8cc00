// SPDX-License-Identifier: Apache-2.0
// acquire() itself reads the file, as far as time has come; the queue keeps the stream's contract.
#include "drivers/files/tag_player.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>

namespace nicol::files {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPiece = 2048;  // tags put into the queue at once
constexpr auto kLookAtTheClockEvery = 1ms;
constexpr Picoseconds kMostDelay{10'000'000}, kLongestStepBack{1'000'000'000'000};
constexpr hal::ChannelConfig kAsRecorded{};

/// Of a folder that is spelled with a slash at its end, too.
std::string name_of(const std::filesystem::path& path) {
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

}  // namespace

TagPlayer::TagPlayer(PlayerOptions options, std::unique_ptr<tags::TagQueue> queue, const TagFile& file)
    : options_(std::move(options)), tick_(file.tick()), queue_(std::move(queue)) {
  for (const hal::ChannelRole role : file.roles()) {
    settings_.push_back(kAsRecorded);
    settings_.back().role = role;
  }
}

Result<std::unique_ptr<TagPlayer>> TagPlayer::open(PlayerOptions options) {
  if (options.pace == PlayerOptions::Pace::clock && options.clock == nullptr)
    return Error{Code::bad_input, "a player paced by a clock needs one", "", 0, {}};
  const auto file = TagFile::open(options.path, options.format);
  if (!file) return file.error();
  auto queue = tags::TagQueue::create({std::max(options.ring, 2 * kPiece), 256});
  if (!queue) return std::move(queue).error();
  return std::unique_ptr<TagPlayer>(new TagPlayer(std::move(options), *std::move(queue), *file));
}

hal::DeviceInfo TagPlayer::info() const {
  return {.driver = "file",
          .vendor = "",
          .model = fmt::format("{} recording", to_string(options_.format)),
          .serial = name_of(options_.path),
          .firmware = "",
          .port = options_.path.string()};
}

hal::Link TagPlayer::link() const noexcept {
  const std::lock_guard lock(mutex_);
  return refused_ ? hal::Link::faulted : hal::Link::connected;
}

Result<std::vector<hal::SelfTestItem>> TagPlayer::self_test(Deadline) {
  const std::lock_guard lock(mutex_);
  return std::vector<hal::SelfTestItem>{
      {"file", !refused_, refused_ ? refused_->message : fmt::format("{} reads", options_.path.string())}};
}

hal::TaggerCaps TagPlayer::caps() const {
  const std::lock_guard lock(mutex_);
  hal::TaggerCaps caps;  // jitter, dead time and rate were the recorded tagger's: the file does not say them
  caps.channels = settings_.size();
  caps.tick = tick_;
  caps.fifo_depth = options_.ring;
  return caps;
}

Result<void> TagPlayer::set_channel(std::size_t channel, const hal::ChannelConfig& config) {
  const std::lock_guard lock(mutex_);
  if (channel >= settings_.size())
    return Error{Code::out_of_range, fmt::format("channel {}: the file has {}", channel, settings_.size()), "", 0, {}};
  if (config.threshold != kAsRecorded.threshold || config.edge != kAsRecorded.edge || config.dead_time_ticks != 0)
    return Error{
        Code::not_supported, "threshold, edge and dead time were settled when the file was recorded", "", 0, {}};
  const std::int64_t most = tick_.to_ticks(kMostDelay);
  if (config.delay_ticks > most || config.delay_ticks < -most)
    return Error{
        Code::out_of_range, fmt::format("a delay of {} ticks: at most {}", config.delay_ticks, most), "", 0, {}};
  settings_[channel] = config;
  return {};
}

Result<hal::ChannelConfig> TagPlayer::channel(std::size_t channel) const {
  const std::lock_guard lock(mutex_);
  if (channel < settings_.size()) return settings_[channel];
  return Error{Code::out_of_range, fmt::format("channel {}: the file has {}", channel, settings_.size()), "", 0, {}};
}

Result<void> TagPlayer::start() {
  const std::lock_guard lock(mutex_);
  if (play_) return Error{Code::busy, "the file is playing already: stop it first", "", 0, {}};
  auto file = TagFile::open(options_.path, options_.format);
  if (!file) return std::move(file).error();
  const auto events = file->next();
  if (!events) return events.error();
  Play play{*std::move(file), *events, settings_};
  for (const hal::ChannelConfig& c : play.channels) {
    play.earliest_delay = std::min(play.earliest_delay, c.delay_ticks);
    play.latest_delay = std::max(play.latest_delay, c.delay_ticks);
  }
  if (!play.events.empty()) play.first = play.last = play.counted_from = play.events.front().ticks;
  if (options_.clock != nullptr) play.began = options_.clock->now();
  play.counts.resize(settings_.size());
  refused_.reset();
  queue_->begin(play.first + play.earliest_delay);
  play_ = std::move(play);
  return {};
}

Result<void> TagPlayer::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (play_) end(hal::StreamStatus::stopped);
  }
  changed_.notify_all();
  return {};
}

void TagPlayer::end(hal::StreamStatus status) {
  queue_->end(status);
  play_.reset();
}

hal::StreamStatus TagPlayer::acquire(hal::TagBlock& block, Deadline deadline) noexcept {
  for (;;) {
    const auto now = std::chrono::steady_clock::now();
    hal::StreamStatus status = queue_->acquire(block, {now});
    if (status != hal::StreamStatus::timeout) return status;
    std::unique_lock lock(mutex_);
    advance();
    status = queue_->acquire(block, {now});
    if (status != hal::StreamStatus::timeout || now >= deadline.at) return status;
    if (options_.pace == PlayerOptions::Pace::clock)
      (void)changed_.wait_until(lock, std::min(deadline.at, now + kLookAtTheClockEvery), [this] { return !play_; });
  }
}

/// The first tick whose time has not come.
std::int64_t TagPlayer::due() const noexcept {
  if (options_.pace == PlayerOptions::Pace::asked) return INT64_MAX;
  return play_->first + tick_.to_ticks(options_.clock->now() - play_->began) + 1;
}

void TagPlayer::advance() {
  if (!play_) return;
  const std::int64_t due_now = due();
  for (std::size_t tags = 0; tags < kPiece;) {
    if (play_->events.empty() && !read_on()) return;
    const FileEvent event = play_->events.front();
    if (event.kind != FileEvent::Kind::loss && event.ticks + play_->shift >= due_now) {
      queue_->commit(due_now + play_->earliest_delay);
      return;
    }
    play_->events = play_->events.subspan(1);
    tags += play(event);
  }
  queue_->commit(play_->last + play_->earliest_delay);
  move_clock();
}

void TagPlayer::move_clock() {
  if (options_.clock != nullptr && options_.pace == PlayerOptions::Pace::asked)
    options_.clock->advance_to(play_->began + tick_.to_picoseconds(play_->last - play_->first));
}

/// False at the end of the file, which is then the end of the stream.
bool TagPlayer::read_on() {
  const auto events = play_->file.next();
  if (events && !events->empty()) {
    play_->events = *events;
    return true;
  }
  const std::int64_t after = play_->last + play_->latest_delay + 1;
  if (play_->lost) tell_loss(after);
  queue_->commit(after);
  move_clock();
  if (!events) {
    refused_ = events.error();
    queue_->lose({after, after + 1, 0, false, hal::kAllChannels, hal::LossCause::corrupt});
    queue_->commit(after + 1);
  }
  end(events ? hal::StreamStatus::stopped : hal::StreamStatus::disconnected);
  return false;
}

/// Returns how many tags it was, at least one, so that a piece always ends.
std::size_t TagPlayer::play(const FileEvent& event) {
  Play& p = *play_;
  if (event.kind == FileEvent::Kind::loss) {
    const bool unknown = event.pattern == 0 || (p.lost && *p.lost == 0);
    p.lost = unknown ? 0 : p.lost.value_or(0) + event.pattern;
    return 1;
  }
  if (event.ticks + p.shift < p.last - tick_.to_ticks(kLongestStepBack)) begin_anew(event.ticks);
  const std::int64_t ticks = event.ticks + p.shift;
  if (p.lost) tell_loss(std::max(ticks, p.last) + p.latest_delay);
  place(event, ticks);
  p.last = std::max(p.last, ticks);
  return static_cast<std::size_t>(std::max(1, std::popcount(event.pattern)));
}

void TagPlayer::place(const FileEvent& event, std::int64_t ticks) {
  const std::uint16_t flags = std::popcount(event.pattern) > 1 ? hal::kTagSimultaneous : std::uint16_t{0};
  for (std::uint32_t left = event.pattern; left != 0; left &= left - 1) {
    const auto channel = static_cast<std::size_t>(std::countr_zero(left));
    if (channel >= play_->channels.size() || !play_->channels[channel].enabled) continue;
    ++play_->counts[channel];
    const std::int64_t at = ticks + play_->channels[channel].delay_ticks, edge = queue_->edge();
    if (at >= edge)
      queue_->push(hal::TimeTag{at, static_cast<std::uint16_t>(channel), flags});
    else
      queue_->lose({edge, edge + 1, 1, true, std::uint32_t{1} << channel, hal::LossCause::corrupt});
  }
}

void TagPlayer::tell_loss(std::int64_t until) {
  const std::int64_t from = play_->last + play_->earliest_delay;
  queue_->commit(from);
  const std::uint32_t lost = *std::exchange(play_->lost, std::nullopt);
  queue_->lose({from, std::max(until, from + 1), lost, lost > 0, hal::kAllChannels, hal::LossCause::fifo_overflow});
}

void TagPlayer::begin_anew(std::int64_t ticks) {
  Play& p = *play_;
  if (p.lost) tell_loss(p.last + p.latest_delay + 1);
  // After the last tag of before, whatever the delays.
  const std::int64_t from = p.last + p.earliest_delay, there = p.last + p.latest_delay - p.earliest_delay + 1;
  queue_->commit(from);
  queue_->lose({from, there + p.earliest_delay, 0, false, hal::kAllChannels, hal::LossCause::restarted});
  p.shift = there - ticks;
}

Result<std::vector<double>> TagPlayer::count_rates() {
  const std::lock_guard lock(mutex_);
  std::vector<double> rates(settings_.size(), 0.0);
  if (!play_) return rates;
  const double seconds = tick_.to_picoseconds(play_->last - play_->counted_from).seconds();
  for (std::size_t c = 0; c < rates.size(); ++c)
    if (seconds > 0) rates[c] = static_cast<double>(play_->counts[c]) / seconds;
  std::ranges::fill(play_->counts, 0);
  play_->counted_from = play_->last;
  return rates;
}

}  // namespace nicol::files
