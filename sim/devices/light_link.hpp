// SPDX-License-Identifier: Apache-2.0
// The socket that carries simulated light: Alice listens, Bob connects anew whenever his tagger starts.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <utility>

#include "drivers/hal/clocks.hpp"
#include "drivers/hal/result.hpp"
#include "sim/devices/light.hpp"

namespace nicol::sim {

/// A file descriptor that closes itself.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  Socket& operator=(Socket&& o) noexcept {
    std::swap(fd_, o.fd_);
    return *this;
  }
  ~Socket() { close(); }
  void close() noexcept;
  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// For the sockets of the simulated world: not blocking, of this user alone. connect_light() does not wait: an empty
/// socket when nobody listens.
Result<Socket> listen_for_light(const std::filesystem::path& path);
Socket accept_light(const Socket& listener);
Socket connect_light(const std::filesystem::path& path);

/// Alice's end. With an empty path there is no fibre: the light goes nowhere.
class LightSender {
 public:
  static Result<std::unique_ptr<LightSender>> listen(const std::filesystem::path& path);
  ~LightSender();

  /// Drops what an older receiver left and takes the newest; waits for one until the deadline or until !wanted.
  Result<void> await_receiver(Deadline deadline, const std::atomic<bool>& wanted);
  /// Without waiting: whether a receiver came since the last look. It has missed what was sent before.
  enum class Newest : std::uint8_t { same, new_one };
  Newest newest();
  /// Whether send() will not have to wait; there is always room where nobody receives.
  bool has_room(Deadline deadline, const std::atomic<bool>& wanted) const;
  /// Blocks while the receiver is slow. A receiver that went away is no error: light does not come back to say so.
  Result<void> send(const LightBatch& batch, const std::atomic<bool>& wanted);

 private:
  LightSender(std::filesystem::path path, Socket listener) : path_(std::move(path)), listener_(std::move(listener)) {}
  void accept_pending();
  std::filesystem::path path_;
  Socket listener_, receiver_;
};

/// Bob's end.
class LightReceiver {
 public:
  /// Tries again while Alice's end is not there yet.
  static Result<LightReceiver> connect(const std::filesystem::path& path, Deadline deadline,
                                       const std::atomic<bool>& wanted);

  enum class Outcome : std::uint8_t { batch, timeout, disconnected, corrupt };
  /// One whole batch; a part of one is kept for the next call.
  Outcome receive(LightBatch& batch, Deadline deadline, const std::atomic<bool>& wanted) noexcept;

 private:
  explicit LightReceiver(Socket socket) : socket_(std::move(socket)) {}
  Socket socket_;
  std::size_t have_ = 0;  // bytes of the batch that is coming in
};

}  // namespace nicol::sim
