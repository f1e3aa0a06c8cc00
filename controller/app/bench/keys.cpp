// SPDX-License-Identifier: Apache-2.0
// Rates of authentication and of key slots in guarded memory.
#include <array>
#include <cstring>
#include <numeric>

#include "controller/app/bench/measure.hpp"
#include "controller/secret/arena.hpp"
#include "controller/session/wegman_carter.hpp"

namespace nicol::bench {

namespace {

StageResult mac_of(std::size_t bytes) {
  std::vector<std::uint8_t> message(bytes, 0x5c);
  std::array<std::uint8_t, 16> key{};
  key.fill(0xa7);
  const std::size_t calls = std::max<std::size_t>(1, (std::size_t{8} << 20) / bytes);
  const Yardstick kernel = carryless_kernel();
  const double seconds = median_seconds([&] {
    for (std::size_t i = 0; i < calls; ++i) message[0] = session::ghash(key, message)[0];
  });
  const double size = static_cast<double>(bytes);
  return compared("mac", 8 * size, size * static_cast<double>(calls) / seconds * 1e-9, "GB/s", kernel,
                  {{"message_bytes", size}});
}

}  // namespace

std::vector<StageResult> bench_mac(const Options&) { return {mac_of(4096), mac_of(std::size_t{1} << 20)}; }

/// 32-byte keys through a slab: taken, written, read and released, each step in one scope for all of them.
std::vector<StageResult> bench_key_slots(const Options&) {
  constexpr std::size_t keys = 4'096, bytes = 32;
  auto slab = secret::Slab::create(bytes, keys).value();
  std::vector<std::size_t> slots(keys);
  std::array<std::byte, bytes> read{};
  const Yardstick kernel = carryless_kernel();
  const double seconds = median_seconds([&] {
    for (auto& slot : slots) slot = slab.take().value();
    slab.batch([&](std::span<std::byte> all, std::size_t size) {
      for (const std::size_t slot : slots) std::memset(&all[slot * size], static_cast<int>(slot & 127), size);
    });
    slab.batch([&](std::span<std::byte> all, std::size_t size) {
      for (const std::size_t slot : slots)
        for (std::size_t i = 0; i < size; ++i) read[i] ^= all[slot * size + i];
    });
    slab.release(slots);
    keep(read.data());
  });
  return {compared("key_slots", 8.0 * bytes, static_cast<double>(keys) / seconds, "keys/s", kernel,
                   {{"batch", static_cast<double>(keys)}})};
}

}  // namespace nicol::bench
