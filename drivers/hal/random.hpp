// SPDX-License-Identifier: Apache-2.0
// Injected randomness. On a simulated rig every draw that shapes a count comes from a counter-based stream keyed by
// (seed, node, purpose, index), so that thread timing cannot change a run; on a real rig everything comes from the OS.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "drivers/hal/philox.hpp"

namespace nicol {

enum class NodeId : std::uint8_t { alice = 0, bob = 1, world = 2 };

enum class Purpose : std::uint32_t {
  settings = 1,
  receiver_settings,
  multi_click,
  sample_coins,
  reconciliation,
  verification,
  amplification_seed,
  sim_source = 100,
  sim_herald,
  sim_channel,
  sim_background,
  sim_eve,
  sim_receiver,
  sim_detector,
  sim_dark,
  sim_tagger,
  sim_motor,
  sim_device,
  test = 1000
};

struct StreamKey {
  std::uint64_t seed = 0;
  NodeId node = NodeId::world;
  Purpose purpose = Purpose::test;
  std::uint64_t index = 0;
};

/// Philox4x64-10 (Salmon et al., SC'11): word i of a stream depends on the key and i alone. Not for keys of a real rig.
/// A UniformRandomBitGenerator. Philox key = {seed, node << 32 | purpose}, counter = {block, 0, index, 0}; word i is
/// word i % 4 of block i / 4. Two different StreamKeys never share a block.
class CounterStream {
 public:
  using result_type = std::uint64_t;
  explicit CounterStream(StreamKey key) noexcept
      : key_{key.seed, static_cast<std::uint64_t>(key.node) << 32 | static_cast<std::uint64_t>(key.purpose)},
        counter_{0, 0, key.index, 0} {}
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return ~result_type{0}; }
  result_type operator()() noexcept {
    if (used_ == 4) refill();
    return block_[used_++];
  }
  /// Uniform in [0,1), 53 bits.
  double uniform() noexcept { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }
  /// Uniform in (0,1]: safe under log().
  double uniform_positive() noexcept { return static_cast<double>(((*this)() >> 11) + 1) * 0x1.0p-53; }
  /// Unbiased in 0..n-1 (n > 0).
  std::uint64_t below(std::uint64_t n) noexcept;
  /// The next ceil(size / 8) words, little-endian; what is left of the last word is dropped.
  void fill(std::span<std::byte> out) noexcept;

 private:
  void refill() noexcept {
    block_ = philox4x64(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  std::array<std::uint64_t, 2> key_{};
  std::array<std::uint64_t, 4> counter_{}, block_{};
  std::size_t used_ = 4;
};

/// Thread-safe. fill(purpose, index, out): the seeded one returns the same bytes for the same (purpose, index), so an
/// index is used for one draw only; the OS one ignores both. Never fails: a dead OS source aborts the process.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(Purpose purpose, std::uint64_t index, std::span<std::byte> out) noexcept = 0;
};
std::unique_ptr<Random> make_os_random();
std::unique_ptr<Random> make_seeded_random(std::uint64_t seed, NodeId node);
/// 64 bits from the OS, for seeds and ids.
std::uint64_t os_random_word() noexcept;
void os_random_fill(std::span<std::byte> out) noexcept;

}  // namespace nicol
