// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tty_adapter.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <utility>

namespace nicol::test {
namespace {

// What an adapter with an instrument behind it sees, and what opening a port raises.
constexpr unsigned kInputs = TIOCM_CTS | TIOCM_DSR | TIOCM_CAR;
constexpr unsigned kOutputs = TIOCM_DTR | TIOCM_RTS;

std::string hexadecimal(unsigned value) {
  std::array<char, 8> digits{};
  std::snprintf(digits.data(), digits.size(), "%04x", value);
  return digits.data();
}

unsigned next_device_number() {
  static std::atomic<unsigned> used{1};
  return ++used;
}

}  // namespace

/// One descriptor of the host's.
class OpenTty final : public OpenFile {
 public:
  OpenTty(std::shared_ptr<TtyAdapter> adapter, std::uint64_t plugging)
      : adapter_(std::move(adapter)), plugging_(plugging) {}
  ~OpenTty() override { adapter_->closed(plugging_); }
  std::optional<int> ioctl(unsigned long request, void* argument) override {
    return adapter_->ioctl(plugging_, request, argument);
  }

 private:
  std::shared_ptr<TtyAdapter> adapter_;
  std::uint64_t plugging_;
};

void TtyAdapter::plug(const std::string& name) {
  const std::lock_guard lock(mutex_);
  terminal_.emplace();
  name_ = name;
  ++plugging_;
  device_number_ = next_device_number();
  lines_ = kInputs;
  users_ = 0;
  exclusive_ = false;
}

void TtyAdapter::unplug() {
  const std::lock_guard lock(mutex_);
  terminal_.reset();
}

bool TtyAdapter::plugged() const {
  const std::lock_guard lock(mutex_);
  return terminal_.has_value();
}

std::string TtyAdapter::name() const {
  const std::lock_guard lock(mutex_);
  return name_;
}

int TtyAdapter::baud() const {
  const std::lock_guard lock(mutex_);
  return terminal_ ? terminal_->baud() : 0;
}

unsigned TtyAdapter::modem_lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

std::uint64_t TtyAdapter::opens() const {
  const std::lock_guard lock(mutex_);
  return opens_;
}

std::uint64_t TtyAdapter::breaks() const {
  const std::lock_guard lock(mutex_);
  return breaks_;
}

bool TtyAdapter::in_use() const {
  const std::lock_guard lock(mutex_);
  return users_ > 0;
}

int TtyAdapter::access_error() const { return access_ == Access::denied ? EACCES : 0; }

std::optional<std::string> TtyAdapter::attribute(std::string_view name) const {
  if (identity_.vendor_id == 0) return std::nullopt;  // no USB adapter
  const auto line = [](const std::string& text) {
    return text.empty() ? std::nullopt : std::optional<std::string>(text + "\n");
  };
  if (name == "busnum") return "1\n";
  if (name == "idVendor") return line(hexadecimal(identity_.vendor_id));
  if (name == "idProduct") return line(hexadecimal(identity_.product_id));
  if (name == "product") return line(identity_.product);
  if (name == "manufacturer") return line(identity_.manufacturer);
  if (name == "serial") return line(identity_.serial);
  if (name != "devnum") return std::nullopt;
  const std::lock_guard lock(mutex_);
  return std::to_string(device_number_) + "\n";
}

Opened TtyAdapter::open(int flags) {
  if (const int error = access_error(); error != 0) return {-1, error, nullptr};
  const std::lock_guard lock(mutex_);
  if (!terminal_) return {-1, ENOENT, nullptr};
  // The kernel lets root past TIOCEXCL; here nobody passes, so that "busy" can be tested by anyone.
  if (exclusive_) return {-1, EBUSY, nullptr};
  const int fd = real_open(terminal_->host_path().c_str(), flags | O_NOCTTY);
  if (fd < 0) return {-1, errno, nullptr};
  if (users_++ == 0) {
    tcflush(fd, TCIFLUSH);  // a port that nobody has open hears nothing
    lines_ |= kOutputs;
  }
  ++opens_;
  return {fd, 0, std::make_shared<OpenTty>(shared_from_this(), plugging_)};
}

void TtyAdapter::closed(std::uint64_t plugging) {
  const std::lock_guard lock(mutex_);
  if (plugging != plugging_ || --users_ > 0) return;
  lines_ &= ~kOutputs;
  exclusive_ = false;
}

int TtyAdapter::change_lines(unsigned long request, int value) {
  const unsigned outputs = static_cast<unsigned>(value) & kOutputs;
  if (request == TIOCMBIS) lines_ |= outputs;
  if (request == TIOCMBIC) lines_ &= ~outputs;
  if (request == TIOCMSET) lines_ = (lines_ & ~kOutputs) | outputs;
  return 0;
}

std::optional<int> TtyAdapter::ioctl(std::uint64_t plugging, unsigned long request, void* argument) {
  const std::lock_guard lock(mutex_);
  if (plugging != plugging_ || !terminal_) return -EIO;
  switch (request) {
    case TIOCMGET:
      *static_cast<int*>(argument) = static_cast<int>(lines_);
      return 0;
    case TIOCMSET:
    case TIOCMBIS:
    case TIOCMBIC:
      return change_lines(request, *static_cast<const int*>(argument));
    case TIOCSBRK:
      ++breaks_;
      return 0;
    case TIOCCBRK:
      return 0;
    case TIOCEXCL:
      exclusive_ = true;
      return 0;  // not the kernel's: we keep an end open ourselves
    case TIOCNXCL:
      exclusive_ = false;
      return 0;
    default:
      return std::nullopt;
  }
}

}  // namespace nicol::test
