// SPDX-License-Identifier: Apache-2.0
// The man in the middle: a TCP proxy on 127.0.0.1 that cuts the stream into frames, records each, and lets a function
// decide what goes on: changed, dropped, doubled, swapped, late or cut short.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "controller/session/frames.hpp"

namespace nicol::test {

class FrameProxy {
 public:
  using Bytes = std::vector<std::uint8_t>;
  struct Outgoing {
    Bytes bytes;                         // any bytes: a frame, part of one, or none
    std::chrono::milliseconds delay{0};  // holds back this and what comes after it in its direction
  };
  /// Runs on the proxy's thread, one frame at a time; the header says type and direction.
  using Line = std::function<std::vector<Outgoing>(const session::FrameHeader& header, Bytes frame)>;
  struct Record {
    session::Direction direction;
    session::FrameType type;
    Bytes frame;
  };

  /// Listens on a free port; each connection is passed on to 127.0.0.1:`to_port`, one at a time (a new one ends the
  /// old). std::runtime_error when no socket can be had.
  explicit FrameProxy(std::uint16_t to_port, Line line = {});
  ~FrameProxy();
  FrameProxy(const FrameProxy&) = delete;
  FrameProxy& operator=(const FrameProxy&) = delete;

  std::uint16_t port() const { return port_; }
  void set_line(Line line);
  /// Every frame as it came in, before the line.
  std::vector<Record> records() const;
  /// Ends the present connection on both sides.
  void cut();

 private:
  struct Pipe;
  struct Connection;
  void run();
  void serve(std::unique_ptr<Connection>& connection);
  void take_in(Pipe& pipe);
  void pass(Pipe& pipe, Bytes frame);
  void wake() const;

  int listener_ = -1, wake_ = -1;
  std::uint16_t port_ = 0, to_port_ = 0;
  mutable std::mutex mutex_;  // guards line_, records_, stop_, cut_
  Line line_;
  std::vector<Record> records_;
  bool stop_ = false, cut_ = false;
  std::thread thread_;
};

}  // namespace nicol::test
