// SPDX-License-Identifier: Apache-2.0
#include "controller/service/calibration_policy.hpp"

#include <fmt/format.h>

#include "controller/service/toml_table.hpp"

namespace nicol::service {
namespace {

constexpr std::uint64_t kYear = std::uint64_t{366} * 86'400;

std::string known_quantities() {
  std::string all;
  for (const calibration::Routine& routine : calibration::routines())
    for (const calibration::Quantity& q : routine.finds)
      if (all.find(fmt::format("{},", q.name)) == std::string::npos) all += fmt::format("{}, ", q.name);
  return all.substr(0, all.size() - std::min<std::size_t>(2, all.size()));
}

std::optional<double> end_of(TomlTable& limit, std::string_view key) {
  constexpr double kMost = 1e300;
  if (!limit.has(key)) return std::nullopt;
  return limit.number(key, -kMost, kMost, 0);
}

CalibrationLimit read_limit(TomlTable& t, std::string name, std::string_view unit) {
  CalibrationLimit limit{std::move(name), end_of(t, "min"), end_of(t, "max"), {}, CalibrationLimit::Missing::fails};
  if (t.one_of("missing", {"fails", "warns"}, "fails") == "warns") limit.missing = CalibrationLimit::Missing::warns;
  limit.unit = t.text("unit", "1");
  if (limit.unit != unit) t.fail("unit", fmt::format("unit = \"{}\", in which it is measured", unit));
  if (!limit.min && !limit.max) t.fail("min", "min, max or both");
  if (limit.min && limit.max && *limit.min > *limit.max) t.fail("min", "a min that is not above max");
  return limit;
}

void read_limits(TomlTable& calibration, const std::string& file, std::vector<CalibrationLimit>& limits) {
  const toml::node* node = calibration.raw("limits");
  if (node == nullptr) return;
  if (node->as_table() == nullptr) return calibration.fail("limits", "a table");
  for (const auto& [key, value] : *node->as_table()) {
    const std::string name(key.str());
    const auto* quantity = find_quantity(name);
    if (quantity == nullptr)
      return calibration.fail_at(value, fmt::format("limits.\"{}\"", name),
                                 fmt::format("one of {}", known_quantities()));
    if (value.as_table() == nullptr)
      return calibration.fail_at(value, fmt::format("limits.\"{}\"", name), "{ min = …, max = …, unit = \"…\" }");
    TomlTable limit(value.as_table(), file, fmt::format("calibration.limits.\"{}\"", name));
    limits.push_back(read_limit(limit, name, quantity->unit));
    if (auto done = limit.done(); !done) return calibration.fail_with(std::move(done).error());
  }
}

}  // namespace

std::chrono::seconds CalibrationPolicy::lifetime(const calibration::Routine& routine) const {
  const auto it = lifetimes.find(routine.name);
  return it == lifetimes.end() ? routine.lifetime : it->second;
}

CalibrationPolicy read_calibration_policy(TomlTable& table, const std::string& file) {
  CalibrationPolicy policy;
  policy.daily = std::chrono::seconds(table.integer("daily_s", 10, kYear, 300));
  policy.transmission_at_least = table.number("transmission_at_least", 0, 1, 0);
  TomlTable lifetimes = table.sub("lifetime_s");
  for (const calibration::Routine& routine : calibration::routines())
    policy.lifetimes[std::string(routine.name)] = std::chrono::seconds(
        lifetimes.integer(routine.name, 60, kYear, static_cast<std::uint64_t>(routine.lifetime.count())));
  if (auto done = lifetimes.done(); !done) table.fail_with(std::move(done).error());
  read_limits(table, file, policy.limits);
  return policy;
}

}  // namespace nicol::service
