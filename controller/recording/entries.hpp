// SPDX-License-Identifier: Apache-2.0
// What stands in a recording: entries {kind u8, length u32, payload}, in the order things happened. The payloads of
// tags and draws are defined here, the others in controller/service (README.md has the table).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace nicol::recording {

enum class Entry : std::uint8_t {
  node = 1,   // what the node is: timing, sizes
  session,    // a connection begins: its configuration
  call,       // the session is called
  frame,      // the same with a frame of the peer
  draw,       // bytes drawn from Random
  answer,     // what the vault answered, tag checks among it
  tag_block,  // a block of the tag stream: what it covers, what was lost
  tags,       // some of its tags
  light,      // an act of preparation or detection
  sent,       // digest of a frame sent
  result,     // a block is done
  end         // the recording ended in order
};
inline constexpr Entry kLastEntry = Entry::end;
std::string_view to_string(Entry entry) noexcept;

inline constexpr std::size_t kEntryHead = 5;
inline constexpr std::uint32_t kLongestEntry = std::uint32_t{80} << 20;

/// Little-endian numbers of a fixed place.
void put_le(std::span<std::uint8_t> to, std::uint64_t value) noexcept;
std::uint64_t get_le(std::span<const std::uint8_t> from) noexcept;

}  // namespace nicol::recording
