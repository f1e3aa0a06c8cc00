// SPDX-License-Identifier: Apache-2.0
// A source without light that does what it is told: it keeps the pattern, and a test says how much of it has left.
#pragma once

#include <optional>
#include <vector>

#include "sim/devices/simulated.hpp"

namespace nicol::service {

class StubSource final : public sim::Simulated<hal::PulsedSource> {
 public:
  explicit StubSource(std::size_t chunk) : Simulated("stub", "source-1"), chunk_(chunk) {}
  hal::SourceCaps caps() const override {
    hal::SourceCaps caps;
    caps.max_pattern_slots = chunk_;
    return caps;
  }
  Result<hal::InterlockState> interlock() override { return hal::InterlockState::closed; }
  Result<void> arm(hal::ArmToken) override { return {}; }
  Result<void> enable_emission() override { return {}; }
  void disable_emission() noexcept override {}
  Result<hal::EmissionState> emission() override { return hal::EmissionState::emitting; }
  Result<void> set_light_level(hal::LightLevel) override { return {}; }
  hal::LightLevel light_level() const noexcept override { return hal::LightLevel::quantum; }
  Result<void> begin_block(std::uint64_t) override { return {}; }
  Result<void> resume_block(std::uint64_t) override { return {}; }
  Result<void> emit(const hal::PatternChunk& chunk) override {
    for (std::size_t i = 0; i < chunk.slots; ++i) {
      bases.push_back(chunk.bases[i / 64] >> (i % 64) & 1U);
      bits.push_back(chunk.bits[i / 64] >> (i % 64) & 1U);
    }
    return {};
  }
  Result<void> fire(std::uint64_t) override { return {}; }
  Result<void> end_block() override { return {}; }
  std::optional<std::uint64_t> first_unsent() override { return unsent; }
  void safe_state() noexcept override {}

  std::vector<bool> bases, bits;
  std::optional<std::uint64_t> unsent;

 private:
  std::size_t chunk_;
};

}  // namespace nicol::service
