// SPDX-License-Identifier: Apache-2.0
#include "controller/service/tcp.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace nicol::service {
namespace {

constexpr std::size_t kReceiveBuffer = std::size_t{256} * 1024;

struct AddressFree {
  void operator()(addrinfo* a) const { freeaddrinfo(a); }
};
using Addresses = std::unique_ptr<addrinfo, AddressFree>;

Error socket_error(const Endpoint& endpoint, std::string_view what, int number) {
  const Code code = number == ETIMEDOUT ? Code::timeout : Code::disconnected;
  return {code, fmt::format("{} {}: {}", what, to_string(endpoint), std::strerror(number)), "", number, {}};
}

Result<Addresses> resolve(const Endpoint& endpoint, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const char* host = endpoint.host.empty() ? nullptr : endpoint.host.c_str();
  if (const int rc = getaddrinfo(host, endpoint.port.c_str(), &hints, &found); rc != 0)
    return Error{
        Code::not_found, fmt::format("cannot resolve {}: {}", to_string(endpoint), gai_strerror(rc)), "", rc, {}};
  return Addresses(found);
}

void set_nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

int finish_connect(int fd, std::chrono::milliseconds patience) {
  pollfd p{fd, POLLOUT, 0};
  const int n = poll(&p, 1, static_cast<int>(patience.count()));
  if (n == 0) return ETIMEDOUT;
  if (n < 0) return errno;
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

std::uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size())
    return Error{Code::bad_input, fmt::format("'{}' is not host:port", text), "", 0, {}};
  std::string_view host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const std::string_view port = text.substr(colon + 1);
  if (port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos ||
      std::stoul(std::string(port)) > 65535)
    return Error{Code::bad_input, fmt::format("'{}': the port must be 0..65535", text), "", 0, {}};
  return Endpoint{std::string(host), std::string(port)};
}

std::string to_string(const Endpoint& endpoint) {
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", endpoint.host, endpoint.port) : fmt::format("{}:{}", endpoint.host, endpoint.port);
}

Descriptor& Descriptor::operator=(Descriptor&& o) noexcept {
  if (this != &o) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = o.release();
  }
  return *this;
}
Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}
int Descriptor::release() noexcept { return std::exchange(fd_, -1); }

TcpLink::TcpLink(Descriptor socket) : socket_(std::move(socket)), buffer_(kReceiveBuffer) {
  set_nonblocking(socket_.get());
  const int on = 1;
  setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // An idle node owes and expects nothing: only the kernel can notice that the other machine is gone.
  const int idle_s = 10, every_s = 5, probes = 3;
  setsockopt(socket_.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(socket_.get(), IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  setsockopt(socket_.get(), IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s);
  setsockopt(socket_.get(), IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

Result<void> TcpLink::flush() {
  while (!queue_.empty()) {
    const auto& front = queue_.front();
    const ssize_t n = ::send(socket_.get(), front.data() + sent_, front.size() - sent_, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return Error{Code::disconnected, fmt::format("sending to the peer: {}", std::strerror(errno)), "", errno, {}};
    sent_ += static_cast<std::size_t>(n);
    if (sent_ == front.size()) {
      queue_.pop_front();
      sent_ = 0;
    }
  }
  return {};
}

Result<std::span<const std::uint8_t>> TcpLink::receive() {
  while (true) {
    const ssize_t n = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
    if (n > 0) return std::span<const std::uint8_t>(buffer_.data(), static_cast<std::size_t>(n));
    if (n == 0) return Error{Code::disconnected, "the peer closed the connection", "", 0, {}};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::span<const std::uint8_t>();
    return Error{Code::disconnected, fmt::format("receiving from the peer: {}", std::strerror(errno)), "", errno, {}};
  }
}

Result<TcpListener> TcpListener::open(const Endpoint& endpoint) {
  auto addresses = resolve(endpoint, AI_PASSIVE);
  if (!addresses) return std::move(addresses).error();
  int number = 0;
  for (const addrinfo* a = addresses->get(); a != nullptr; a = a->ai_next) {
    Descriptor fd(::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol));
    const int on = 1;
    if (fd) setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd && ::bind(fd.get(), a->ai_addr, a->ai_addrlen) == 0 && ::listen(fd.get(), 4) == 0) {
      const std::uint16_t port = bound_port(fd.get());
      return TcpListener(std::move(fd), port);
    }
    number = errno;
  }
  Error error = socket_error(endpoint, "cannot listen on", number);
  error.code = number == EADDRINUSE ? Code::busy : Code::io;
  return error;
}

Descriptor TcpListener::accept() {
  return Descriptor(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

Result<Descriptor> tcp_connect(const Endpoint& endpoint, std::chrono::milliseconds patience) {
  auto addresses = resolve(endpoint, 0);
  if (!addresses) return std::move(addresses).error();
  int number = ECONNREFUSED;
  for (const addrinfo* a = addresses->get(); a != nullptr; a = a->ai_next) {
    Descriptor fd(::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol));
    if (!fd) continue;
    if (::connect(fd.get(), a->ai_addr, a->ai_addrlen) == 0) return fd;
    number = errno == EINPROGRESS ? finish_connect(fd.get(), patience) : errno;
    if (number == 0) return fd;
  }
  return socket_error(endpoint, "cannot reach", number);
}

}  // namespace nicol::service
