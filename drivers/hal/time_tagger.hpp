// SPDX-License-Identifier: Apache-2.0
// Taggers and the stream contract: every tag stays in 64-bit ticks, and what was lost is said before what came after.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "drivers/hal/device.hpp"
#include "drivers/hal/units.hpp"

namespace nicol::hal {

enum class ChannelRole : std::uint8_t { none, detector, herald, sync, frame, pps, gate, monitor };
std::string_view to_string(ChannelRole role) noexcept;
enum class Edge : std::uint8_t { rising, falling };

struct ChannelConfig {
  bool enabled = true;
  ChannelRole role = ChannelRole::detector;
  Volts threshold{0.5};
  Edge edge = Edge::rising;
  std::int64_t delay_ticks = 0;
  std::uint32_t dead_time_ticks = 0;
};

inline constexpr std::uint16_t kTagSimultaneous = 1;  // came in one word with other channels

struct TimeTag {
  std::int64_t ticks = 0;
  std::uint16_t channel = 0, flags = 0;
  bool operator==(const TimeTag&) const = default;
};

enum class LossCause : std::uint8_t { fifo_overflow, transport, rate_limit, corrupt, disconnected, restarted };
inline constexpr std::uint32_t kAllChannels = ~std::uint32_t{0};

/// Tags of [begin, end) may be missing; never silently shortened by anybody downstream.
struct LossInterval {
  std::int64_t begin = 0, end = 0;
  std::uint64_t lost = 0;
  bool lost_known = false;
  std::uint32_t channels = kAllChannels;
  LossCause cause = LossCause::fifo_overflow;
  bool operator==(const LossInterval&) const = default;
};

/// Filled by acquire() into the caller's storage: nothing is allocated, and tags may live in locked pages.
/// Complete for [t_begin, t_end): the absence of a tag is data. A timeout gives an empty block.
struct TagBlock {
  std::span<TimeTag> storage;            // set by the caller
  std::span<LossInterval> loss_storage;  // set by the caller
  std::size_t tag_count = 0, loss_count = 0;
  std::uint64_t sequence = 0, first_index = 0;
  std::int64_t t_begin = 0, t_end = 0;
  std::span<const TimeTag> tags() const { return storage.first(tag_count); }
  std::span<const LossInterval> losses() const { return loss_storage.first(loss_count); }
};

enum class StreamStatus : std::uint8_t { ok, timeout, overflow, disconnected, stopped, corrupt };
std::string_view to_string(StreamStatus status) noexcept;

struct TaggerCaps {
  std::size_t channels = 0;
  TickLength tick;
  Picoseconds jitter, min_dead_time;
  Hertz max_rate;
  std::size_t fifo_depth = 0;
  bool has_reference_input = false;
};

/// Contract (tests/hal_contract is its definition): blocks are in order, tags sorted within and across them,
/// t_end(n) = t_begin(n+1), first_index continuous or explained by a LossInterval, and an overflow is reported in the
/// next block before any later tag. One consumer.
class TimeTagger : public Device {
 public:
  DeviceKind kind() const noexcept final { return DeviceKind::time_tagger; }
  virtual TaggerCaps caps() const = 0;
  virtual Result<void> set_channel(std::size_t channel, const ChannelConfig& config) = 0;
  virtual Result<ChannelConfig> channel(std::size_t channel) const = 0;
  virtual Result<void> start() = 0;
  virtual Result<void> stop() = 0;
  virtual StreamStatus acquire(TagBlock& block, Deadline deadline) noexcept = 0;
  /// Events per second and channel since the last call.
  virtual Result<std::vector<double>> count_rates() = 0;
};

}  // namespace nicol::hal
