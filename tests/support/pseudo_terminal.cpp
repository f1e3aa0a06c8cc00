// SPDX-License-Identifier: Apache-2.0
#include "tests/support/pseudo_terminal.hpp"

#include <asm/termbits.h>  // termios2, whose speeds are numbers; excludes <termios.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "tests/support/interpose.hpp"

namespace nicol::test {
namespace {

[[noreturn]] void give_up(const char* what) {
  throw std::runtime_error(std::string("no pseudo-terminal: ") + what + ": " + std::strerror(errno));
}

}  // namespace

PseudoTerminal::PseudoTerminal() {
  device_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (device_ < 0) give_up("posix_openpt");
  std::array<char, 64> path{};
  const bool ready =
      grantpt(device_) == 0 && unlockpt(device_) == 0 && ptsname_r(device_, path.data(), path.size()) == 0;
  if (ready) host_ = real_open(path.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (host_ < 0) {
    real_close(device_);
    give_up(ready ? path.data() : "its other end");
  }
  host_path_ = path.data();
  make_raw();
}

PseudoTerminal::~PseudoTerminal() {
  real_close(host_);
  real_close(device_);
}

void PseudoTerminal::make_raw() const {
  termios2 settings{};
  if (ioctl(host_, TCGETS2, &settings) != 0) return;
  settings.c_iflag = 0;
  settings.c_oflag = 0;
  settings.c_lflag = 0;
  settings.c_cflag = CS8 | CREAD | HUPCL | B9600;
  settings.c_ispeed = settings.c_ospeed = 9600;
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  ioctl(host_, TCSETS2, &settings);
}

void PseudoTerminal::read(std::vector<std::uint8_t>& out) {
  std::array<std::uint8_t, 4096> chunk;
  for (;;) {
    const ssize_t n = ::read(device_, chunk.data(), chunk.size());
    if (n <= 0) return;
    out.insert(out.end(), chunk.begin(), chunk.begin() + n);
    if (static_cast<std::size_t>(n) < chunk.size()) return;
  }
}

void PseudoTerminal::write(std::vector<std::uint8_t>& bytes) {
  const ssize_t n = ::write(device_, bytes.data(), bytes.size());
  if (n > 0) bytes.erase(bytes.begin(), bytes.begin() + n);
}

int PseudoTerminal::unread_by_host() const {
  int waiting = 0;
  return ioctl(host_, FIONREAD, &waiting) == 0 ? waiting : 0;
}

int PseudoTerminal::baud() const {
  termios2 settings{};
  return ioctl(device_, TCGETS2, &settings) == 0 ? static_cast<int>(settings.c_ospeed) : 0;
}

}  // namespace nicol::test
