// SPDX-License-Identifier: Apache-2.0
// A block rebuilt by a bystander from the frames on the wire alone: which slots became which key bits, every disclosed
// parity, the verification and the Toeplitz rows.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "controller/secret/public_bits.hpp"
#include "controller/session/frames.hpp"
#include "tests/integration/gf2.hpp"

namespace nicol::test {

struct WireFrame {
  session::Direction direction = session::Direction::a_to_b;
  std::vector<std::uint8_t> bytes;
};

struct CapturedBlock {
  std::uint64_t block = 0;
  std::vector<std::uint64_t> key_slots;  // slot of each raw key bit, in order
  Gf2Rows parities{0}, verification{0};  // over the raw key
  std::uint64_t parity_answers = 0;      // parity bits in Alice's answers, counted by this tap
  std::uint64_t output_bits = 0;         // l, with the check value
  secret::PublicBits seed;
  std::uint64_t errors_corrected = 0;
  std::uint32_t asks = 0;

  /// Rows i = 0..count-1 of the Toeplitz matrix; past the seed's end it goes on with a fixed pseudo-random sequence.
  Gf2Rows toeplitz(std::uint64_t count) const;
};

/// The blocks that got as far as AMPLIFY with a key, in order. Key basis rectilinear.
std::vector<CapturedBlock> captured_blocks(const std::vector<WireFrame>& frames, unsigned tag_bits);

}  // namespace nicol::test
