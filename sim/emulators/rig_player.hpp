// SPDX-License-Identifier: Apache-2.0
// The emulated board's pattern player over a simulated source, which blocks while its light leaves: hence a thread.
// Patterns are in ordinary memory here, as all secrets of the simulator are.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "drivers/hal/photon_source.hpp"
#include "firmware-protocol/board.hpp"

namespace nicol::sim {

class RigPlayer {
 public:
  RigPlayer(hal::PulsedSource& source, std::uint32_t buffer_slots);
  ~RigPlayer();
  fw::Done queue(const fw::PatternChunk& chunk) noexcept;
  void clear() noexcept;
  fw::Done run(const fw::SourceRun& run) noexcept;
  enum class Why : std::uint8_t { dark, held };
  /// held: the host ended the block or will go on with it. The simulated block ends when it does not soon.
  void stop(Why why) noexcept;
  fw::SourceStatus status() noexcept;

 private:
  struct Chunk {
    std::uint64_t first = 0;
    std::size_t slots = 0;
    std::vector<std::uint8_t> states;
  };
  using Lock = std::unique_lock<std::mutex>;
  void work(const std::stop_token& stop);
  bool has_work() const { return wanted_ ? !queue_.empty() : playing() && !queue_.empty(); }
  bool playing() const { return state_ == fw::Player::running; }
  void begin(Lock& lock);
  void play(Lock& lock);
  void end(Lock& lock);
  void take_batch();

  hal::PulsedSource& source_;
  const std::uint32_t buffer_slots_;
  std::vector<std::uint64_t> bases_, bits_;  // the player's thread only
  std::size_t batch_slots_ = 0;
  std::uint64_t batch_first_ = 0;

  std::mutex mutex_;  // guards the rest
  std::condition_variable_any changed_;
  std::deque<Chunk> queue_;
  std::uint64_t queued_ = 0;  // slots, with those that leave now
  std::optional<fw::SourceRun> wanted_;
  fw::Player state_ = fw::Player::idle;
  std::uint64_t next_slot_ = 0, block_slots_ = 0, epoch_ = 0;
  bool open_ = false;  // a simulated block whose light flows
  std::optional<std::chrono::steady_clock::time_point> end_at_;
  std::jthread thread_;
};

}  // namespace nicol::sim
