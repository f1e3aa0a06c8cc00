// SPDX-License-Identifier: Apache-2.0
// The bridge program's end: link this beside a vendor's library, push what it tells, and Nicol sees a time tagger.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "drivers/tagger-bridge/bridge/block_stream.hpp"
#include "drivers/tagger-bridge/socket.hpp"
#include "firmware-protocol/hello.hpp"
#include "firmware-protocol/message.hpp"

namespace nicol::bridge {

struct ServerOptions {
  tagger_bridge::Address address;  // unix: for this computer; tcp: needs `seal` and a key file
  fw::Description device;          // serial, model, tagger: channels (at most 12), tick, rates
  /// Settings of one channel, applied to the vendor's device. nullopt: done. Called on the server's thread.
  std::function<std::optional<fw::Nack>(unsigned channel, const fw::ChannelConfig&)> on_channel;
  std::string key_file;
  tagger_bridge::SealFactory seal;
  /// A caller who has not greeted, and under a seal said a first record, within this is sent away.
  std::chrono::milliseconds greet_within{2000};
  std::size_t most_waiting = 256;  // blocks for a driver that is slow; more are lost, and it sees how many tags
};

/// One driver at a time; the next may come when it has gone. push() and its like from one thread of the vendor's.
class TagServer {
 public:
  static Result<std::unique_ptr<TagServer>> open(ServerOptions options);
  ~TagServer();

  /// Where it listens; tcp with port "0": the port that the system chose.
  const tagger_bridge::Address& address() const { return options_.address; }
  /// Ticks of the vendor's clock, never going back; false when that or the channel is wrong.
  bool push(unsigned channel, std::int64_t at);
  /// Everything before `at` has been pushed: ten times a second or more, also when nothing comes.
  void complete(std::int64_t at);
  void overflow_begin(std::int64_t at);
  void missed(std::uint64_t events);
  void overflow_end(std::int64_t at);
  bool streaming() const;
  std::uint64_t dropped_blocks() const;

 private:
  TagServer(ServerOptions options, tagger_bridge::Fd listener);
  void run(const std::stop_token& stop);
  void serve(tagger_bridge::Connection& connection, const std::stop_token& stop);
  bool greeted() const;
  bool answer(const fw::Frame& frame);
  void reply(fw::Type type, const fw::Header& to, std::uint8_t flags, std::span<const std::uint8_t> payload);
  void reply_code(const fw::Header& to, std::optional<fw::Nack> refusal);
  void set_channel(const fw::Frame& frame, std::unique_lock<std::mutex>& lock);
  void hello(const fw::Frame& frame);
  void start();
  void stop_stream();
  void queue_block(std::span<const std::uint8_t> payload);
  void write_out(tagger_bridge::Connection& connection, const std::stop_token& stop);

  const ServerOptions options_;
  tagger_bridge::Fd listener_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable_any waiting_;
  BlockStream blocks_;
  std::deque<std::vector<std::uint8_t>> frames_;  // for the writing thread
  std::int64_t latest_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint16_t block_frames_ = 0;
  bool streaming_ = false, greeted_ = false, overflowing_ = false;
  std::jthread thread_;
};

}  // namespace nicol::bridge
