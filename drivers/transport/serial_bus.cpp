// SPDX-License-Identifier: Apache-2.0
#include "drivers/transport/serial_bus.hpp"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "drivers/transport/private_buffer.hpp"
#include "drivers/transport/serial_errors.hpp"

namespace nicol::transport {
namespace {
constexpr std::size_t kReadAtOnce = std::size_t{16} * 1024, kRough = 64;
}

struct SerialBus::Impl {
  Options options;
  SerialAddress identity;  // of the adapter found at open(), wherever it turns up again
  std::vector<std::uint8_t> ordinary;
  std::optional<PrivateBuffer> secret;
  std::span<std::uint8_t> input;  // one of the two above
  std::atomic<hal::Link> link{hal::Link::connected};
  mutable std::mutex mutex;  // guards port (against being closed while used), users and found
  std::condition_variable_any changed;
  std::optional<SerialPort> port;
  int users = 0;
  SerialPortInfo found;
  std::jthread thread;  // last: it uses all of the above

  explicit Impl(Options o) : options(std::move(o)) {}

  Result<void> make_input() {
    if (!options.private_input) {
      ordinary.resize(kReadAtOnce);
      input = ordinary;
      return {};
    }
    auto made = PrivateBuffer::create(kReadAtOnce);
    if (!made) return std::move(made).error();
    secret.emplace(*std::move(made));
    input = secret->bytes();
    return {};
  }

  Result<void> connect(const SerialAddress& where) {
    auto info = find_serial_port(where);
    if (!info) return std::move(info).error();
    auto opened = SerialPort::open(info->port, options.settings);
    if (!opened) return std::move(opened).error();
    const std::lock_guard lock(mutex);
    found = *std::move(info);
    port.emplace(*std::move(opened));
    return {};
  }

  std::string name() const {
    const std::lock_guard lock(mutex);
    return found.port;
  }
  void note(std::string_view text) const {
    if (options.log != nullptr) options.log->note(name(), text);
  }
  void tell(hal::Link now) {
    link = now;
    note(hal::to_string(now));
    if (options.on_link) options.on_link(now);
  }

  /// Both ways, for what goes out may be patterns or positions. The length is rough: that of a number in decimal digits
  /// tells of the number.
  void log(Direction direction, std::span<const std::uint8_t> bytes) const {
    if (options.log == nullptr) return;
    if (options.private_input)
      options.log->size(name(), direction, "private, at most", (bytes.size() + kRough - 1) / kRough * kRough);
    else
      options.log->bytes(name(), direction, bytes);
  }

  /// Until the adapter is gone or a stop is asked for. Only this thread replaces the port.
  void read_until_gone(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      auto got = port->read(input, {}, stop);
      if (!got) {
        if (got.error().code != Code::cancelled) note(got.error().message);
        return;
      }
      log(Direction::from_device, input.first(*got));
      if (options.on_bytes) options.on_bytes(input.first(*got));
      if (secret) secret->wipe();
    }
  }

  void close_port() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return users == 0; });
    port.reset();
  }

  void look_for_it(const std::stop_token& stop) {
    std::string last_trouble;
    while (!stop.stop_requested()) {
      {
        std::unique_lock lock(mutex);
        changed.wait_for(lock, stop, options.look_every, [] { return false; });
      }
      if (stop.stop_requested()) return;
      const auto connected = connect(identity);
      if (connected) return;
      if (connected.error().message == last_trouble) continue;
      last_trouble = connected.error().message;
      note(last_trouble);
    }
  }

  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      read_until_gone(stop);
      if (stop.stop_requested()) return;
      tell(hal::Link::disconnected);
      close_port();
      look_for_it(stop);
      if (!stop.stop_requested()) tell(hal::Link::connected);
    }
  }

  /// f(port) while it cannot be closed.
  template <class F>
  Result<void> with_port(F f) {
    SerialPort* used = nullptr;
    {
      const std::lock_guard lock(mutex);
      if (link != hal::Link::connected || !port) return serial_gone(found.port);
      used = &*port;
      ++users;
    }
    Result<void> done = f(*used);
    const std::lock_guard lock(mutex);
    --users;
    changed.notify_all();
    return done;
  }
};

SerialBus::SerialBus(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

SerialBus::~SerialBus() {
  impl_->thread.request_stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

Result<std::unique_ptr<SerialBus>> SerialBus::open(Options options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (auto made = impl->make_input(); !made) return std::move(made).error();
  if (auto connected = impl->connect(impl->options.where); !connected) return std::move(connected).error();
  impl->identity = address_of(impl->found);
  impl->note("open");
  Impl* running = impl.get();
  impl->thread = std::jthread([running](const std::stop_token& stop) { running->run(stop); });
  return std::unique_ptr<SerialBus>(new SerialBus(std::move(impl)));
}

Result<void> SerialBus::write(std::span<const std::uint8_t> message, Deadline deadline) {
  return impl_->with_port([&](SerialPort& port) {
    impl_->log(Direction::to_device, message);  // before its reply
    return port.write(message, deadline);
  });
}

Result<void> SerialBus::set_lines(ModemLines dtr, ModemLines rts) {
  return impl_->with_port([&](SerialPort& port) { return port.set_lines(dtr, rts); });
}

hal::Link SerialBus::link() const noexcept { return impl_->link; }

SerialPortInfo SerialBus::info() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->found;
}

}  // namespace nicol::transport
