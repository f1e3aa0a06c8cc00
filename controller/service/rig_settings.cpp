// SPDX-License-Identifier: Apache-2.0
#include "controller/service/rig_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "drivers/hal/properties.hpp"

namespace nicol::service {
namespace {

constexpr const char* kSchema = "schema";

bool keeps_anything(const hal::Device& device) {
  const auto all = device.properties();
  return std::any_of(all.begin(), all.end(), [](const hal::ArgInfo& p) { return p.access == hal::Access::persistent; });
}

/// A device may hold a real number in its own steps.
double slack(const hal::Device& device, const std::string& key, double value) {
  const hal::ArgInfo* property = hal::find_property(device.properties(), key);
  const double step = property != nullptr && property->range ? property->range->step : 0;
  return std::max(step, 1e-6 * std::abs(value));
}

bool alike(const hal::Device& device, const std::string& key, const hal::Value& a, const hal::Value& b) {
  const auto *x = std::get_if<double>(&a), *y = std::get_if<double>(&b);
  if (x == nullptr || y == nullptr) return a == b;
  return std::abs(*x - *y) <= slack(device, key, *x);
}

/// The wanted entries that the device does not hold now.
hal::State missing(const hal::Device& device, const hal::State& wanted, const hal::State& now) {
  hal::State out;
  for (const auto& [key, value] : wanted) {
    const auto it = now.find(key);
    if (key != kSchema && (it == now.end() || !alike(device, key, value, it->second))) out.emplace(key, value);
  }
  return out;
}

}  // namespace

Result<void> RigSettings::hold(const hal::Rig& rig) {
  for (const hal::Rig::Entry& entry : rig.entries()) {
    if (!keeps_anything(*entry.device)) continue;
    const auto known = wanted_.find(entry.name);
    if (known != wanted_.end()) {
      if (auto held = bring_back(*entry.device, entry.name, known->second); !held) return held;
      continue;
    }
    auto state = entry.device->save_state();
    if (!state) return std::move(state).error();
    wanted_.emplace(entry.name, *std::move(state));
  }
  return {};
}

Result<void> RigSettings::bring_back(hal::Device& device, const std::string& name, const hal::State& wanted) {
  const auto now = device.save_state();
  if (!now) return now.error();
  hal::State lost = missing(device, wanted, *now);
  if (lost.empty()) return {};
  lost.emplace(kSchema, wanted.at(kSchema));
  if (auto restored = device.restore_state(lost); !restored) return restored;
  const auto then = device.save_state();
  if (!then) return then.error();
  const hal::State still = missing(device, wanted, *then);
  if (still.empty()) return {};
  const auto& [key, value] = *still.begin();
  const auto says = then->find(key);
  return Error{Code::hardware_fault,
               fmt::format("{} does not keep its {}: {} was set, it says {}", name, key, hal::to_text(value),
                           says == then->end() ? std::string("nothing") : hal::to_text(says->second)),
               device.info().serial,
               0,
               {}};
}

}  // namespace nicol::service
