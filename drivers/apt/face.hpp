// SPDX-License-Identifier: Apache-2.0
// What the three faces of an APT controller share towards the HAL.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drivers/apt/controller.hpp"
#include "drivers/hal/properties.hpp"

namespace nicol::apt {

inline constexpr std::string_view kLastFault = "last_fault";
hal::ArgInfo last_fault_property();
std::string last_fault_text(const Controller& controller);
/// The controller answers, and reports no fault.
Result<std::vector<hal::SelfTestItem>> examine(Controller& controller, Deadline deadline);
/// An error where the status forbids a move.
Result<void> check_status(const Report& report, const std::string& serial);

template <class Kind>
class Face : public Kind {
 public:
  explicit Face(std::unique_ptr<Controller> controller) : controller_(std::move(controller)) {}
  hal::DeviceInfo info() const override { return controller_->info(); }
  hal::Link link() const noexcept override { return controller_->link(); }
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline deadline) override {
    if (auto here = connected(); !here) return std::move(here).error();
    return examine(*controller_, deadline);
  }
  Result<hal::Value> read_property(std::string_view key) override {
    if (auto here = connected(); !here) return std::move(here).error();
    if (key == kLastFault) return hal::Value{last_fault_text(*controller_)};
    return hal::Device::read_property(key);
  }
  Result<void> write_property(std::string_view key, const hal::Value& value) override {
    if (auto here = connected(); !here) return here;
    if (const hal::ArgInfo* known = hal::find_property(this->properties(), key))
      if (auto fits = hal::check_value(*known, value); !fits) return fits;
    return hal::Device::write_property(key, value);
  }

 protected:
  Result<void> connected() const {
    if (controller_->link() == hal::Link::connected) return {};
    return hal::disconnected_error(*this);
  }
  Controller& controller() const noexcept { return *controller_; }
  Error error(Code code, std::string message) const { return {code, std::move(message), this->info().serial, 0, {}}; }
  void release() noexcept { controller_.reset(); }

 private:
  std::unique_ptr<Controller> controller_;
};

}  // namespace nicol::apt
