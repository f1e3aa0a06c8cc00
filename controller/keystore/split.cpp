// SPDX-License-Identifier: Apache-2.0
// How a key is cut at birth: integers only, so that both nodes come to the same bits.
#include <algorithm>
#include <cmath>

#include "controller/keystore/key_store.hpp"

namespace nicol::keystore {
namespace {

constexpr std::uint64_t whole_bytes(std::uint64_t bits) { return bits / 8 * 8; }

std::uint64_t deficit(const PoolStatus& pool, const PoolPlan& plan) {
  return plan.auth_high_water > pool.available() ? plan.auth_high_water - pool.available() : 0;
}

// part/whole of bits without overflow; part <= whole, whole > 0.
std::uint64_t share(std::uint64_t bits, std::uint64_t part, std::uint64_t whole) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(static_cast<Wide>(bits) * part / whole);
}

}  // namespace

std::string_view to_string(Pool pool) noexcept {
  switch (pool) {
    case Pool::auth_ab:
      return "auth-ab";
    case Pool::auth_ba:
      return "auth-ba";
    case Pool::otp_ab:
      return "otp-ab";
    case Pool::otp_ba:
      return "otp-ba";
  }
  return "unknown";
}

std::string_view to_string(KeyState state) noexcept {
  switch (state) {
    case KeyState::pending:
      return "pending";
    case KeyState::available:
      return "available";
    case KeyState::delivered:
      return "delivered";
    case KeyState::destroyed:
      return "destroyed";
  }
  return "unknown";
}

Split split_key(std::uint64_t secret_bits, const std::array<PoolStatus, 4>& pools, const PoolPlan& plan) {
  const std::uint64_t need_ab = deficit(pools[0], plan), need_ba = deficit(pools[1], plan);
  const std::uint64_t need = need_ab + need_ba, given = std::min(need, secret_bits);
  Split split;
  // A key too small for both deficits is shared in proportion: a block spends tags of both directions.
  split.pools[0] = need == 0 ? 0 : whole_bytes(share(given, need_ab, need));
  split.pools[1] = whole_bytes(std::min(need_ba, given - split.pools[0]));
  const std::uint64_t rest = secret_bits - split.pools[0] - split.pools[1];
  constexpr std::uint64_t kMillion = 1'000'000;
  const double wanted = std::isfinite(plan.otp_share) ? std::clamp(plan.otp_share, 0.0, 1.0) : 0.0;
  const auto ppm = static_cast<std::uint64_t>(std::llround(wanted * 1e6));
  split.pools[2] = split.pools[3] = whole_bytes(share(rest, ppm, kMillion) / 2);
  split.delivery = rest - split.pools[2] - split.pools[3];
  return split;
}

}  // namespace nicol::keystore
