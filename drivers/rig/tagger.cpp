// SPDX-License-Identifier: Apache-2.0
#include "drivers/rig/tagger.hpp"

#include <algorithm>
#include <cmath>

namespace nicol::rig {
namespace {

using namespace std::chrono_literals;

constexpr auto kLastBlocksWithin = 500ms;
constexpr std::uint32_t kSerialCredit = 64, kCreditEvery = 16;  // blocks
constexpr double kHighestThreshold = 3.3;

fw::ChannelConfig to_wire(const hal::ChannelConfig& c) {
  fw::ChannelConfig out;
  out.enabled = c.enabled ? fw::Switch::on : fw::Switch::off;
  out.role = static_cast<fw::Role>(c.role);  // numbered alike
  out.edge = c.edge == hal::Edge::falling ? fw::Edge::falling : fw::Edge::rising;
  out.threshold_mv = static_cast<std::int32_t>(std::lround(c.threshold.value * 1000));
  out.delay_ticks = c.delay_ticks;
  out.dead_time_ticks = c.dead_time_ticks;
  return out;
}

hal::ChannelConfig from_wire(const fw::ChannelConfig& c) {
  hal::ChannelConfig out;
  out.enabled = c.enabled == fw::Switch::on;
  out.role = static_cast<hal::ChannelRole>(c.role);
  out.edge = c.edge == fw::Edge::falling ? hal::Edge::falling : hal::Edge::rising;
  out.threshold = {static_cast<double>(c.threshold_mv) / 1000};
  out.delay_ticks = c.delay_ticks;
  out.dead_time_ticks = c.dead_time_ticks;
  return out;
}

static_assert(static_cast<int>(hal::ChannelRole::detector) == static_cast<int>(fw::Role::detector));
static_assert(static_cast<int>(hal::ChannelRole::monitor) == static_cast<int>(fw::Role::monitor));

Error no_time(const std::string& board) {
  return {Code::protocol, "the board's TIME_MARK makes no sense: update firmware", board, 0, {}};
}

}  // namespace

RigTagger::RigTagger(Board& board, std::unique_ptr<tags::TagQueue> queue)
    : Face(board, "tagger"),
      about_(board.description().tagger),
      queue_(std::move(queue)),
      counted_(about_.channels, 0),
      stream_(*queue_) {}

Result<std::unique_ptr<RigTagger>> RigTagger::make(Board& board, const TaggerOptions& options) {
  const fw::TaggerInfo about = board.description().tagger;
  if (about.channels == 0)
    return Error{Code::not_found, fmt::format("board {} has no tagger", board.name()), board.name(), 0, {}};
  auto queue = tags::TagQueue::create({options.ring, 1024});
  if (!queue) return std::move(queue).error();
  std::unique_ptr<RigTagger> tagger(new RigTagger(board, *std::move(queue)));
  if (auto read = tagger->read_channels(); !read) return std::move(read).error();
  board.join(*tagger);
  return tagger;
}

RigTagger::~RigTagger() {
  if (link() == hal::Link::connected) (void)stop();
  board().leave(*this);
}

Result<void> RigTagger::read_channels() {
  for (std::size_t c = 0; c < about_.channels; ++c) {
    auto value = board().get(fw::Property::channel_config, c, fmt::format("asking for channel {}", c));
    if (!value) return std::move(value).error();
    channels_.push_back(value->channel);
  }
  return {};
}

hal::TaggerCaps RigTagger::caps() const {
  hal::TaggerCaps caps;
  caps.channels = about_.channels;
  caps.tick = {about_.tick_num, about_.tick_den};
  caps.jitter = {static_cast<std::int64_t>(about_.jitter_ps)};
  caps.min_dead_time = {static_cast<std::int64_t>(about_.dead_time_ps)};
  caps.max_rate = {static_cast<double>(about_.max_rate_hz)};
  caps.fifo_depth = about_.fifo_depth;
  return caps;
}

Result<void> RigTagger::check_channel(std::size_t channel) const {
  if (channel < about_.channels) return {};
  return error(Code::out_of_range, fmt::format("channel {} of {}", channel, about_.channels));
}

Result<void> RigTagger::set_channel(std::size_t channel, const hal::ChannelConfig& config) {
  if (auto here = connected(); !here) return here;
  if (auto fits = check_channel(channel); !fits) return fits;
  if (!(std::abs(config.threshold.value) <= kHighestThreshold))
    return error(Code::out_of_range,
                 fmt::format("threshold {} V is outside +-{} V", config.threshold.value, kHighestThreshold));
  const fw::ChannelConfig wanted = to_wire(config);
  const fw::Value value{fw::Property::channel_config, static_cast<std::uint16_t>(channel), 0, wanted, {}};
  if (auto set = board().set(value, fmt::format("setting channel {}", channel)); !set) return set;
  const std::lock_guard lock(mutex_);
  channels_[channel] = wanted;
  return {};
}

Result<hal::ChannelConfig> RigTagger::channel(std::size_t channel) const {
  if (auto here = connected(); !here) return std::move(here).error();
  if (auto fits = check_channel(channel); !fits) return std::move(fits).error();
  const std::lock_guard lock(mutex_);
  return from_wire(channels_[channel]);
}

/// What a session had set is set again.
Result<void> RigTagger::session_began() {
  std::vector<fw::ChannelConfig> channels;
  {
    const std::lock_guard lock(mutex_);
    channels = channels_;
    queue_->end(hal::StreamStatus::stopped);
  }
  for (std::size_t c = 0; c < channels.size(); ++c)
    if (auto restored =
            board().restore({fw::Property::channel_config, static_cast<std::uint16_t>(c), 0, channels[c], {}},
                            fmt::format("restoring channel {}", c));
        !restored)
      return restored;
  return {};
}

/// A total that was lost is said again; and where nothing came for a whole beat, what was on its way has come or is
/// lost, and the board may send as much anew: it must not wait for ever for blocks that nobody has seen.
void RigTagger::beat() noexcept {
  if (board().framing() != fw::Framing::cobs) return;
  {
    const std::lock_guard lock(mutex_);
    if (run_ == Run::stopped) return;
    const std::uint64_t seen = seen_blocks();
    if (seen == seen_at_beat_) granted_ += kSerialCredit;
    seen_at_beat_ = seen;
  }
  give_credit();
}

void RigTagger::session_lost() noexcept {
  {
    const std::lock_guard lock(mutex_);
    run_ = Run::stopped;
    queue_->end(hal::StreamStatus::disconnected);
  }
  changed_.notify_all();
}

Result<void> RigTagger::start() {
  if (auto here = connected(); !here) return here;
  const std::lock_guard control(control_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (run_ != Run::stopped) return error(Code::busy, "the tagger is running already: stop it first");
    stream_.begin();
    granted_ = kSerialCredit;
    seen_at_beat_ = 0;
    run_ = Run::starting;
  }
  return begin_run();
}

Result<void> RigTagger::begin_run() {
  fw::Credit credit;
  if (board().framing() == fw::Framing::cobs) credit.blocks = kSerialCredit;
  auto reply = board().command(fw::Type::stream_start, credit, "starting the tag stream");
  const std::lock_guard lock(mutex_);
  if (!reply) {
    run_ = Run::stopped;
    queue_->end(hal::StreamStatus::stopped);
    return std::move(reply).error();
  }
  if (run_ == Run::starting) run_ = Run::running;
  counted_.assign(about_.channels, 0);
  counted_at_ = 0;
  return {};
}

void RigTagger::tag_block(std::span<const std::uint8_t> payload) noexcept {
  bool ended = false, credit = false;
  {
    const std::lock_guard lock(mutex_);
    if (run_ == Run::stopped) return;
    // Until STREAM_START is answered, blocks of an older stream may still come; the new one begins with number 0.
    fw::TagBlockHeader header;
    if (run_ == Run::starting && (!fw::decode_tag_header(payload, header) || header.block_seq != 0)) return;
    if (run_ == Run::starting) run_ = Run::running;
    stream_.block(payload);
    ended = stream_.ended();
    if (ended) run_ = Run::stopped;
    credit = board().framing() == fw::Framing::cobs && stream_.counts().blocks % kCreditEvery == 0;
  }
  if (ended) changed_.notify_all();
  if (credit) give_credit();
}

std::uint64_t RigTagger::seen_blocks() const { return stream_.counts().blocks + stream_.counts().lost_blocks; }

/// A total, so that one that is lost or comes twice does no harm.
void RigTagger::give_credit() {
  fw::Credit credit;
  {
    const std::lock_guard lock(mutex_);
    granted_ = std::max(granted_, seen_blocks() + kSerialCredit);
    credit.blocks = static_cast<std::uint32_t>(granted_);
  }
  std::array<std::uint8_t, fw::Credit::kBytes> payload{};
  fw::encode(credit, payload);
  board().tell(fw::Type::stream_credit, payload);
}

void RigTagger::damage() noexcept {
  const std::lock_guard lock(mutex_);
  if (run_ != Run::stopped) stream_.damaged();
}

Result<void> RigTagger::stop() {
  if (auto here = connected(); !here) return here;
  const std::lock_guard control(control_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (run_ == Run::stopped) return {};
    run_ = Run::stopping;
  }
  auto reply = board().command(fw::Type::stream_stop, "stopping the tag stream");
  std::unique_lock lock(mutex_);
  if (reply) (void)changed_.wait_for(lock, kLastBlocksWithin, [this] { return run_ == Run::stopped; });
  if (run_ != Run::stopped) queue_->end(hal::StreamStatus::stopped);  // its last block was lost
  run_ = Run::stopped;
  return reply ? Result<void>() : std::move(reply).error();
}

hal::StreamStatus RigTagger::acquire(hal::TagBlock& block, Deadline deadline) noexcept {
  return queue_->acquire(block, deadline);
}

StreamCounts RigTagger::counts() const {
  const std::lock_guard lock(mutex_);
  return stream_.counts();
}

Result<std::uint64_t> RigTagger::now_ticks() {
  auto reply = board().command(fw::Type::time_mark, "asking for the time");
  if (!reply) return std::move(reply).error();
  const auto mark = fw::decode<fw::TimeMark>(reply->bytes());
  if (!mark) return no_time(board().name());
  return mark->tick;
}

Result<std::vector<double>> RigTagger::count_rates() {
  if (auto here = connected(); !here) return std::move(here).error();
  const std::lock_guard control(control_mutex_);
  auto now = now_ticks();
  if (!now) return std::move(now).error();
  const TickLength tick{about_.tick_num, about_.tick_den};
  const std::uint64_t span = *now > counted_at_ ? *now - counted_at_ : 0;
  const double seconds = tick.to_picoseconds(static_cast<std::int64_t>(span)).seconds();
  std::vector<double> rates(about_.channels, 0);
  for (std::size_t c = 0; c < rates.size(); ++c) {
    auto value = board().get(fw::Property::channel_counters, c, fmt::format("asking what channel {} counted", c));
    if (!value) return std::move(value).error();
    const std::uint64_t events = value->counters.events;
    if (seconds > 0 && events >= counted_[c]) rates[c] = static_cast<double>(events - counted_[c]) / seconds;
    counted_[c] = events;
  }
  counted_at_ = *now;
  return rates;
}

}  // namespace nicol::rig
