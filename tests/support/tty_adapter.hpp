// SPDX-License-Identifier: Apache-2.0
// What the kernel would know of one serial adapter: its name and identity, its modem lines, who has it open.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "sim/emulators/emulator.hpp"
#include "tests/support/interpose.hpp"
#include "tests/support/pseudo_terminal.hpp"

namespace nicol::test {

enum class Access : std::uint8_t { granted, denied };

/// Thread-safe. Plugged in, it owns the pseudo-terminal: its one reader and writer is the thread that plugs.
class TtyAdapter : public std::enable_shared_from_this<TtyAdapter> {
 public:
  TtyAdapter(sim::SerialIdentity identity, Access access) : identity_(std::move(identity)), access_(access) {}

  void plug(const std::string& name);
  /// Hangs up; what was open answers EIO from now on.
  void unplug();
  /// Null when unplugged. Only for the thread that plugs and unplugs.
  PseudoTerminal* terminal() { return terminal_ ? &*terminal_ : nullptr; }

  bool plugged() const;
  std::string name() const;
  int baud() const;
  unsigned modem_lines() const;
  std::uint64_t opens() const;
  std::uint64_t breaks() const;
  bool in_use() const;

  const sim::SerialIdentity& identity() const { return identity_; }
  int access_error() const;
  /// An attribute of the USB device ("serial"), with its newline.
  std::optional<std::string> attribute(std::string_view name) const;
  Opened open(int flags);

 private:
  friend class OpenTty;
  int change_lines(unsigned long request, int value);
  std::optional<int> ioctl(std::uint64_t plugging, unsigned long request, void* argument);
  void closed(std::uint64_t plugging);

  const sim::SerialIdentity identity_;
  const Access access_;
  mutable std::mutex mutex_;  // guards all below
  std::string name_;
  std::optional<PseudoTerminal> terminal_;
  std::uint64_t plugging_ = 0;  // the how manieth time it is plugged in: tells old descriptors from new ones
  unsigned lines_ = 0;
  unsigned device_number_ = 0;
  int users_ = 0;
  bool exclusive_ = false;
  std::uint64_t opens_ = 0, breaks_ = 0;
};

/// The adapters that this process pretends to have. Thread-safe.
void add_tty(std::shared_ptr<TtyAdapter> adapter);
void remove_tty(const TtyAdapter& adapter);

}  // namespace nicol::test
