// SPDX-License-Identifier: Apache-2.0
// A pseudo-terminal: the device's end here, the host's end under a path.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nicol::test {

/// Hangs up the host's end when destroyed. Not thread-safe, except baud().
class PseudoTerminal {
 public:
  /// std::runtime_error when the system gives none.
  PseudoTerminal();
  ~PseudoTerminal();
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;

  const std::string& host_path() const { return host_path_; }
  int descriptor() const { return device_; }  // to wait on
  /// Appends what the host has written by now.
  void read(std::vector<std::uint8_t>& out);
  /// Takes away from the front what the terminal has room for.
  void write(std::vector<std::uint8_t>& bytes);
  /// Bytes that the host has not read yet (a moment may pass before written ones count).
  int unread_by_host() const;
  /// As the host set it.
  int baud() const;

 private:
  void make_raw() const;
  int device_ = -1;
  int host_ = -1;  // kept open: without any host end, reading the device's end is an error
  std::string host_path_;
};

}  // namespace nicol::test
