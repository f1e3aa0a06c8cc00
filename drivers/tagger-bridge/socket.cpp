// SPDX-License-Identifier: Apache-2.0
#include "drivers/tagger-bridge/socket.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "drivers/transport/private_buffer.hpp"

namespace nicol::tagger_bridge {
namespace {

using namespace std::chrono_literals;
constexpr auto kSlice = 20ms;  // how long a wait goes on before it looks at its stop token
constexpr std::size_t kReadAtOnce = std::size_t{64} * 1024;

Error failed(std::string_view what) {
  const int e = errno;
  const bool gone = e == ECONNREFUSED || e == ENOENT || e == EPIPE || e == ECONNRESET;
  const Code code = gone ? Code::disconnected : e == EACCES || e == EPERM ? Code::access_denied : Code::io;
  return {code, fmt::format("{}: {}", what, std::strerror(e)), "", e, {}};
}

/// True when ready; false when the deadline passed or a stop was asked for.
bool wait_for(int fd, short events, Deadline deadline, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto left = deadline.at == Deadline{}.at ? std::chrono::steady_clock::duration(kSlice)
                                                   : deadline.at - std::chrono::steady_clock::now();
    const auto slice = std::clamp<std::chrono::steady_clock::duration>(left, 0ms, kSlice);
    pollfd p{fd, events, 0};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(slice).count();
    if (::poll(&p, 1, static_cast<int>(ms)) > 0) return true;
    if (left <= 0ms) return false;
  }
  return false;
}

Result<sockaddr_un> local_name(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof name.sun_path)
    return Error{Code::bad_input, fmt::format("\"{}\" is too long for a socket's path", path), "", 0, {}};
  std::copy(path.begin(), path.end(), name.sun_path);
  return name;
}

const sockaddr* generic(const sockaddr_un* name) {
  const void* p = name;
  return static_cast<const sockaddr*>(p);
}

struct Found {
  addrinfo* list = nullptr;
  ~Found() {
    if (list != nullptr) ::freeaddrinfo(list);
  }
};
Result<void> look_up(const Address& address, int flags, Found& found) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  const int e =
      ::getaddrinfo(address.path.empty() ? nullptr : address.path.c_str(), address.port.c_str(), &hints, &found.list);
  if (e == 0) return {};
  return Error{Code::not_found, fmt::format("{}:{}: {}", address.path, address.port, ::gai_strerror(e)), "", e, {}};
}

Result<Fd> connect_fd(Fd fd, const sockaddr* name, socklen_t size, const std::string& what, Deadline deadline) {
  if (fd.get() < 0) return failed(what);
  if (::connect(fd.get(), name, size) == 0) return fd;
  if (errno != EINPROGRESS && errno != EAGAIN) return failed(what);
  if (!wait_for(fd.get(), POLLOUT, deadline, {}))
    return Error{Code::timeout, fmt::format("{} does not answer", what), "", 0, {}};
  int e = 0;
  socklen_t length = sizeof e;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &e, &length);
  errno = e;
  if (e != 0) return failed(what);
  return fd;
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Address> parse_address(std::string_view text) {
  if (text.starts_with("unix:/")) return Address{Address::Kind::local, std::string(text.substr(5)), ""};
  const auto colon = text.rfind(':');
  if (text.starts_with("tcp:") && colon > 3 && colon + 1 < text.size())
    return Address{Address::Kind::tcp, std::string(text.substr(4, colon - 4)), std::string(text.substr(colon + 1))};
  return Error{Code::bad_input, fmt::format("\"{}\" is neither unix:/PATH nor tcp:HOST:PORT", text), "", 0, {}};
}

Result<Fd> connect_to(const Address& address, Deadline deadline) {
  constexpr int kType = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  if (address.kind == Address::Kind::local) {
    const auto name = local_name(address.path);
    if (!name) return name.error();
    return connect_fd(Fd(::socket(AF_UNIX, kType, 0)), generic(&*name), sizeof *name, address.path, deadline);
  }
  Found found;
  if (auto ok = look_up(address, 0, found); !ok) return std::move(ok).error();
  Result<Fd> result = Error{Code::not_found, "no address", "", 0, {}};
  for (const addrinfo* a = found.list; a != nullptr; a = a->ai_next) {
    result = connect_fd(Fd(::socket(a->ai_family, kType, 0)), a->ai_addr, a->ai_addrlen,
                        fmt::format("{}:{}", address.path, address.port), deadline);
    if (!result) continue;
    const int on = 1;
    ::setsockopt(result->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return result;
  }
  return result;
}

namespace {

Result<Listener> listen_locally(const Address& address) {
  const std::string& path = address.path;
  const auto name = local_name(path);
  if (!name) return name.error();
  if (connect_to(address, {std::chrono::steady_clock::now() + 100ms}))
    return Error{Code::busy, fmt::format("another bridge listens on {}", path), "", 0, {}};
  ::unlink(path.c_str());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const mode_t before = ::umask(0177);
  const bool bound = fd.get() >= 0 && ::bind(fd.get(), generic(&*name), sizeof *name) == 0;
  ::umask(before);
  if (!bound || ::listen(fd.get(), 1) != 0) return failed(path);
  return Listener{std::move(fd), address};
}

Result<std::string> port_of(const Fd& fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  void* const bytes = &name;
  auto* const bound = static_cast<sockaddr*>(bytes);
  std::array<char, NI_MAXSERV> port{};
  if (::getsockname(fd.get(), bound, &size) != 0) return failed("the port that the system chose");
  const int e = ::getnameinfo(bound, size, nullptr, 0, port.data(), port.size(), NI_NUMERICSERV);
  if (e != 0) return Error{Code::io, ::gai_strerror(e), "", e, {}};
  return std::string(port.data());
}

}  // namespace

Result<Listener> listen_on(const Address& address) {
  if (address.kind == Address::Kind::local) return listen_locally(address);
  Found found;
  if (auto ok = look_up(address, AI_PASSIVE, found); !ok) return std::move(ok).error();
  Fd fd(::socket(found.list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (fd.get() < 0 || ::bind(fd.get(), found.list->ai_addr, found.list->ai_addrlen) != 0 || ::listen(fd.get(), 1) != 0)
    return failed(fmt::format("{}:{}", address.path, address.port));
  auto port = port_of(fd);
  if (!port) return std::move(port).error();
  return Listener{std::move(fd), {Address::Kind::tcp, address.path, *std::move(port)}};
}

Result<Connection> Connection::over(Fd fd, std::unique_ptr<Seal> seal, Deadline deadline) {
  Connection connection(std::move(fd), std::move(seal));
  if (connection.seal_) {
    const auto greeting = connection.seal_->greeting();
    if (auto sent = connection.write_all(greeting, deadline); !sent) return std::move(sent).error();
    while (!connection.seal_->ready())
      if (auto got = connection.read_some(connection.early_, deadline, {}); !got) return std::move(got).error();
  }
  return connection;
}

Result<void> Connection::read(std::vector<std::uint8_t>& plain, Deadline deadline, const std::stop_token& stop) {
  const std::size_t before = plain.size();
  plain.insert(plain.end(), early_.begin(), early_.end());
  transport::wipe(early_);
  early_.clear();
  while (plain.size() == before)
    if (auto got = read_some(plain, deadline, stop); !got) return got;
  return {};
}

Result<void> Connection::read_some(std::vector<std::uint8_t>& plain, Deadline deadline, const std::stop_token& stop) {
  if (!wait_for(fd_.get(), POLLIN, deadline, stop))
    return Error{stop.stop_requested() ? Code::cancelled : Code::timeout, "nothing came", "", 0, {}};
  std::array<std::uint8_t, kReadAtOnce> buffer;
  const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (n < 0) return failed("the bridge's connection");
  if (n == 0) return Error{Code::disconnected, "the other end closed the connection", "", 0, {}};
  const std::span<const std::uint8_t> got(buffer.data(), static_cast<std::size_t>(n));
  Result<void> opened;
  if (seal_)
    opened = seal_->open(got, plain);
  else
    plain.insert(plain.end(), got.begin(), got.end());
  transport::wipe(std::span(buffer).first(got.size()));
  return opened;
}

Result<void> Connection::write(std::span<const std::uint8_t> plain, Deadline deadline) {
  if (!seal_) return write_all(plain, deadline);
  const auto sealed = seal_->seal(plain);
  if (!sealed) return sealed.error();
  return write_all(*sealed, deadline);
}

Result<void> Connection::write_all(std::span<const std::uint8_t> bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(n));
      continue;
    }
    if (n < 0 && errno != EAGAIN && errno != EINTR) return failed("the bridge's connection");
    if (!wait_for(fd_.get(), POLLOUT, deadline, {}))
      return Error{Code::timeout, "the other end takes nothing", "", 0, {}};
  }
  return {};
}

void Connection::shut() noexcept { ::shutdown(fd_.get(), SHUT_RDWR); }

}  // namespace nicol::tagger_bridge
