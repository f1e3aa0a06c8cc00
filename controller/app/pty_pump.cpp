// SPDX-License-Identifier: Apache-2.0
#include "controller/app/pty_pump.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace nicol::app {
namespace {

constexpr std::size_t kMostWaiting = 1 << 20;  // what a device says to nobody is dropped beyond this

Error failed(const char* what) { return {Code::io, fmt::format("{}: {}", what, std::strerror(errno)), "", errno, {}}; }

}  // namespace

Result<PtyPump> PtyPump::open(sim::SerialEmulator& emulator, double time_scale) {
  int master = -1, slave = -1;
  std::array<char, 128> name{};
  if (openpty(&master, &slave, name.data(), nullptr, nullptr) != 0) return failed("no pseudo-terminal");
  termios settings{};
  tcgetattr(slave, &settings);
  cfmakeraw(&settings);
  tcsetattr(slave, TCSANOW, &settings);
  fcntl(master, F_SETFL, O_NONBLOCK);
  fcntl(master, F_SETFD, FD_CLOEXEC);
  fcntl(slave, F_SETFD, FD_CLOEXEC);
  return PtyPump(emulator, time_scale, master, slave, name.data());
}

PtyPump::PtyPump(sim::SerialEmulator& emulator, double time_scale, int master, int slave, std::string path)
    : emulator_(&emulator), time_scale_(time_scale), master_(master), slave_(slave), path_(std::move(path)) {}

PtyPump::PtyPump(PtyPump&& o) noexcept
    : emulator_(o.emulator_),
      time_scale_(o.time_scale_),
      master_(std::exchange(o.master_, -1)),
      slave_(std::exchange(o.slave_, -1)),
      path_(std::move(o.path_)),
      begin_(o.begin_),
      out_(std::move(o.out_)) {}

PtyPump::~PtyPump() {
  if (master_ >= 0) close(master_);
  if (slave_ >= 0) close(slave_);
}

Picoseconds PtyPump::now() const {
  const std::chrono::duration<double> real = std::chrono::steady_clock::now() - begin_;
  return Picoseconds::seconds(real.count() * time_scale_);
}

Result<void> PtyPump::write_out() {
  if (out_.size() > kMostWaiting) out_.clear();
  if (out_.empty()) return {};
  const ssize_t n = write(master_, out_.data(), out_.size());
  if (n < 0 && errno != EAGAIN && errno != EINTR) return failed(path_.c_str());
  if (n > 0) out_.erase(out_.begin(), out_.begin() + n);
  return {};
}

Result<void> PtyPump::run(std::chrono::milliseconds patience) {
  emulator_->collect(out_, now());
  if (auto r = write_out(); !r) return r;
  const double due_ms = (emulator_->next_due() - now()).seconds() * 1e3 / time_scale_;
  const int wait = static_cast<int>(std::clamp(due_ms, 1.0, static_cast<double>(patience.count())));
  pollfd p{master_, static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT), 0};
  if (poll(&p, 1, wait) <= 0 || (p.revents & POLLIN) == 0) return {};
  std::array<std::uint8_t, 4096> chunk{};
  const ssize_t n = read(master_, chunk.data(), chunk.size());
  if (n > 0) emulator_->receive(std::span(chunk.data(), static_cast<std::size_t>(n)), now());
  return {};
}

}  // namespace nicol::app
