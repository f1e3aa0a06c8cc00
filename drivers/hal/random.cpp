// SPDX-License-Identifier: Apache-2.0
// The two sources of Random: the operating system, and counter-based streams that thread timing cannot change.
#include "drivers/hal/random.hpp"

#include <cstring>

#include "drivers/hal/os_random.hpp"

namespace nicol {
namespace {

class OsRandom final : public Random {
 public:
  void fill(Purpose, std::uint64_t, std::span<std::byte> out) noexcept override { os_random_fill(out); }
};

/// Holds no state beside its key, so it is thread-safe by having nothing to guard.
class SeededRandom final : public Random {
 public:
  SeededRandom(std::uint64_t seed, NodeId node) : seed_(seed), node_(node) {}
  void fill(Purpose purpose, std::uint64_t index, std::span<std::byte> out) noexcept override {
    CounterStream({seed_, node_, purpose, index}).fill(out);
  }

 private:
  std::uint64_t seed_;
  NodeId node_;
};

}  // namespace

std::uint64_t CounterStream::below(std::uint64_t n) noexcept {
  // Lemire, "Fast random integer generation in an interval", ACM TOMACS 29 (2019), algorithm 5.
  __extension__ using Wide = unsigned __int128;
  Wide product = Wide{(*this)()} * n;
  if (static_cast<std::uint64_t>(product) < n) {
    const std::uint64_t threshold = (std::uint64_t{0} - n) % n;
    while (static_cast<std::uint64_t>(product) < threshold) product = Wide{(*this)()} * n;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

void CounterStream::fill(std::span<std::byte> out) noexcept {
  static_assert(std::endian::native == std::endian::little);
  std::byte* at = out.data();
  std::size_t left = out.size();
  while (left >= sizeof(result_type) && used_ < block_.size()) {
    std::memcpy(at, &block_[used_++], sizeof(result_type));
    at += sizeof(result_type);
    left -= sizeof(result_type);
  }
  for (; left >= sizeof block_; at += sizeof block_, left -= sizeof block_) {
    const auto block = philox4x64(counter_, key_);
    ++counter_[0];
    std::memcpy(at, block.data(), sizeof block);
  }
  while (left > 0) {
    const result_type word = (*this)();
    const std::size_t n = left < sizeof word ? left : sizeof word;
    std::memcpy(at, &word, n);
    at += n;
    left -= n;
  }
}

std::unique_ptr<Random> make_os_random() { return std::make_unique<OsRandom>(); }

std::unique_ptr<Random> make_seeded_random(std::uint64_t seed, NodeId node) {
  return std::make_unique<SeededRandom>(seed, node);
}

std::uint64_t os_random_word() noexcept {
  std::uint64_t word = 0;
  os_random_fill(std::as_writable_bytes(std::span(&word, 1)));
  return word;
}

}  // namespace nicol
