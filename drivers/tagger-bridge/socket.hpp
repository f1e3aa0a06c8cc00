// SPDX-License-Identifier: Apache-2.0
// Local sockets, TCP connections, and either of them under a seal: ordered bytes with deadlines.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "drivers/hal/clocks.hpp"
#include "drivers/tagger-bridge/stream.hpp"

namespace nicol::tagger_bridge {

/// A file descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd = -1) noexcept : fd_(fd) {}
  Fd(Fd&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  Fd& operator=(Fd&& o) noexcept {
    std::swap(fd_, o.fd_);
    return *this;
  }
  ~Fd();
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// "unix:/run/user/1000/nicol/x.tagger" or "tcp:host:port".
struct Address {
  enum class Kind : std::uint8_t { local, tcp };
  Kind kind = Kind::local;
  std::string path, port;  // tcp: path is the host
};
Result<Address> parse_address(std::string_view text);

Result<Fd> connect_to(const Address& address, Deadline deadline);
struct Listener {
  Fd fd;
  Address address;  // with the port that the system chose where "0" was asked for
};
/// Local: an old socket file nobody listens on is replaced; mode 0600.
Result<Listener> listen_on(const Address& address);

/// One reader and one writer at a time.
class Connection {
 public:
  /// With a seal: greets, and waits until the peer has.
  static Result<Connection> over(Fd fd, std::unique_ptr<Seal> seal, Deadline deadline);

  /// Appends at least one byte of plain text; timeout, cancelled, disconnected, authentication.
  Result<void> read(std::vector<std::uint8_t>& plain, Deadline deadline, const std::stop_token& stop);
  Result<void> write(std::span<const std::uint8_t> plain, Deadline deadline);
  /// Wakes a reader, which says disconnected.
  void shut() noexcept;

 private:
  Connection(Fd fd, std::unique_ptr<Seal> seal) : fd_(std::move(fd)), seal_(std::move(seal)) {}
  Result<void> read_some(std::vector<std::uint8_t>& plain, Deadline deadline, const std::stop_token& stop);
  Result<void> write_all(std::span<const std::uint8_t> bytes, Deadline deadline);
  Fd fd_;
  std::unique_ptr<Seal> seal_;
  std::vector<std::uint8_t> early_;  // plain text that came in one piece with the peer's greeting
};

}  // namespace nicol::tagger_bridge
