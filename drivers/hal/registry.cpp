// SPDX-License-Identifier: Apache-2.0
// Finding and making devices by their arguments; a driver's exception ends here.
#include "drivers/hal/registry.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <exception>

namespace nicol::hal {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Result<void> add_pair(DeviceArgs& args, std::string_view pair) {
  const auto equals = pair.find('=');
  const std::string_view key = trimmed(pair.substr(0, equals));
  if (equals == std::string_view::npos || key.empty())
    return Error{Code::bad_input, fmt::format("\"{}\" is not key=value", pair)};
  if (!args.emplace(key, trimmed(pair.substr(equals + 1))).second)
    return Error{Code::bad_input, fmt::format("\"{}\" is given twice", key)};
  return {};
}

/// Runs one driver's code; what it throws becomes an Error.
template <class T, class Call>
Result<T> guarded(const Driver& driver, Call call) {
  try {
    return call();
  } catch (const std::exception& e) {
    return Error{Code::internal, fmt::format("driver {} threw: {}", driver.name, e.what()), driver.name, 0, {}};
  } catch (...) {
    return Error{Code::internal, fmt::format("driver {} threw", driver.name), driver.name, 0, {}};
  }
}

Result<std::vector<DeviceArgs>> found_by(const Driver& driver, const DeviceArgs& args, Deadline deadline) {
  if (driver.find == nullptr) return std::vector<DeviceArgs>{};
  auto found = guarded<std::vector<DeviceArgs>>(driver, [&] { return driver.find(args, deadline); });
  if (found)
    for (DeviceArgs& device : *found) device.insert_or_assign("driver", driver.name);
  return found;
}

}  // namespace

std::string argument(const DeviceArgs& args, std::string_view key, std::string_view otherwise) {
  const auto it = args.find(key);
  return it == args.end() ? std::string(otherwise) : it->second;
}

Result<DeviceArgs> parse_device_args(std::string_view text) {
  DeviceArgs args;
  if (trimmed(text).empty()) return args;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (auto ok = add_pair(args, text.substr(begin, end - begin)); !ok) return std::move(ok).error();
    begin = end + 1;
  }
  return args;
}

Result<void> Registry::add(Driver driver) {
  if (driver.name.empty() || driver.make == nullptr)
    return Error{Code::bad_input, "a driver needs a name and a make function"};
  if (std::ranges::find(drivers_, driver.name, &Driver::name) != drivers_.end())
    return Error{Code::refused, fmt::format("there is a driver \"{}\" already", driver.name)};
  drivers_.push_back(std::move(driver));
  return {};
}

Result<std::vector<DeviceArgs>> Registry::find(const DeviceArgs& args, Deadline deadline) const {
  const auto wanted = args.find("driver");
  if (wanted != args.end()) {
    const auto it = std::ranges::find(drivers_, wanted->second, &Driver::name);
    if (it == drivers_.end()) return Error{Code::not_found, fmt::format("there is no driver \"{}\"", wanted->second)};
    return found_by(*it, args, deadline);
  }
  std::vector<DeviceArgs> all;
  for (const Driver& driver : drivers_) {
    auto found = found_by(driver, args, deadline);
    if (found)
      all.insert(all.end(), found->begin(), found->end());
    else
      all.push_back({{"driver", driver.name}, {"error", describe(found.error())}});
  }
  return all;
}

Result<std::unique_ptr<Device>> Registry::make(const DeviceArgs& args) const {
  const auto wanted = args.find("driver");
  if (wanted == args.end()) return Error{Code::bad_input, "the device arguments name no driver"};
  const auto it = std::ranges::find(drivers_, wanted->second, &Driver::name);
  if (it == drivers_.end()) return Error{Code::not_found, fmt::format("there is no driver \"{}\"", wanted->second)};
  auto made = guarded<std::unique_ptr<Device>>(*it, [&] { return it->make(args); });
  if (made && *made == nullptr)
    return Error{Code::internal, fmt::format("driver {} made nothing", it->name), it->name, 0, {}};
  return made;
}

}  // namespace nicol::hal
