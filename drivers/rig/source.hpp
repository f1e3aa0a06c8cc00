// SPDX-License-Identifier: Apache-2.0
// The board's pattern player as a pulsed source.
//
// emit() returns when its slots stand in the board's memory: that is what keeps the player fed, because the next chunk
// is there before this one has left. end_block() waits until all have left.
#pragma once

#include <mutex>

#include "drivers/hal/photon_source.hpp"
#include "drivers/rig/face.hpp"

namespace nicol::rig {

struct SourceOptions {
  std::uint64_t slot_ps = 0;  // 0: the shortest that the board can do
  std::uint32_t sync_divider = 1000;
  std::uint32_t width_ps = 0;
  hal::SourceKind source = hal::SourceKind::weak_coherent;  // heralded: a slot counts only with a herald
  double give_up_s = 15;                                    // a player that does not move for so long is stuck
};

class RigSource final : public Face<hal::PulsedSource> {
 public:
  static Result<std::unique_ptr<RigSource>> make(Board& board, const SourceOptions& options);
  ~RigSource() override;

  hal::SourceCaps caps() const override;
  Result<hal::InterlockState> interlock() override;
  /// Waits where the board wants to hear its host for longer first, 2 s at most. Clears what is latched if its cause is
  /// gone, as to arm is a deliberate act, but no over-rate (over_rate): whoever found the light says so. cancelled
  /// where it was made dark meanwhile: then it is not armed.
  Result<void> arm(hal::ArmToken token) override;
  Result<void> enable_emission() override;
  void disable_emission() noexcept override;
  Result<hal::EmissionState> emission() override;
  Result<void> set_light_level(hal::LightLevel level) override;
  hal::LightLevel light_level() const noexcept override;
  Result<void> begin_block(std::uint64_t slots) override;
  Result<void> resume_block(std::uint64_t first_slot) override;
  /// overflow when the board ran out of pattern: native_code is the first slot that has not left.
  Result<void> emit(const hal::PatternChunk& chunk) override;
  std::optional<std::uint64_t> first_unsent() override;
  Result<void> fire(std::uint64_t pulses) override;
  Result<void> end_block() override;
  void safe_state() noexcept override;

  Result<void> session_began() override;
  void session_lost() noexcept override { lit_ = false; }

 protected:
  Result<hal::Value> read_own(std::string_view key) override;
  Result<void> write_own(std::string_view key, const hal::Value& value) override;

 private:
  RigSource(Board& board, const SourceOptions& options, transport::PrivateBuffer packed);
  Result<void> configure();
  fw::Value watchdog(std::int64_t ms) const;
  Result<std::optional<std::uint16_t>> arm_once();
  Result<void> arm_patiently(std::uint64_t darks);
  Result<void> not_lit_yet();
  Result<void> run(std::uint64_t first_slot);
  Result<void> check(const hal::PatternChunk& chunk) const;
  Result<void> check_intensities(const hal::PatternChunk& chunk) const;
  Result<void> fit_for_slots() const;
  Result<void> send(const hal::PatternChunk& chunk);
  Result<void> send_frame(const hal::PatternChunk& chunk, std::size_t from, std::size_t slots);
  Result<void> wait_for_room(std::uint64_t slots);
  Result<fw::SourceStatus> ask_player();
  Result<void> wait_for(const std::function<bool(const Heard&)>& fact);
  Result<void> player_trouble(const fw::SourceStatus& status) const;
  std::uint64_t waiting_slots(const fw::SourceStatus& status) const;
  void count_out(const Heard& heard);
  bool has_intensities() const { return about_.intensities > 1; }

  const SourceOptions options_;
  const fw::SourceInfo about_;
  std::atomic<std::int64_t> watchdog_ms_;
  std::atomic<bool> lit_{false};  // enabled by us in this session and not known to be dark since
  std::atomic<hal::LightLevel> level_{hal::LightLevel::off};  // as last accepted by the board
  std::atomic<std::uint64_t> armed_darks_{0};                 // Board::darks() when arming began

  std::mutex block_mutex_;                                 // guards all below: one call at a time
  transport::PrivateBuffer packed_;                        // one PATTERN_CHUNK payload
  std::uint64_t block_slots_ = 0;                          // 0: no block is open
  std::uint64_t run_from_ = 0, next_slot_ = 0, left_ = 0;  // left_: the first slot that was not reported as out
  std::uint32_t underruns_ = 0;                            // when this run began
  bool flowing_ = false;
};

}  // namespace nicol::rig
