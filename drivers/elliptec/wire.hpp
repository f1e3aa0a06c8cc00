// SPDX-License-Identifier: Apache-2.0
// The words an Elliptec mount understands and says: address, two letters, upper-case hex. Bytes only, no transport.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "drivers/hal/result.hpp"
#include "drivers/hal/units.hpp"

namespace nicol::elliptec {

inline constexpr std::string_view kAddresses = "0123456789ABCDEF";
bool is_address(char c) noexcept;

/// "0PO00002300" is {'0', "PO", "00002300"}.
struct Reply {
  char address = 0;
  std::string kind, data;
  bool operator==(const Reply&) const = default;
};

/// What the host says. No terminator: a mount acts as soon as it has the last character.
namespace request {

enum class Sense : std::uint8_t { clockwise, counter_clockwise };

std::string identify(char address);
std::string status(char address);
std::string home(char address, Sense sense);
std::string move_absolute(char address, std::int32_t counts);
std::string move_relative(char address, std::int32_t counts);
std::string position(char address);
std::string home_offset(char address);
std::string set_home_offset(char address, std::int32_t counts);
std::string velocity(char address);
std::string set_velocity(char address, std::uint8_t percent);
std::string motor(char address, int number);            // 1 or 2
std::string change_address(char address, char wanted);  // the answer comes from the new address

}  // namespace request

/// Finds replies in whatever comes over the line: lost terminators, zero bytes, echoes of our own requests and halves
/// of replies are stepped over. Holds at most one line.
class ReplyReader {
 public:
  void feed(std::span<const std::uint8_t> bytes, const std::function<void(const Reply&)>& on_reply);
  void forget() { line_.clear(); }  // the line was cut

 private:
  std::string line_;
};
/// The reply that ends a line, if there is one. A data field of the wrong length is no reply.
std::optional<Reply> parse_reply(std::string_view line);

/// Eight digits, 32-bit two's complement; nullopt for anything else (lower case too).
std::optional<std::int32_t> parse_counts(std::string_view hex);

inline constexpr int kRotaryMount = 0x0E;  // ELL14, ELL14K

struct Identity {
  int type = 0;
  std::string serial;
  int year = 0, firmware = 0, hardware = 0;
  bool imperial = false;
  int travel_degrees = 0;
  std::int32_t pulses_per_turn = 0;
  bool operator==(const Identity&) const = default;
};
/// protocol where a field is no number or the pulses of a turn are not positive.
Result<Identity> parse_identity(const Reply& reply);

struct MotorInfo {
  bool loop_closed = false, running = false;
  double amperes = 0, forward_hz = 0, backward_hz = 0;
};
Result<MotorInfo> parse_motor(const Reply& reply);

/// Mount counts and angles. The pulses of a turn come from the mount itself, each time.
class Scale {
 public:
  explicit Scale(std::int32_t pulses_per_turn) : pulses_(pulses_per_turn) {}
  std::int32_t pulses_per_turn() const { return pulses_; }
  double counts_per_degree() const { return pulses_ / 360.0; }
  /// Rounded to the nearest; out_of_range where 32 bits do not hold it.
  Result<std::int32_t> counts(Angle angle) const;
  Angle angle(std::int64_t counts) const { return Angle::degrees(static_cast<double>(counts) * 360.0 / pulses_); }

 private:
  std::int32_t pulses_;
};

}  // namespace nicol::elliptec
