// SPDX-License-Identifier: Apache-2.0
// Alarms say what happened and what to do; criticals latch until somebody acknowledges them.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace nicol::service {

enum class Severity : std::uint8_t { info, warning, critical };
std::string_view to_string(Severity severity) noexcept;

struct Alarm {
  std::string name;  // "qber-over-threshold"
  Severity severity = Severity::warning;
  std::string what, what_to_do;
  std::chrono::system_clock::time_point since;
  std::uint64_t count = 1;  // times raised since acknowledged
  bool acknowledged = false;
};

/// Thread-safe. One entry a name; raising it again counts.
class AlarmBoard {
 public:
  void raise(std::string name, Severity severity, std::string what, std::string what_to_do);
  /// The cause is gone: a warning disappears, a critical stays until acknowledged.
  void clear(std::string_view name);
  void acknowledge(std::string_view name);
  std::vector<Alarm> list() const;

 private:
  mutable std::mutex mutex_;  // guards alarms_
  std::vector<Alarm> alarms_;
};

}  // namespace nicol::service
