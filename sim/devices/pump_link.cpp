// SPDX-License-Identifier: Apache-2.0
// One question, one answer, both of fixed size: the source is never ahead of what Alice asked for, so switching it off
// is felt in the very next stretch.
#include "sim/devices/pump_link.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <thread>

namespace nicol::sim {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kSlice{20};
constexpr std::uint64_t kPumpMagic = 0x504d55504c43494e;  // "NICLPUMP"

/// Same machine, same byte order.
struct Message {
  std::uint64_t magic = kPumpMagic;
  std::int64_t time = 0;
  double pairs_per_second = 0;
};

bool would_block() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

bool wait_readable(int fd, milliseconds most) noexcept {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, static_cast<int>(most.count())) > 0;
}

/// A message is far smaller than a socket's buffer and goes whole or not at all.
bool send_message(int fd, const Message& m) noexcept {
  return ::send(fd, &m, sizeof m, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(sizeof m);
}

enum class Receipt : std::uint8_t { message, none, broken };
Receipt receive_message(int fd, Message& m) noexcept {
  const ssize_t n = ::recv(fd, &m, sizeof m, MSG_DONTWAIT);
  if (n == static_cast<ssize_t>(sizeof m) && m.magic == kPumpMagic) return Receipt::message;
  return n < 0 && would_block() ? Receipt::none : Receipt::broken;
}

}  // namespace

// ---- Alice's end ----

bool PumpReceiver::connect() {
  if (socket_) return true;
  socket_ = connect_light(path_);
  asked_ = false;
  return static_cast<bool>(socket_);
}

PumpReceiver::Answer PumpReceiver::answer(double& pairs, Deadline deadline, const std::atomic<bool>& wanted) {
  Message m;
  for (;;) {
    switch (receive_message(socket_.fd(), m)) {
      case Receipt::message:
        asked_ = false;
        pairs = std::isfinite(m.pairs_per_second) ? std::max(0.0, m.pairs_per_second) : 0.0;
        return Answer::came;
      case Receipt::broken:
        socket_.close();
        return Answer::gone;
      case Receipt::none:
        break;
    }
    const auto left = deadline.at - std::chrono::steady_clock::now();
    if (!wanted || left <= std::chrono::nanoseconds{0}) return Answer::late;
    wait_readable(socket_.fd(), std::min(kSlice, std::chrono::ceil<milliseconds>(left)));
  }
}

std::optional<double> PumpReceiver::pairs_per_second(Picoseconds t, Deadline deadline,
                                                     const std::atomic<bool>& wanted) {
  while (!connect()) {
    if (ever_) return 0.0;
    if (!wanted || std::chrono::steady_clock::now() >= deadline.at) return {};
    std::this_thread::sleep_for(milliseconds{5});
  }
  ever_ = true;
  // A question that was not answered in time stands: time has not moved since.
  if (!asked_ && !send_message(socket_.fd(), {kPumpMagic, t.count, 0})) {
    socket_.close();
    return 0.0;
  }
  asked_ = true;
  double pairs = 0;
  if (answer(pairs, deadline, wanted) == Answer::late) return {};
  return pairs;
}

// ---- the source's end ----

Result<std::unique_ptr<PumpSender>> PumpSender::listen(const std::filesystem::path& path) {
  auto listener = listen_for_light(path);
  if (!listener.ok()) return listener.error();
  return std::unique_ptr<PumpSender>(new PumpSender(path, std::move(listener).value()));
}

PumpSender::~PumpSender() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

bool PumpSender::answer(const Shine& shine) {
  Message m;
  switch (receive_message(receiver_.fd(), m)) {
    case Receipt::none:
      return false;
    case Receipt::broken:
      receiver_.close();
      return false;
    case Receipt::message:
      break;
  }
  m.pairs_per_second = shine({m.time});
  if (!send_message(receiver_.fd(), m)) receiver_.close();
  return true;
}

std::uint64_t PumpSender::serve(const Shine& shine, Deadline deadline) {
  std::uint64_t answered = 0;
  for (;;) {
    if (Socket next = accept_light(listener_); next) receiver_ = std::move(next);
    if (receiver_ && answer(shine)) {
      ++answered;
      if (answered % 64 != 0) continue;
    }
    const auto left = deadline.at - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds{0}) return answered;
    std::array<pollfd, 2> waiting{{{listener_.fd(), POLLIN, 0}, {receiver_.fd(), POLLIN, 0}}};
    const auto slice = std::min(milliseconds{100}, std::chrono::ceil<milliseconds>(left));
    ::poll(waiting.data(), receiver_ ? 2 : 1, static_cast<int>(slice.count()));
  }
}

}  // namespace nicol::sim
