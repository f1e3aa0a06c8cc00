// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "firmware-protocol/cursor.hpp"
#include "firmware-protocol/message.hpp"

namespace nicol::fw {
namespace {

/// Two bits a slot: what is left over in the last byte must be zero.
bool tail_is_zero(std::span<const std::uint8_t> field, std::size_t slots) noexcept {
  return slots % 4 == 0 || field.back() >> (2 * (slots % 4)) == 0;
}

}  // namespace

std::size_t encode(const SourceConfig& m, std::span<std::uint8_t> out) noexcept {
  if (out.size() < SourceConfig::kBytes) return 0;
  return Writer(out).put(m.slot_ps).put(m.sync_divider).put(m.width_ps).put(m.flags).put(std::uint16_t{0}).written();
}
template <>
std::optional<SourceConfig> decode<SourceConfig>(std::span<const std::uint8_t> payload) noexcept {
  if (payload.size() != SourceConfig::kBytes) return {};
  Reader r(payload);
  SourceConfig m;
  m.slot_ps = r.take<std::uint64_t>();
  m.sync_divider = r.take<std::uint32_t>();
  m.width_ps = r.take<std::uint32_t>();
  m.flags = r.take<std::uint16_t>();
  if (m.slot_ps == 0 || m.sync_divider == 0 || (m.flags & ~kSourceIntensities) != 0) return {};
  return m;
}

std::size_t encode(const PatternChunk& m, std::span<std::uint8_t> out) noexcept {
  const std::size_t size = PatternChunk::kFixedBytes + m.states.size() + m.intensities.size();
  if (out.size() < size) return 0;
  return Writer(out).put(m.first_slot).put(m.slots).put(m.flags).put_bytes(m.states).put_bytes(m.intensities).written();
}
template <>
std::optional<PatternChunk> decode<PatternChunk>(std::span<const std::uint8_t> payload) noexcept {
  Reader r(payload);
  PatternChunk m;
  m.first_slot = r.take<std::uint64_t>();
  m.slots = r.take<std::uint32_t>();
  m.flags = r.take<std::uint32_t>();
  if (r.ran_out() || m.slots == 0 || (m.flags & ~std::uint32_t{kSourceIntensities}) != 0) return {};
  if (m.slots > most_chunk_slots(m.flags) || m.first_slot + m.slots < m.first_slot) return {};
  m.states = r.take_bytes(packed_bytes(m.slots));
  if ((m.flags & kSourceIntensities) != 0) m.intensities = r.take_bytes(packed_bytes(m.slots));
  if (r.ran_out() || r.left() != 0 || !tail_is_zero(m.states, m.slots)) return {};
  if (!m.intensities.empty() && !tail_is_zero(m.intensities, m.slots)) return {};
  return m;
}

std::size_t encode(const SourceRun& m, std::span<std::uint8_t> out) noexcept {
  return out.size() < SourceRun::kBytes ? 0 : Writer(out).put(m.first_slot).put(m.block_slots).written();
}
template <>
std::optional<SourceRun> decode<SourceRun>(std::span<const std::uint8_t> payload) noexcept {
  if (payload.size() != SourceRun::kBytes) return {};
  Reader r(payload);
  SourceRun m;
  m.first_slot = r.take<std::uint64_t>();
  m.block_slots = r.take<std::uint64_t>();
  if (m.first_slot >= m.block_slots) return {};
  return m;
}

std::size_t encode(const SourceStatus& m, std::span<std::uint8_t> out) noexcept {
  if (out.size() < SourceStatus::kBytes) return 0;
  return Writer(out)
      .put(static_cast<std::uint8_t>(m.state))
      .put(std::uint8_t{0})
      .put(std::uint16_t{0})
      .put(m.next_slot)
      .put(m.free_slots)
      .put(m.underruns)
      .written();
}
template <>
std::optional<SourceStatus> decode<SourceStatus>(std::span<const std::uint8_t> payload) noexcept {
  if (payload.size() != SourceStatus::kBytes) return {};
  Reader r(payload);
  const auto state = r.take<std::uint8_t>();
  r.take_bytes(3);
  SourceStatus m;
  m.next_slot = r.take<std::uint64_t>();
  m.free_slots = r.take<std::uint32_t>();
  m.underruns = r.take<std::uint32_t>();
  if (state > static_cast<std::uint8_t>(Player::stopped)) return {};
  m.state = static_cast<Player>(state);
  return m;
}

}  // namespace nicol::fw
