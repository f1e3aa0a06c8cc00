// SPDX-License-Identifier: Apache-2.0
// Alice's source as the controller sees it: armed in two steps, then blocks of slots, from a pattern or from a
// waveplate.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include "drivers/hal/photon_source.hpp"
#include "sim/devices/emitter.hpp"
#include "sim/devices/herald_tagger.hpp"
#include "sim/devices/light_link.hpp"
#include "sim/devices/motor.hpp"
#include "sim/devices/shutter.hpp"
#include "sim/devices/simulated.hpp"

namespace nicol::sim {

/// What stands around the source; all outlive its use.
struct SourceBench {
  RigClock* clock = nullptr;
  const Shutter* shutter = nullptr;
  const Motor* waveplate = nullptr;  // motorised
  HeraldTagger* heralds = nullptr;   // heralded and motorised
  std::unique_ptr<LightSender> light;
  double speed = 0;
};

class FourStateSource final : public Simulated<hal::PulsedSource> {
 public:
  FourStateSource(const Scenario& scenario, std::uint64_t seed, const EveOptions& eve, SourceBench bench);

  hal::SourceCaps caps() const override;
  Result<hal::InterlockState> interlock() override;
  Result<void> arm(hal::ArmToken token) override;
  Result<void> enable_emission() override;
  void disable_emission() noexcept override;
  Result<hal::EmissionState> emission() override;
  Result<void> set_light_level(hal::LightLevel level) override;
  hal::LightLevel light_level() const noexcept override;  // off unless emitting
  void safe_state() noexcept override { disable_emission(); }
  void unplug() noexcept override;

  /// Waits up to ten seconds for a receiver; timeout when none comes. A block still open is given up.
  Result<void> begin_block(std::uint64_t slots) override;
  /// Emission switched off in its midst, or an unplug, interrupts the block: cancelled, then unsafe_state until
  /// resume_block or begin_block.
  Result<void> resume_block(std::uint64_t first_slot) override;
  Result<void> emit(const hal::PatternChunk& chunk) override;
  /// Motorised only, one pulse. When the waveplate came too late for its slot no light leaves, the slot is used up and
  /// the error is `timeout`.
  Result<void> fire(std::uint64_t pulses) override;
  Result<void> end_block() override;

  const EveRecord& eve() const { return emitter_.eve(); }

 private:
  enum class Call : std::uint8_t { begin, emit, fire };
  /// flowing: slots may be emitted. interrupted: only after resume_block().
  enum class Block : std::uint8_t { none, flowing, interrupted };
  Result<void> refusal(Call call) const;
  Result<void> check(const hal::PatternChunk& chunk) const;
  Result<void> send();
  Result<void> shine_on();
  Result<void> pace();
  void start_batch(std::uint64_t slot);
  void cover(std::uint64_t until_slot, Picoseconds until);
  Path path() const;
  Picoseconds start_of(std::uint64_t slot) const;
  std::uint64_t times_switched_off() const;

  const Scenario scenario_;
  const SourceBench bench_;
  const Picoseconds period_;

  mutable std::mutex state_mutex_;  // guards state_, level_ and switched_off_
  std::condition_variable changed_;
  hal::EmissionState state_ = hal::EmissionState::off;
  hal::LightLevel level_ = hal::LightLevel::quantum;
  std::uint64_t switched_off_ = 0;     // how often
  std::atomic<bool> emitting_{false};  // state_ == emitting, for waits without the lock

  std::mutex emit_mutex_;  // guards everything below; taken before state_mutex_
  Emitter emitter_;
  LightBatch batch_;
  std::vector<std::uint64_t> heralds_;
  Block open_ = Block::none;
  std::uint32_t blocks_ = 0;
  std::uint64_t block_slots_ = 0, next_slot_ = 0, block_light_ = 0;  // block_light_: switched_off_ when light began
  std::chrono::steady_clock::time_point paced_from_;
  Picoseconds paced_rig_;
};

}  // namespace nicol::sim
