// SPDX-License-Identifier: Apache-2.0
// Quantities that cross a HAL boundary are types; degrees and nanoseconds appear at the edges only.
#pragma once

#include <cmath>
#include <compare>
#include <cstdint>
#include <numbers>

namespace nicol {

/// A duration or an instant of the rig's clock; 64 bits of picoseconds hold 106 days.
struct Picoseconds {
  std::int64_t count = 0;
  auto operator<=>(const Picoseconds&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 mistakes it
  constexpr Picoseconds operator+(Picoseconds o) const { return {count + o.count}; }
  constexpr Picoseconds operator-(Picoseconds o) const { return {count - o.count}; }
  constexpr Picoseconds operator-() const { return {-count}; }
  constexpr Picoseconds operator*(std::int64_t n) const { return {count * n}; }
  constexpr Picoseconds& operator+=(Picoseconds o) {
    count += o.count;
    return *this;
  }
  static constexpr Picoseconds seconds(double s) { return {static_cast<std::int64_t>(s * 1e12)}; }
  constexpr double seconds() const { return static_cast<double>(count) * 1e-12; }
};

class Angle {
 public:
  constexpr Angle() = default;
  static constexpr Angle degrees(double d) { return Angle(d * std::numbers::pi / 180.0); }
  static constexpr Angle radians(double r) { return Angle(r); }
  constexpr double degrees() const { return radians_ * 180.0 / std::numbers::pi; }
  constexpr double radians() const { return radians_; }
  constexpr Angle operator+(Angle o) const { return Angle(radians_ + o.radians_); }
  constexpr Angle operator-(Angle o) const { return Angle(radians_ - o.radians_); }
  constexpr Angle operator-() const { return Angle(-radians_); }
  constexpr Angle operator*(double f) const { return Angle(radians_ * f); }
  constexpr auto operator<=>(const Angle&) const = default;  // NOLINT(modernize-use-nullptr): as above

 private:
  explicit constexpr Angle(double r) : radians_(r) {}
  double radians_ = 0;
};

struct Hertz {
  double value = 0;
  auto operator<=>(const Hertz&) const = default;
};
struct Volts {
  double value = 0;
  auto operator<=>(const Volts&) const = default;
};
struct Amperes {
  double value = 0;
  auto operator<=>(const Amperes&) const = default;  // NOLINT(modernize-use-nullptr): as above
};
struct Watts {
  double value = 0;
  auto operator<=>(const Watts&) const = default;
};
struct Decibels {
  double value = 0;
  auto operator<=>(const Decibels&) const = default;
};
struct Celsius {
  double value = 0;
  auto operator<=>(const Celsius&) const = default;
};
struct Nanometres {
  double value = 0;
  auto operator<=>(const Nanometres&) const = default;
};

/// Length of a tagger's tick: num/den picoseconds (TDC1 2000/1, timestamp7 1000/256).
struct TickLength {
  std::uint64_t num = 1, den = 1;
  auto operator<=>(const TickLength&) const = default;
  /// Exact, rounded towards minus infinity; the one conversion between ticks and time.
  constexpr Picoseconds to_picoseconds(std::int64_t ticks) const {
    if (den == 1) return {ticks * static_cast<std::int64_t>(num)};
    __extension__ using Wide = __int128;
    const Wide scaled = static_cast<Wide>(ticks) * static_cast<Wide>(num), d = static_cast<Wide>(den);
    const Wide q = scaled / d;
    return {static_cast<std::int64_t>(q - ((scaled % d) < 0 ? 1 : 0))};
  }
  constexpr std::int64_t to_ticks(Picoseconds t) const {
    __extension__ using Wide = __int128;
    const Wide scaled = static_cast<Wide>(t.count) * static_cast<Wide>(den), n = static_cast<Wide>(num);
    const Wide q = scaled / n;
    return static_cast<std::int64_t>(q - ((scaled % n) < 0 ? 1 : 0));
  }
};

}  // namespace nicol
