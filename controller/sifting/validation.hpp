// SPDX-License-Identifier: Apache-2.0
// What came over the wire, checked before a bit is looked up by it.
#pragma once

#include <cstdint>
#include <string_view>

#include "controller/sifting/sifting.hpp"

namespace nicol::sifting {

/// bad_input unless `bits` holds `size` bits in that many words, unused ones zero. `name` says what it is.
Result<void> check_bits(const PublicBits& bits, std::size_t size, std::string_view name);
/// bad_input with the index and what was expected there.
Result<void> check_list(const DetectionList& list, std::uint64_t block_slots);
/// Everything about the reply but the number of mismatched bits, which needs the bases.
Result<void> check_reply(const BasesReply& reply, std::size_t entries);

}  // namespace nicol::sifting
