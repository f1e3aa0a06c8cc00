// SPDX-License-Identifier: Apache-2.0
// The bytes of USBTMC 1.0: twelve-byte headers around what an instrument says. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "drivers/hal/result.hpp"

namespace nicol::transport::usbtmc {

inline constexpr std::size_t kHeader = 12;
inline constexpr std::uint8_t kDeviceClass = 0xfe, kSubclass = 0x03;

enum class Request : std::uint8_t {
  initiate_abort_bulk_out = 1,
  check_abort_bulk_out = 2,
  initiate_abort_bulk_in = 3,
  check_abort_bulk_in = 4,
  initiate_clear = 5,
  check_clear = 6,
  get_capabilities = 7,
  remote_enable = 160
};
enum class Status : std::uint8_t { success = 0x01, pending = 0x02, failed = 0x80, not_in_progress = 0x81 };

/// 1..255, never 0.
std::uint8_t next_tag(std::uint8_t tag);

/// DEV_DEP_MSG_OUT with the whole message: end of message set, padded with zeros to a multiple of four.
std::vector<std::uint8_t> message_out(std::uint8_t tag, std::string_view text);
/// REQUEST_DEV_DEP_MSG_IN for at most `bytes` bytes.
std::array<std::uint8_t, kHeader> request_in(std::uint8_t tag, std::uint32_t bytes);

struct ReplyHeader {
  std::uint32_t bytes = 0;  // of the message, padding not counted
  bool end_of_message = false;
};
/// protocol when it is shorter than a header, no DEV_DEP_MSG_IN, answers another request, or says more than was asked.
Result<ReplyHeader> parse_reply(std::span<const std::uint8_t> bytes, std::uint8_t tag, std::uint32_t asked);

}  // namespace nicol::transport::usbtmc
