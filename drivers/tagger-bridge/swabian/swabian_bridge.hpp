// SPDX-License-Identifier: Apache-2.0
// A Swabian Time Tagger behind a bridge: build this with the vendor's library (README.md), or in our tests with a stub.
#pragma once

#include <TimeTagger.h>

#include <array>
#include <memory>
#include <mutex>
#include <string>

#include "drivers/tagger-bridge/bridge/tag_server.hpp"

namespace nicol::bridge {

class SwabianBridge {
 public:
  static constexpr unsigned kChannels = 8;  // inputs 1..8 are Nicol's channels 0..7

  /// The tagger outlives this.
  static Result<std::unique_ptr<SwabianBridge>> open(TimeTagger& tagger, ServerOptions options);
  ~SwabianBridge();
  TagServer& server() { return *server_; }

 private:
  /// Passes on what the library tells, in its order.
  class Forwarder;
  explicit SwabianBridge(TimeTagger& tagger);
  std::optional<fw::Nack> set_channel(unsigned channel, const fw::ChannelConfig& config);
  void listen_anew();

  TimeTagger& tagger_;
  std::mutex mutex_;  // guards the settings and forwarder_
  std::array<fw::ChannelConfig, kChannels> channels_{};
  std::unique_ptr<TagServer> server_;
  std::unique_ptr<Forwarder> forwarder_;
};

}  // namespace nicol::bridge
