// SPDX-License-Identifier: Apache-2.0
// The classical channel's sockets: non-blocking, bounded, one peer at a time. Bytes in, bytes out, no protocol.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/hal/clocks.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::service {

/// "host:port", "[v6]:port"; port 0 listens on a free one.
struct Endpoint {
  std::string host, port;
};
Result<Endpoint> parse_endpoint(std::string_view text);
std::string to_string(const Endpoint& endpoint);

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& o) noexcept : fd_(o.release()) {}
  Descriptor& operator=(Descriptor&& o) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept;

 private:
  int fd_;
};

class TcpLink {
 public:
  explicit TcpLink(Descriptor socket);
  int descriptor() const noexcept { return socket_.get(); }
  bool wants_write() const noexcept { return !queue_.empty(); }
  void queue(std::vector<std::uint8_t> bytes) { queue_.push_back(std::move(bytes)); }
  /// Sends what the kernel takes now; disconnected when the peer is gone.
  Result<void> flush();
  /// What arrived, at most one buffer; empty when nothing is there. disconnected at end of stream.
  Result<std::span<const std::uint8_t>> receive();

 private:
  Descriptor socket_;
  std::deque<std::vector<std::uint8_t>> queue_;
  std::size_t sent_ = 0;  // of queue_.front()
  std::vector<std::uint8_t> buffer_;
};

class TcpListener {
 public:
  static Result<TcpListener> open(const Endpoint& endpoint);
  int descriptor() const noexcept { return socket_.get(); }
  std::uint16_t port() const noexcept { return port_; }
  /// A waiting connection, or an empty descriptor.
  Descriptor accept();

 private:
  TcpListener(Descriptor socket, std::uint16_t port) : socket_(std::move(socket)), port_(port) {}
  Descriptor socket_;
  std::uint16_t port_;
};

/// Blocks until connected or the deadline; timeout or disconnected otherwise.
Result<Descriptor> tcp_connect(const Endpoint& endpoint, std::chrono::milliseconds patience);

}  // namespace nicol::service
