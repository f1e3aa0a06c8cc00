// SPDX-License-Identifier: Apache-2.0
// Cuts what a serial instrument says into lines. Garbage without an end does not grow.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace nicol::transport {

class LineSplitter {
 public:
  static constexpr std::size_t kLongest = std::size_t{64} * 1024;
  explicit LineSplitter(std::string terminator) : terminator_(std::move(terminator)) {}
  void feed(std::span<const std::uint8_t> bytes);
  /// The next whole line, without its terminator (a carriage return before a newline goes, too).
  std::optional<std::string> next();
  void clear();
  std::size_t dropped() const { return dropped_; }  // bytes of lines that were too long

 private:
  std::string terminator_, pending_;
  std::size_t searched_ = 0;  // no terminator starts before it
  std::size_t dropped_ = 0;
};

}  // namespace nicol::transport
