// SPDX-License-Identifier: Apache-2.0
// libserialport opens, sets and moves the bytes; waiting is poll() on its handle, so that a deadline is exact, a stop
// wakes at once and a hang-up (which libserialport's own waits hide) is seen.
#include "drivers/transport/serial_port.hpp"

#include <fmt/format.h>
#include <libserialport.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>
#include <tuple>

#include "drivers/transport/gate.hpp"
#include "drivers/transport/serial_errors.hpp"

namespace nicol::transport {
namespace {
using Clock = std::chrono::steady_clock;

/// A lost adapter that does not even hang up is still noticed so often.
constexpr std::chrono::milliseconds kLookAtLeast{100};

enum class Woken : std::uint8_t { ready, hung_up, nothing };

struct PortDeleter {
  void operator()(sp_port* port) const {
    int fd = -1;
    if (sp_get_port_handle(port, &fd) == SP_OK) ioctl(fd, TIOCNXCL);
    sp_close(port);
    sp_free_port(port);
  }
};
struct ConfigDeleter {
  void operator()(sp_port_config* config) const { sp_free_config(config); }
};
using Config = std::unique_ptr<sp_port_config, ConfigDeleter>;

Config new_config() {
  sp_port_config* config = nullptr;
  sp_new_config(&config);
  return Config(config);
}

sp_parity native(Parity parity) {
  switch (parity) {
    case Parity::even:
      return SP_PARITY_EVEN;
    case Parity::odd:
      return SP_PARITY_ODD;
    case Parity::none:
      break;
  }
  return SP_PARITY_NONE;
}

sp_flowcontrol native(FlowControl flow) {
  switch (flow) {
    case FlowControl::rts_cts:
      return SP_FLOWCONTROL_RTSCTS;
    case FlowControl::xon_xoff:
      return SP_FLOWCONTROL_XONXOFF;
    case FlowControl::none:
      break;
  }
  return SP_FLOWCONTROL_NONE;
}

sp_dtr dtr(ModemLines lines) { return lines == ModemLines::raised ? SP_DTR_ON : SP_DTR_OFF; }
sp_rts rts(ModemLines lines) { return lines == ModemLines::raised ? SP_RTS_ON : SP_RTS_OFF; }

/// Everything in one set: each single sp_set_* would write the modem lines again.
Config config_of(const SerialSettings& settings) {
  Config config = new_config();
  sp_set_config_baudrate(config.get(), settings.baud);
  sp_set_config_bits(config.get(), 8);
  sp_set_config_parity(config.get(), native(settings.parity));
  sp_set_config_stopbits(config.get(), 1);
  sp_set_config_flowcontrol(config.get(), native(settings.flow));
  sp_set_config_dtr(config.get(), dtr(settings.lines));
  if (settings.flow != FlowControl::rts_cts) sp_set_config_rts(config.get(), rts(settings.lines));
  return config;
}

/// Lines raised and no handshake yet: wait, purge, wait. Failing here is harmless, the real settings come next.
void settle(sp_port* port, SerialSettings settings) {
  if (settings.settle.count() <= 0) return;
  settings.flow = FlowControl::none;
  const Config config = config_of(settings);
  sp_set_config(port, config.get());
  std::this_thread::sleep_for(settings.settle);
  sp_flush(port, SP_BUF_BOTH);
  std::this_thread::sleep_for(settings.settle);
}

/// libserialport 0.1.1 lets two programs open one port. The lock holds against others that lock, the exclusive mode
/// against everybody but root.
int take_for_ourselves(int fd) {
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) return EBUSY;
  ioctl(fd, TIOCEXCL);
  return 0;
}

timespec until(Deadline deadline, Clock::time_point now) {
  const auto left = deadline.at <= now ? Clock::duration::zero() : deadline.at - now;
  const auto slice = std::min<Clock::duration>(left, kLookAtLeast);
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(slice).count();
  return {ns / 1'000'000'000, ns % 1'000'000'000};
}

}  // namespace

struct SerialPort::Impl {
  std::string name;
  std::unique_ptr<sp_port, PortDeleter> port;
  int fd = -1;
  int wake = -1;  // an eventfd: a stop asked for while read() sleeps
  Gate writing;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    port.reset();
    if (wake >= 0) ::close(wake);
  }

  Woken wait_for(short events, Deadline deadline) const {
    std::array<pollfd, 2> watched{{{fd, events, 0}, {wake, POLLIN, 0}}};
    const bool reading = events == POLLIN;
    const timespec slice = until(deadline, Clock::now());
    if (ppoll(watched.data(), reading ? 2 : 1, &slice, nullptr) <= 0) return Woken::nothing;
    if ((watched[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return Woken::hung_up;
    return (watched[0].revents & events) != 0 ? Woken::ready : Woken::nothing;
  }

  void forget_wake() const {
    eventfd_t ignored = 0;
    eventfd_read(wake, &ignored);
  }

  Error failure(const char* doing) const {
    const int reason = errno;
    if (reason == EIO || reason == ENXIO || reason == ENODEV || reason == EPIPE || reason == EBADF)
      return serial_gone(name);
    return {Code::io, fmt::format("{} {} failed with errno {}", doing, name, reason), name, reason, {}};
  }

  Result<std::size_t> read(std::span<std::uint8_t> into, Deadline deadline, const std::stop_token& stop) {
    for (bool hung_up = false;;) {
      const int got = sp_nonblocking_read(port.get(), into.data(), into.size());
      if (got > 0) return static_cast<std::size_t>(got);
      if (got < 0) return failure("reading");
      if (hung_up || sp_input_waiting(port.get()) < 0) return serial_gone(name);
      if (stop.stop_requested()) return Error{Code::cancelled, "cancelled while reading " + name, name, 0, {}};
      if (Clock::now() >= deadline.at) return Error{Code::timeout, "nothing came from " + name, name, 0, {}};
      hung_up = wait_for(POLLIN, deadline) == Woken::hung_up;
    }
  }

  Result<void> write(std::span<const std::uint8_t> bytes, Deadline deadline) {
    for (std::size_t sent = 0; sent < bytes.size();) {
      const int put = sp_nonblocking_write(port.get(), bytes.data() + sent, bytes.size() - sent);
      if (put < 0 && errno != EAGAIN) return failure("writing");
      if (put > 0) {
        sent += static_cast<std::size_t>(put);
        continue;
      }
      if (Clock::now() >= deadline.at) return too_slow(sent, bytes.size());
      if (wait_for(POLLOUT, deadline) == Woken::hung_up) return serial_gone(name);
    }
    return {};
  }

  /// What was queued would come out in front of the next message.
  Error too_slow(std::size_t sent, std::size_t wanted) {
    sp_flush(port.get(), SP_BUF_OUTPUT);
    return {
        Code::timeout,
        fmt::format("{} took only {} of {} bytes in time: check flow control, or allow more time", name, sent, wanted),
        name,
        0,
        {}};
  }
};

SerialPort::SerialPort(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SerialPort::SerialPort(SerialPort&&) noexcept = default;
SerialPort& SerialPort::operator=(SerialPort&&) noexcept = default;
SerialPort::~SerialPort() = default;

Result<SerialPort> SerialPort::open(const std::string& port, const SerialSettings& settings) {
  auto impl = std::make_unique<Impl>();
  impl->name = port;
  sp_port* raw = nullptr;
  if (sp_get_port_by_name(port.c_str(), &raw) != SP_OK) return serial_open_error(port, ENOENT);
  std::unique_ptr<sp_port, decltype(&sp_free_port)> closed(raw, &sp_free_port);
  errno = 0;
  if (sp_open(raw, SP_MODE_READ_WRITE) != SP_OK) return serial_open_error(port, sp_last_error_code());
  std::ignore = closed.release();
  sp_get_port_handle(raw, &impl->fd);
  if (const int taken = take_for_ourselves(impl->fd); taken != 0) {
    sp_close(raw);  // without PortDeleter: the exclusive mode is the other's
    sp_free_port(raw);
    return serial_open_error(port, taken);
  }
  impl->port.reset(raw);
  settle(raw, settings);
  const Config config = config_of(settings);
  if (sp_set_config(raw, config.get()) != SP_OK)
    return Error{Code::not_supported,
                 fmt::format("{} does not take {} baud and its settings", port, settings.baud),
                 port,
                 sp_last_error_code(),
                 {}};
  impl->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (impl->wake < 0) return Error{Code::io, "no file descriptor is left", port, errno, {}};
  sp_flush(raw, SP_BUF_INPUT);
  return SerialPort(std::move(impl));
}

Result<std::size_t> SerialPort::read(std::span<std::uint8_t> into, Deadline deadline, std::stop_token stop) {
  const std::stop_callback wake(stop, [fd = impl_->wake] { eventfd_write(fd, 1); });
  auto got = impl_->read(into, deadline, stop);
  if (stop.stop_requested()) impl_->forget_wake();
  return got;
}

Result<void> SerialPort::write(std::span<const std::uint8_t> bytes, Deadline deadline) {
  const Gate::Pass pass = impl_->writing.enter(deadline);
  if (!pass) return Error{Code::timeout, "another message was still on its way to " + impl_->name, impl_->name, 0, {}};
  return impl_->write(bytes, deadline);
}

Result<void> SerialPort::set_lines(ModemLines dtr_line, ModemLines rts_line) {
  const Config config = new_config();
  sp_set_config_dtr(config.get(), dtr(dtr_line));
  sp_set_config_rts(config.get(), rts(rts_line));
  if (sp_set_config(impl_->port.get(), config.get()) != SP_OK) return impl_->failure("setting the lines of");
  return {};
}

Result<void> SerialPort::set_baud(int baud) {
  const Config config = new_config();
  sp_set_config_baudrate(config.get(), baud);
  if (sp_set_config(impl_->port.get(), config.get()) != SP_OK) return impl_->failure("setting the rate of");
  return {};
}

Result<void> SerialPort::discard_input() {
  if (sp_flush(impl_->port.get(), SP_BUF_INPUT) != SP_OK) return impl_->failure("emptying");
  return {};
}

}  // namespace nicol::transport
