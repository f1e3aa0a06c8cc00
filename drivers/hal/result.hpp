// SPDX-License-Identifier: Apache-2.0
// What the world can break comes back as a value: every layer from device to key returns Result<T>.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace nicol {

enum class Code : std::uint8_t {
  timeout,
  overflow,
  disconnected,
  not_found,
  busy,
  access_denied,
  not_supported,
  out_of_range,
  not_homed,
  interlock,
  limit_switch,
  motion_fault,
  protocol,
  checksum,
  incompatible_firmware,
  hardware_fault,
  cancelled,
  unsafe_state,
  internal,
  bad_input,
  io,
  locked_memory,
  authentication,
  exhausted,
  refused,
  over_rate  // bright light on detectors: nothing to wait out, somebody must find it
};
std::string_view to_string(Code code) noexcept;

/// The message carries the values ("angle 400 deg is outside 0..360"); causes are chained, nearest first.
struct Error {
  Code code = Code::internal;
  std::string message = {};
  std::string device = {};
  std::int64_t native_code = 0;
  std::vector<Error> cause = {};

  Error because(Error reason) && {
    cause.push_back(std::move(reason));
    return std::move(*this);
  }
};
/// "message (device D): caused by …", one line.
std::string describe(const Error& error);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const noexcept { return error_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  const Error& error() const& { return std::get<1>(error_); }
  Error&& error() && { return std::get<1>(std::move(error_)); }

 private:
  std::variant<std::monostate, Error> error_;
};

}  // namespace nicol
