// SPDX-License-Identifier: Apache-2.0
#include "drivers/tagger-bridge/swabian/swabian_bridge.hpp"

#include <cstdlib>

namespace nicol::bridge {
namespace {

channel_t input_of(unsigned channel, const fw::ChannelConfig& config) {
  const auto input = static_cast<channel_t>(channel + 1);
  return config.edge == fw::Edge::falling ? -input : input;
}

}  // namespace

class SwabianBridge::Forwarder final : public IteratorBase {
 public:
  Forwarder(TimeTagger& tagger, TagServer& server, const std::array<fw::ChannelConfig, kChannels>& channels)
      : IteratorBase(&tagger), server_(server) {
    for (unsigned c = 0; c < kChannels; ++c)
      if (channels[c].enabled == fw::Switch::on) registerChannel(input_of(c, channels[c]));
    finishInitialization();
  }
  ~Forwarder() override { stop(); }

 protected:
  bool next_impl(std::vector<Tag>& tags, timestamp_t, timestamp_t end) override {
    for (const Tag& tag : tags) pass(tag);
    server_.complete(end);
    return false;  // the tags are as they were
  }

 private:
  void pass(const Tag& tag) {
    switch (tag.type) {
      case Tag::Type::TimeTag:
        (void)server_.push(static_cast<unsigned>(std::abs(tag.channel)) - 1, tag.time);
        return;
      case Tag::Type::OverflowBegin:
        return server_.overflow_begin(tag.time);
      case Tag::Type::MissedEvents:
        return server_.missed(tag.missed_events);
      case Tag::Type::OverflowEnd:
        return server_.overflow_end(tag.time);
      case Tag::Type::Error:  // the clock is in doubt at this instant
        server_.overflow_begin(tag.time);
        return server_.overflow_end(tag.time + 1);
    }
  }
  TagServer& server_;
};

SwabianBridge::SwabianBridge(TimeTagger& tagger) : tagger_(tagger) {}
SwabianBridge::~SwabianBridge() {
  forwarder_.reset();
  server_.reset();
}

Result<std::unique_ptr<SwabianBridge>> SwabianBridge::open(TimeTagger& tagger, ServerOptions options) {
  std::unique_ptr<SwabianBridge> bridge(new SwabianBridge(tagger));
  options.device.serial = fw::Text(tagger.getSerial());
  options.device.model = fw::Text(tagger.getModel());
  options.device.tagger.channels = kChannels;
  options.device.tagger.max_rate_hz = 8'000'000;
  options.device.tagger.fifo_depth = 1 << 20;
  options.on_channel = [b = bridge.get()](unsigned c, const fw::ChannelConfig& config) {
    return b->set_channel(c, config);
  };
  auto server = TagServer::open(std::move(options));
  if (!server) return std::move(server).error();
  bridge->server_ = *std::move(server);
  for (unsigned c = 0; c < kChannels; ++c) (void)bridge->set_channel(c, {});
  return bridge;
}

std::optional<fw::Nack> SwabianBridge::set_channel(unsigned channel, const fw::ChannelConfig& config) {
  if (channel >= kChannels) return fw::Nack::bad_value;
  const std::lock_guard lock(mutex_);
  const auto input = static_cast<channel_t>(channel + 1);
  tagger_.setTriggerLevel(input, config.threshold_mv * 1e-3);
  tagger_.setInputDelay(input_of(channel, config), config.delay_ticks);
  const timestamp_t set = tagger_.setDeadtime(input_of(channel, config), config.dead_time_ticks);
  if (set < config.dead_time_ticks) return fw::Nack::bad_value;  // the device's longest is shorter
  channels_[channel] = config;
  listen_anew();
  return std::nullopt;
}

/// Channels are registered when a measurement is made.
void SwabianBridge::listen_anew() {
  forwarder_.reset();
  forwarder_ = std::make_unique<Forwarder>(tagger_, *server_, channels_);
}

}  // namespace nicol::bridge
