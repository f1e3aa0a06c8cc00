// SPDX-License-Identifier: Apache-2.0
// The HAL face of a tagger behind a bridge program: what the program says about itself, its tags, and its absence.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "drivers/hal/time_tagger.hpp"
#include "drivers/tagger-bridge/block_reader.hpp"
#include "drivers/tagger-bridge/socket.hpp"
#include "drivers/transport/mailbox.hpp"
#include "drivers/transport/wire_log.hpp"
#include "firmware-protocol/hello.hpp"
#include "firmware-protocol/message.hpp"
#include "firmware-protocol/property.hpp"

namespace nicol::tagger_bridge {

struct TaggerOptions {
  Address address;
  std::string key_file;  // tcp only
  SealFactory seal;
  std::string serial;  // empty: whoever answers first, and only that one afterwards
  transport::WireLog* log = nullptr;
  std::size_t ring = std::size_t{1} << 16;
};

/// SET of one channel's settings.
fw::Value channel_value(std::size_t channel, const hal::ChannelConfig& config);

class Tagger final : public hal::TimeTagger {
 public:
  /// disconnected when no program listens, incompatible_firmware, authentication.
  static Result<std::unique_ptr<Tagger>> open(TaggerOptions options);
  ~Tagger() override;

  hal::DeviceInfo info() const override;
  hal::Link link() const noexcept override { return link_; }
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline deadline) override;
  /// A tagger emits nothing and moves nothing: it is safe already.
  void safe_state() noexcept override {}

  hal::TaggerCaps caps() const override;
  /// What the bridge program refuses comes back as not_supported or out_of_range.
  Result<void> set_channel(std::size_t channel, const hal::ChannelConfig& config) override;
  Result<hal::ChannelConfig> channel(std::size_t channel) const override;
  Result<void> start() override;
  Result<void> stop() override;
  hal::StreamStatus acquire(hal::TagBlock& block, Deadline deadline) noexcept override;
  Result<std::vector<double>> count_rates() override;

 private:
  struct Answer {
    std::uint16_t ack = 0;
    std::uint8_t flags = 0;
    std::uint16_t code = 0;
    std::optional<fw::Hello> hello;
  };
  enum class Phase : std::uint8_t { idle, running, stopping };
  Tagger(TaggerOptions options, std::unique_ptr<tags::TagQueue> queue, BlockReader reader);
  Result<void> connect(Deadline deadline);
  Result<fw::Hello> greet(Connection& connection, Deadline deadline);
  void run(const std::stop_token& stop);
  void read_until_gone(const std::stop_token& stop);
  void lost_connection();
  bool heard(std::span<const std::uint8_t> bytes);
  bool frame(const fw::Frame& frame);
  bool tag_block(std::span<const std::uint8_t> payload);
  Result<Answer> ask(fw::Type type, std::span<const std::uint8_t> payload);
  Result<void> write(const fw::Header& header, std::span<const std::uint8_t> payload, Deadline deadline);
  Result<void> tell_channel(std::size_t channel, const hal::ChannelConfig& config);
  Result<void> check_channel(std::size_t channel) const;
  Error error(Code code, std::string message) const;
  std::int64_t next_origin();

  const TaggerOptions options_;
  std::unique_ptr<tags::TagQueue> queue_;
  std::atomic<hal::Link> link_{hal::Link::disconnected};
  transport::Mailbox<Answer> answers_;
  fw::FrameDecoder decoder_{fw::Framing::raw};  // the reading thread's

  std::mutex control_mutex_;  // one question at a time; taken first
  std::atomic<std::uint16_t> seq_{0};

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  fw::Hello hello_;
  std::vector<hal::ChannelConfig> channels_;
  BlockReader reader_;
  Phase phase_ = Phase::idle;
  std::optional<std::chrono::steady_clock::time_point> epoch_;
  std::array<std::uint64_t, fw::kWordChannels> counted_{};
  std::chrono::steady_clock::time_point counted_at_;

  std::optional<Connection> connection_;  // replaced by the reading thread while link_ says disconnected
  std::mutex writing_mutex_;              // held while connection_ is written to or replaced
  std::jthread thread_;
};

}  // namespace nicol::tagger_bridge
