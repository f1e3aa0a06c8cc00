// SPDX-License-Identifier: Apache-2.0
#include "drivers/apt/face.hpp"

#include <fmt/core.h>

namespace nicol::apt {

hal::ArgInfo last_fault_property() {
  return {std::string(kLastFault),
          "last fault",
          "what the controller complained of last, empty if of nothing",
          "",
          hal::ArgType::text,
          {},
          {},
          hal::Access::read_only};
}

std::string last_fault_text(const Controller& controller) {
  const auto fault = controller.last_fault();
  if (!fault) return {};
  return fmt::format("message 0x{:04x}, code {}: {}", fault->about, fault->code, fault->text);
}

Result<std::vector<hal::SelfTestItem>> examine(Controller& controller, Deadline deadline) {
  std::vector<hal::SelfTestItem> items{{"link", true, controller.info().port}};
  for (std::size_t channel = 0; channel < controller.channels(); ++channel) {
    if (std::chrono::steady_clock::now() >= deadline.at)
      return Error{Code::timeout, "the self-test had not ended by its deadline", controller.info().serial, 0, {}};
    const Result<Report> report = controller.status(channel);
    if (!report) return report.error();
    const std::string faults = fault_text(report->status);
    items.push_back({fmt::format("channel {}", channel + 1), faults.empty(),
                     faults.empty() ? fmt::format("status 0x{:08x}", report->status) : faults});
  }
  return items;
}

Result<void> check_status(const Report& report, const std::string& serial) {
  const std::string faults = fault_text(report.status & ~bits::kMotionError);
  if (faults.empty()) return {};
  const bool interlock = (report.status & bits::kInterlock) != 0;
  return Error{interlock ? Code::interlock : Code::hardware_fault,
               fmt::format("the controller reports {}: no move before the cause is removed", faults),
               serial,
               report.status,
               {}};
}

}  // namespace nicol::apt
