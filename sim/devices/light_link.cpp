// SPDX-License-Identifier: Apache-2.0
// Sockets are polled in slices, so that an operator's "off" is heard within one of them.
#include "sim/devices/light_link.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace nicol::sim {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kSlice{20};
constexpr int kBuffer = 1 << 20;
constexpr std::size_t kPieces = 5;

Error io_error(std::string what) {
  const int number = errno;
  return {Code::io, fmt::format("{}: {}", what, std::strerror(number)), {}, number, {}};
}

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.size() >= sizeof address.sun_path)
    return Error{Code::bad_input,
                 fmt::format("light socket path of {} bytes; expected at most {}: {}", text.size(),
                             sizeof address.sun_path - 1, text),
                 {},
                 0,
                 {}};
  std::copy(text.begin(), text.end(), address.sun_path);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

Socket make_socket() { return Socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

enum class Ready : std::uint8_t { yes, timeout, unwanted };
Ready wait_for(int fd, short events, Deadline deadline, const std::atomic<bool>& wanted) noexcept {
  for (;;) {
    if (!wanted) return Ready::unwanted;
    const auto left = deadline.at - std::chrono::steady_clock::now();
    const auto slice = std::clamp(std::chrono::ceil<milliseconds>(left), milliseconds{0}, kSlice);
    pollfd p{fd, events, 0};
    if (::poll(&p, 1, static_cast<int>(slice.count())) > 0) return Ready::yes;
    if (left <= std::chrono::nanoseconds{0}) return Ready::timeout;
  }
}

using Pieces = std::array<iovec, kPieces>;

/// Header and arrays; `photons` and `groups` say how much of the arrays is on the wire.
Pieces pieces_of(LightBatch& b, std::size_t photons, std::size_t groups) noexcept {
  return {{{&b.header, sizeof b.header},
           {b.slot.data(), photons * sizeof b.slot[0]},
           {b.time.data(), photons * sizeof b.time[0]},
           {b.state.data(), photons * sizeof b.state[0]},
           {b.group.data(), groups * sizeof b.group[0]}}};
}

std::size_t total(const Pieces& pieces) noexcept {
  std::size_t bytes = 0;
  for (const iovec& p : pieces) bytes += p.iov_len;
  return bytes;
}

void skip(Pieces& pieces, std::size_t bytes) noexcept {
  for (iovec& p : pieces) {
    const std::size_t here = std::min(bytes, p.iov_len);
    p.iov_base = static_cast<char*>(p.iov_base) + here;
    p.iov_len -= here;
    bytes -= here;
  }
}

msghdr message_of(Pieces& pieces) noexcept {
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  return message;
}

bool would_block() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

bool plausible(const LightHeader& h) noexcept {
  return h.magic == kLightMagic && h.version == kLightVersion && h.photons <= kBatchPhotons &&
         h.groups <= kBatchGroups && h.sync_divider > 0 && h.slot_period > 0 && h.end >= h.begin &&
         h.slots <= ~std::uint32_t{0} && h.first_slot <= h.block_slots && h.slots <= h.block_slots - h.first_slot;
}

bool plausible(const LightBatch& b) noexcept {
  std::uint32_t last = 0;
  for (std::size_t i = 0; i < b.header.photons; ++i) {
    if (b.slot[i] < last || b.slot[i] >= b.header.slots) return false;
    last = b.slot[i];
  }
  std::uint32_t end = 0;
  for (std::size_t i = 0; i < b.header.groups; ++i) {
    const LightGroup& g = b.group[i];
    if (g.first < end || g.photons == 0 || g.photons > kJointPhotons || g.lost >= g.photons ||
        g.photons > b.header.photons || g.first > b.header.photons - g.photons)
      return false;
    end = g.first + g.photons;
  }
  return true;
}

}  // namespace

void Socket::close() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<Socket> listen_for_light(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address.ok()) return address.error();
  Socket listener = make_socket();
  if (!listener) return io_error("light socket");
  std::error_code ignored;
  if (std::filesystem::is_socket(path, ignored)) std::filesystem::remove(path, ignored);
  if (::bind(listener.fd(), generic(*address), sizeof *address) != 0) return io_error("light socket " + path.string());
  if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || ::listen(listener.fd(), SOMAXCONN) != 0)
    return io_error("light socket " + path.string());
  return listener;
}

Socket accept_light(const Socket& listener) {
  return Socket(::accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

Socket connect_light(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address.ok()) return {};
  Socket socket = make_socket();
  if (!socket) return {};
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUF, &kBuffer, sizeof kBuffer);
  if (::connect(socket.fd(), generic(*address), sizeof *address) != 0) return {};
  return socket;
}

Result<std::unique_ptr<LightSender>> LightSender::listen(const std::filesystem::path& path) {
  if (path.empty()) return std::unique_ptr<LightSender>(new LightSender(path, Socket()));
  auto listener = listen_for_light(path);
  if (!listener.ok()) return listener.error();
  return std::unique_ptr<LightSender>(new LightSender(path, std::move(listener).value()));
}

LightSender::~LightSender() {
  std::error_code ignored;
  if (listener_) std::filesystem::remove(path_, ignored);
}

void LightSender::accept_pending() {
  for (;;) {
    Socket next = accept_light(listener_);
    if (!next) return;
    ::setsockopt(next.fd(), SOL_SOCKET, SO_SNDBUF, &kBuffer, sizeof kBuffer);
    receiver_ = std::move(next);
  }
}

Result<void> LightSender::await_receiver(Deadline deadline, const std::atomic<bool>& wanted) {
  if (!listener_) return {};
  for (;;) {
    accept_pending();
    if (receiver_) {
      char byte = 0;
      const ssize_t n = ::recv(receiver_.fd(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
      if (n < 0 && would_block()) return {};
      receiver_.close();
      continue;
    }
    switch (wait_for(listener_.fd(), POLLIN, deadline, wanted)) {
      case Ready::yes:
        break;
      case Ready::timeout:
        return Error{Code::timeout, "no receiver came to the light: is the other side's tagger running?", {}, 0, {}};
      case Ready::unwanted:
        return Error{Code::cancelled, "emission was switched off", {}, 0, {}};
    }
  }
}

LightSender::Newest LightSender::newest() {
  if (!listener_) return Newest::same;
  const int before = receiver_.fd();
  accept_pending();
  return receiver_.fd() == before ? Newest::same : Newest::new_one;
}

bool LightSender::has_room(Deadline deadline, const std::atomic<bool>& wanted) const {
  return !receiver_ || wait_for(receiver_.fd(), POLLOUT, deadline, wanted) == Ready::yes;
}

Result<void> LightSender::send(const LightBatch& batch, const std::atomic<bool>& wanted) {
  if (!receiver_) return {};
  // sendmsg takes pointers to non-const and only reads.
  Pieces pieces = pieces_of(const_cast<LightBatch&>(batch), batch.header.photons, batch.header.groups);
  while (total(pieces) > 0) {
    const msghdr message = message_of(pieces);
    const ssize_t sent = ::sendmsg(receiver_.fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      skip(pieces, static_cast<std::size_t>(sent));
    } else if (!would_block()) {
      receiver_.close();
      return {};
    } else if (wait_for(receiver_.fd(), POLLOUT, {}, wanted) == Ready::unwanted) {
      // Half a batch is on the wire: this receiver can make no sense of anything that would follow.
      receiver_.close();
      return Error{Code::cancelled, "emission was switched off", {}, 0, {}};
    }
  }
  return {};
}

Result<LightReceiver> LightReceiver::connect(const std::filesystem::path& path, Deadline deadline,
                                             const std::atomic<bool>& wanted) {
  const auto address = address_of(path);
  if (!address.ok()) return address.error();
  for (;;) {
    if (Socket socket = connect_light(path)) return LightReceiver(std::move(socket));
    if (std::chrono::steady_clock::now() >= deadline.at || !wanted) {
      Error failure = io_error("light socket " + path.string());
      failure.code = Code::timeout;
      return failure;
    }
    std::this_thread::sleep_for(milliseconds{5});
  }
}

LightReceiver::Outcome LightReceiver::receive(LightBatch& batch, Deadline deadline,
                                              const std::atomic<bool>& wanted) noexcept {
  if (!socket_) return Outcome::disconnected;
  for (;;) {
    const bool has_header = have_ >= sizeof batch.header;
    if (has_header && !plausible(batch.header)) return Outcome::corrupt;
    Pieces pieces = pieces_of(batch, has_header ? batch.header.photons : 0, has_header ? batch.header.groups : 0);
    if (has_header && have_ == total(pieces)) {
      have_ = 0;
      return plausible(batch) ? Outcome::batch : Outcome::corrupt;
    }
    skip(pieces, have_);
    msghdr message = message_of(pieces);
    const ssize_t got = ::recvmsg(socket_.fd(), &message, MSG_DONTWAIT);
    if (got > 0) {
      have_ += static_cast<std::size_t>(got);
    } else if (got == 0 || !would_block()) {
      return Outcome::disconnected;
    } else if (wait_for(socket_.fd(), POLLIN, deadline, wanted) != Ready::yes) {
      return Outcome::timeout;
    }
  }
}

}  // namespace nicol::sim
