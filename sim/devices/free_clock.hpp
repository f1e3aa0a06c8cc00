// SPDX-License-Identifier: Apache-2.0
// The clock of a simulated tagger that nobody disciplines: set wrong, fast or slow, drifting, and wandering.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "drivers/hal/random.hpp"
#include "sim/scenario/scenario.hpp"

namespace nicol::sim {

/// reads(t) = t + offset + ppm t + drift t^2 / 2 + the time integral of a random walk of the frequency, from t = 0 on
/// (a clock that is asked of times before has offset and ppm alone). A function of model, noise and t: what was asked
/// before changes nothing. The walk moves in steps of 10 ms and is drawn in their order, so going on is cheap and going
/// back by more than 0.6 s starts anew. Not thread-safe.
class FreeClock {
 public:
  /// Streams of blocks have lower indices.
  static constexpr std::uint64_t kNoiseIndex = ~std::uint64_t{0};
  FreeClock(const ClockModel& model, StreamKey noise);
  /// Picoseconds it shows at t picoseconds.
  std::int64_t reads(std::int64_t t) noexcept;
  /// How fast it runs at t, relative.
  double frequency(std::int64_t t) noexcept;

 private:
  struct Step {
    double frequency = 0, phase = 0;  // of the walk: during the step, ps at its beginning
  };
  static constexpr std::int64_t kStep = 10'000'000'000;
  static constexpr std::int64_t kKept = 64;
  const Step& step_of(std::int64_t t) noexcept;
  void begin() noexcept;

  ClockModel model_;
  std::int64_t offset_;
  StreamKey key_;
  CounterStream stream_;
  std::array<Step, kKept> steps_{};
  std::int64_t newest_ = 0;
};

}  // namespace nicol::sim
