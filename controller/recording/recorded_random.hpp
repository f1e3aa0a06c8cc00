// SPDX-License-Identifier: Apache-2.0
// Random as a recording needs it: one that writes down every byte drawn, one that gives those bytes again.
#pragma once

#include <optional>
#include <string>

#include "controller/recording/reader.hpp"
#include "controller/recording/writer.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::recording {

/// Where a replay first left what was recorded; it goes on, but proves nothing from there. Where the recording ends
/// early nothing is left: there was no more.
class Departure {
 public:
  void note(const Reader& from, std::string what) {
    if (!first_ && !from.why_cut_short()) first_ = std::move(what);
  }
  const std::optional<std::string>& first() const { return first_; }

 private:
  std::optional<std::string> first_;
};

inline constexpr std::uint32_t kDrawFromOs = 0;  // in the place of a Purpose: session ids, key ids
void put_draw(Writer& to, std::uint32_t purpose, std::uint64_t index, std::span<const std::byte> drawn) noexcept;
/// Zeros, and a departure noted, when another draw was recorded here.
void take_draw(Reader& from, Departure& departure, std::uint32_t purpose, std::uint64_t index,
               std::span<std::byte> out) noexcept;

/// One thread (the node's engine). `inner` and `to` outlive it.
class RecordingRandom final : public Random {
 public:
  RecordingRandom(Random& inner, Writer& to) : inner_(&inner), to_(&to) {}
  void fill(Purpose purpose, std::uint64_t index, std::span<std::byte> out) noexcept override;

 private:
  Random* inner_;
  Writer* to_;
};

/// What take_draw() says.
class ReplayedRandom final : public Random {
 public:
  ReplayedRandom(Reader& from, Departure& departure) : from_(&from), departure_(&departure) {}
  void fill(Purpose purpose, std::uint64_t index, std::span<std::byte> out) noexcept override;

 private:
  Reader* from_;
  Departure* departure_;
};

}  // namespace nicol::recording
