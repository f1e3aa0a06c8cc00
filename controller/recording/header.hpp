// SPDX-License-Identifier: Apache-2.0
// The first bytes of a recording, readable without its key (README.md has the table).
#pragma once

#include <span>

#include "controller/recording/seal.hpp"

namespace nicol::recording {

inline constexpr std::uint16_t kFormatVersion = 1;
inline constexpr std::size_t kHeaderBytes = 92, kStreamHeaderBytes = 24, kCheckBytes = 16;
inline constexpr std::size_t kChunkPlain = std::size_t{64} * 1024, kChunkOverhead = 17, kLengthBytes = 4;

enum class Node : std::uint8_t { alice = 0, bob = 1 };

struct Header {
  SealKind seal = SealKind::key_file;
  Node node = Node::alice;
  PassphraseCost cost;
  Salt salt{};
  std::array<std::uint8_t, kStreamHeaderBytes> stream{};
  std::array<std::uint8_t, kCheckBytes> key_check{};  // tells a wrong key from damage
};
using HeaderBytes = std::array<std::uint8_t, kHeaderBytes>;

HeaderBytes encode(const Header& header);
/// bad_input naming the field that is wrong; not_supported for a newer version.
Result<Header> decode_header(std::span<const std::uint8_t> bytes);
/// The header's key_check for this stream key.
std::array<std::uint8_t, kCheckBytes> key_check(const secret::LockedKey& stream_key);

}  // namespace nicol::recording
