// SPDX-License-Identifier: Apache-2.0
#include "controller/service/alarms.hpp"

#include <algorithm>

namespace nicol::service {

std::string_view to_string(Severity severity) noexcept {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::critical:
      return "critical";
  }
  return "?";
}

void AlarmBoard::raise(std::string name, Severity severity, std::string what, std::string what_to_do) {
  const std::lock_guard lock(mutex_);
  const auto it = std::find_if(alarms_.begin(), alarms_.end(), [&](const Alarm& a) { return a.name == name; });
  if (it == alarms_.end()) {
    alarms_.push_back(
        {std::move(name), severity, std::move(what), std::move(what_to_do), std::chrono::system_clock::now()});
    return;
  }
  it->severity = std::max(it->severity, severity);
  it->what = std::move(what);
  it->what_to_do = std::move(what_to_do);
  it->acknowledged = false;
  ++it->count;
}

void AlarmBoard::clear(std::string_view name) {
  const std::lock_guard lock(mutex_);
  std::erase_if(alarms_,
                [&](const Alarm& a) { return a.name == name && (a.severity != Severity::critical || a.acknowledged); });
}

void AlarmBoard::acknowledge(std::string_view name) {
  const std::lock_guard lock(mutex_);
  std::erase_if(alarms_, [&](const Alarm& a) { return a.name == name; });
}

std::vector<Alarm> AlarmBoard::list() const {
  const std::lock_guard lock(mutex_);
  return alarms_;
}

}  // namespace nicol::service
