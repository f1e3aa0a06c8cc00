// SPDX-License-Identifier: Apache-2.0
// One-time tags over running hashes. Everything derived from alpha stays in locked pages.
#include "controller/session/wegman_carter.hpp"

#include <cmath>
#include <cstring>
#include <stdexcept>

#include "controller/secret/constant_time.hpp"
#include "controller/secret/registers.hpp"
#include "controller/session/ghash.hpp"

namespace nicol::session {
namespace {

using detail::GhashState;

GhashState& state_in(std::span<std::byte> page) { return *reinterpret_cast<GhashState*>(page.data()); }

std::span<const std::uint8_t, 16> first_block(std::span<const std::byte> key) {
  return std::span<const std::uint8_t, 16>(reinterpret_cast<const std::uint8_t*>(key.data()), 16);
}

std::size_t tag_bytes(const secret::LockedKey& pad, unsigned tag_bits) {
  if (tag_bits == 0 || tag_bits > 128 || tag_bits % 8 != 0 || pad.size() < tag_bits / 8)
    throw std::invalid_argument("a tag has 8..128 bits, whole bytes, and a pad as long");
  return tag_bits / 8;
}

}  // namespace

std::array<std::uint8_t, 16> ghash(std::span<const std::uint8_t, 16> key, std::span<const std::uint8_t> message,
                                   GhashKernel kernel) {
  GhashState state;
  const std::size_t blocks = message.size() / 16;  // a short message uses few powers, so only those are made
  detail::start(state, key, blocks >= detail::kGhashPowers ? blocks : blocks >= 8 ? 8 : blocks >= 4 ? 4 : 1, kernel);
  detail::absorb(state, 0, message, kernel);
  detail::finish(state, message.size(), kernel);
  std::array<std::uint8_t, 16> hash{};
  std::memcpy(hash.data(), state.accumulator, hash.size());
  explicit_bzero(&state, sizeof state);
  secret::detail::clear_vector_registers();
  return hash;
}

std::array<std::uint8_t, 16> ghash(std::span<const std::uint8_t, 16> key, std::span<const std::uint8_t> message) {
  return ghash(key, message, detail::best_ghash_kernel());
}

RunningHash::RunningHash(const secret::LockedKey& alpha) : state_(sizeof(GhashState)) {
  if (alpha.size() != 16) throw std::invalid_argument("alpha has 16 bytes");
  const GhashKernel kernel = detail::best_ghash_kernel();
  alpha.with_read([&](std::span<const std::byte> key) {
    state_.with_write([&](std::span<std::byte> page) {
      detail::start(state_in(page), first_block(key), detail::powers_used(kernel), kernel);
    });
  });
}

void RunningHash::append(std::span<const std::uint8_t> canonical_frame) {
  state_.with_write([&](std::span<std::byte> page) {
    detail::absorb(state_in(page), bytes_, canonical_frame, detail::best_ghash_kernel());
  });
  bytes_ += canonical_frame.size();
}

std::array<std::uint8_t, 16> RunningHash::tag(const secret::LockedKey& pad, unsigned tag_bits) const {
  const std::size_t size = tag_bytes(pad, tag_bits);
  secret::LockedKey work(sizeof(GhashState));  // the hash itself would give alpha away: it never leaves locked pages
  std::array<std::uint8_t, 16> tag{};
  work.with_write([&](std::span<std::byte> page) {
    state_.with_read([&](std::span<const std::byte> s) { std::memcpy(page.data(), s.data(), s.size()); });
    detail::finish(state_in(page), bytes_, detail::best_ghash_kernel());
    pad.with_read([&](std::span<const std::byte> p) {
      for (std::size_t i = 0; i < size; ++i)
        tag[i] = static_cast<std::uint8_t>(state_in(page).accumulator[i] ^ std::to_integer<std::uint8_t>(p[i]));
    });
  });
  return tag;
}

bool RunningHash::verify(std::span<const std::uint8_t> received, const secret::LockedKey& pad,
                         unsigned tag_bits) const {
  const std::array<std::uint8_t, 16> expected = tag(pad, tag_bits);
  return secret::equal_ct(received, std::span(expected).first(tag_bits / 8));
}

double forgery_bound(std::uint64_t bytes, unsigned tag_bits) noexcept {
  const double blocks = std::ceil(static_cast<double>(bytes) / 16.0);
  return std::ldexp(blocks + 1.0, -static_cast<int>(tag_bits));
}

std::array<std::uint8_t, 16> one_time_mac(std::span<const std::uint8_t, 16> hash_key,
                                          std::span<const std::uint8_t, 16> pad,
                                          std::span<const std::uint8_t> message) {
  std::array<std::uint8_t, 16> tag = ghash(hash_key, message);
  for (std::size_t i = 0; i < tag.size(); ++i) tag[i] = static_cast<std::uint8_t>(tag[i] ^ pad[i]);
  return tag;
}

}  // namespace nicol::session
