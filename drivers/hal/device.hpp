// SPDX-License-Identifier: Apache-2.0
// What every device has: identity, link, properties, self-test, saved state, and a way to become safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "drivers/hal/clocks.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::hal {

using Value = std::variant<bool, std::int64_t, double, std::string>;
using State = std::map<std::string, Value, std::less<>>;

enum class DeviceKind : std::uint8_t {
  rotation_stage,
  polarization_controller,
  photon_source,
  time_tagger,
  detector,
  counter,
  power_meter,
  attenuator,
  shutter,
  temperature_controller,
  digital_io
};
std::string_view to_string(DeviceKind kind) noexcept;

enum class Link : std::uint8_t { connected, disconnected, faulted };
std::string_view to_string(Link link) noexcept;

struct Range {
  double min = 0, max = 0, step = 0;
  bool contains(double v) const { return v >= min && v <= max; }
};
enum class ArgType : std::uint8_t { boolean, integer, real, text };
enum class Access : std::uint8_t {
  read_only,
  read_write,
  persistent
};  // persistent: read_write and part of save_state

struct ArgInfo {
  std::string key, name, description, units;
  ArgType type = ArgType::real;
  std::optional<Range> range;
  std::vector<std::string> options;
  Access access = Access::read_only;
};

/// Identity is driver + serial, never the port name.
struct DeviceInfo {
  std::string driver, vendor, model, serial, firmware, port;
};
struct SelfTestItem {
  std::string name;
  bool passed = false;
  std::string detail;
};

/// Control calls are thread-safe and never block without a limit. After an unplug every call returns `disconnected`.
class Device {
 public:
  virtual ~Device() = default;
  virtual DeviceKind kind() const noexcept = 0;
  virtual DeviceInfo info() const = 0;
  virtual Link link() const noexcept = 0;
  virtual std::span<const ArgInfo> properties() const { return {}; }
  virtual Result<Value> read_property(std::string_view key);
  virtual Result<void> write_property(std::string_view key, const Value& value);
  virtual Result<std::vector<SelfTestItem>> self_test(Deadline deadline) = 0;
  /// The persistent properties, with "schema" = 1.
  virtual Result<State> save_state();
  /// Validates every entry before applying any.
  virtual Result<void> restore_state(const State& state);
  /// Idempotent, under 100 ms, callable from any thread and from the shutdown path.
  virtual void safe_state() noexcept = 0;
};

}  // namespace nicol::hal
