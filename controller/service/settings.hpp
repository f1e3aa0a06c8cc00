// SPDX-License-Identifier: Apache-2.0
// A node's own random choices: basis and bit for every slot, straight into locked pages.
#pragma once

#include <cstdint>

#include "controller/secret/bit_string.hpp"

namespace nicol::service {

/// Independent bits that are 1 with this probability (quantised to 2^-16, the rest of the error being below any basis
/// count's resolution). `index` must be unique for the purpose.
secret::BitString draw_bits(std::size_t bits, double probability, Random& random, Purpose purpose, std::uint64_t index);

/// Alice's bases and bits of one chunk; the chunk's first slot names the draw.
secret::BitString draw_setting_bases(std::size_t slots, double p_diagonal, Random& random, std::uint64_t block,
                                     std::uint64_t first_slot);
secret::BitString draw_setting_bits(std::size_t slots, Random& random, std::uint64_t block, std::uint64_t first_slot);

/// One setting, read for the motor that is about to show it.
bool bit_at(const secret::BitString& bits, std::size_t i);

}  // namespace nicol::service
