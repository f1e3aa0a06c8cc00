// SPDX-License-Identifier: Apache-2.0
// The proxy's one thread: poll, read, cut into frames, ask the line, write when due; see proxy.hpp.
#include "tests/support/proxy.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>

namespace nicol::test {
namespace {

using Clock = std::chrono::steady_clock;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

template <class Call>
bool with_address(std::uint16_t port, Call call) {
  const sockaddr_in address = loopback(port);
  return call(reinterpret_cast<const sockaddr*>(&address), socklen_t{sizeof(address)}) == 0;
}

void close_if_open(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

}  // namespace

/// One direction: bytes in from one socket, frames out to the other.
struct FrameProxy::Pipe {
  int from = -1, to = -1;
  session::FrameReader reader;
  std::deque<std::pair<Clock::time_point, Bytes>> queue;
  std::size_t sent = 0;  // of the first in the queue
  bool broken = false;

  bool wants_to_write() const { return !queue.empty() && queue.front().first <= Clock::now(); }
  void write() {
    while (wants_to_write()) {
      Bytes& bytes = queue.front().second;
      const ssize_t n = send(to, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno != EAGAIN) broken = true;
      if (n < 0) return;
      sent += static_cast<std::size_t>(n);
      if (sent < bytes.size()) return;
      queue.pop_front();
      sent = 0;
    }
  }
};

struct FrameProxy::Connection {
  explicit Connection(int accepted) : near(accepted) {}
  ~Connection() {
    close_if_open(near);
    close_if_open(far);
  }
  bool connect_to(std::uint16_t port) {
    far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (far < 0 || !with_address(port, [&](const sockaddr* a, socklen_t n) { return ::connect(far, a, n); }))
      return false;
    there.from = back.to = near;
    there.to = back.from = far;
    return true;
  }
  int near = -1, far = -1;
  Pipe there, back;
};

FrameProxy::FrameProxy(std::uint16_t to_port, Line line) : to_port_(to_port), line_(std::move(line)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  const bool bound =
      listener_ >= 0 && with_address(0, [&](const sockaddr* a, socklen_t n) { return bind(listener_, a, n); });
  if (!bound || wake_ < 0 || listen(listener_, 4) != 0) throw std::runtime_error("the proxy got no socket");
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

FrameProxy::~FrameProxy() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake();
  thread_.join();
  close_if_open(listener_);
  close_if_open(wake_);
}

void FrameProxy::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));
}

void FrameProxy::set_line(Line line) {
  const std::lock_guard lock(mutex_);
  line_ = std::move(line);
}

std::vector<FrameProxy::Record> FrameProxy::records() const {
  const std::lock_guard lock(mutex_);
  return records_;
}

void FrameProxy::cut() {
  {
    const std::lock_guard lock(mutex_);
    cut_ = true;
  }
  wake();
}

void FrameProxy::pass(Pipe& pipe, Bytes frame) {
  const Result<session::FrameHeader> header = session::parse_header(frame);
  if (!header) return;
  std::vector<Outgoing> out;
  {
    const std::lock_guard lock(mutex_);
    records_.push_back({header->direction, header->type, frame});
    if (line_)
      out = line_(*header, std::move(frame));
    else
      out.push_back({std::move(frame)});
  }
  for (Outgoing& o : out)
    if (!o.bytes.empty()) pipe.queue.emplace_back(Clock::now() + o.delay, std::move(o.bytes));
}

void FrameProxy::take_in(Pipe& pipe) {
  std::array<std::uint8_t, 65536> chunk{};
  const ssize_t n = recv(pipe.from, chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0 || !pipe.reader.feed(std::span(chunk.data(), static_cast<std::size_t>(n)))) pipe.broken = true;
  while (auto frame = pipe.reader.next()) pass(pipe, std::move(*frame));
}

/// One round of poll over the connection; drops it when either side is gone and everything it said was passed on.
void FrameProxy::serve(std::unique_ptr<Connection>& connection) {
  std::array<pollfd, 4> fds{{{listener_, POLLIN, 0}, {wake_, POLLIN, 0}, {-1, 0, 0}, {-1, 0, 0}}};
  const auto events = [](const Pipe& in, const Pipe& out) {
    return static_cast<short>((in.broken ? 0 : POLLIN) | (out.wants_to_write() ? POLLOUT : 0));
  };
  bool waiting = false;
  if (connection) {
    fds[2] = {connection->near, events(connection->there, connection->back), 0};
    fds[3] = {connection->far, events(connection->back, connection->there), 0};
    waiting = !connection->there.queue.empty() || !connection->back.queue.empty();
  }
  constexpr int kTick = 2, kIdle = 200;  // milliseconds: a delayed frame is looked at this often
  poll(fds.data(), connection ? 4 : 2, waiting ? kTick : kIdle);
  std::uint64_t count = 0;
  if ((fds[1].revents & POLLIN) != 0) [[maybe_unused]]
    const ssize_t drained = read(wake_, &count, sizeof(count));
  if ((fds[0].revents & POLLIN) != 0) {
    connection = std::make_unique<Connection>(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection->connect_to(to_port_)) connection.reset();
    return;
  }
  if (!connection) return;
  if (fds[2].revents != 0 && !connection->there.broken) take_in(connection->there);
  if (fds[3].revents != 0 && !connection->back.broken) take_in(connection->back);
  connection->there.write();
  connection->back.write();
  const Pipe &there = connection->there, &back = connection->back;
  if ((there.broken && there.queue.empty()) || (back.broken && back.queue.empty())) connection.reset();
}

void FrameProxy::run() {
  std::unique_ptr<Connection> connection;
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
      if (std::exchange(cut_, false)) connection.reset();
    }
    serve(connection);
  }
}

}  // namespace nicol::test
