// SPDX-License-Identifier: Apache-2.0
// Our own tag file: a header, then the tag blocks of firmware-protocol, each with its length and CRC-32C, up to an
// empty one that says "end". What was lost stands where it was lost.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "drivers/files/byte_input.hpp"
#include "drivers/files/byte_output.hpp"
#include "drivers/hal/time_tagger.hpp"
#include "firmware-protocol/tag_block.hpp"

namespace nicol::files {

/// Little-endian: "NICOLTAG", version u16, header bytes u16, tick num u64, tick den u64, channels u8, three zero bytes,
/// one role a channel (u8, in the order of hal::ChannelRole) filled up with zeros to whole words, CRC-32C of all that.
inline constexpr std::string_view kNicolMagic = "NICOLTAG";
inline constexpr std::uint16_t kNicolVersion = 1;
inline constexpr std::size_t kNicolFixedBytes = 32, kNicolCrcBytes = 4;
inline constexpr std::size_t kNicolMostPayload = fw::kTagHeaderBytes + 4 * fw::kMostWords;

struct NicolHeader {
  TickLength tick;
  std::vector<hal::ChannelRole> roles;  // one a channel, at most fw::kWordChannels
};
/// bad_input: not ours, cut, damaged, or of a newer version, whose number is named.
Result<NicolHeader> read_nicol_header(ByteInput& input);
/// bad_input for more channels than the format holds.
Result<void> write_nicol_header(ByteOutput& out, const NicolHeader& header);

/// One block's payload with what stands around it.
Result<void> write_nicol_block(ByteOutput& out, std::span<const std::uint8_t> payload);

}  // namespace nicol::files
