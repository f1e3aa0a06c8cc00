// SPDX-License-Identifier: Apache-2.0
#include "drivers/transport/usbtmc_message.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nicol::transport::usbtmc {
namespace {

constexpr std::uint8_t kMessageOut = 1, kMessageIn = 2, kEndOfMessage = 1;

std::array<std::uint8_t, kHeader> header(std::uint8_t id, std::uint8_t tag, std::uint32_t bytes,
                                         std::uint8_t attributes) {
  const auto byte = [bytes](int k) { return static_cast<std::uint8_t>(bytes >> (8 * k)); };
  const auto inverse = static_cast<std::uint8_t>(~tag);
  return {id, tag, inverse, 0, byte(0), byte(1), byte(2), byte(3), attributes, 0, 0, 0};
}

Error broken(std::string why) { return {Code::protocol, "USBTMC reply " + std::move(why), "", 0, {}}; }

}  // namespace

std::uint8_t next_tag(std::uint8_t tag) { return tag == 255 ? std::uint8_t{1} : static_cast<std::uint8_t>(tag + 1); }

std::vector<std::uint8_t> message_out(std::uint8_t tag, std::string_view text) {
  const auto head = header(kMessageOut, tag, static_cast<std::uint32_t>(text.size()), kEndOfMessage);
  std::vector<std::uint8_t> message((kHeader + text.size() + 3) / 4 * 4);
  std::copy(head.begin(), head.end(), message.begin());
  std::copy(text.begin(), text.end(), message.begin() + kHeader);
  return message;
}

std::array<std::uint8_t, kHeader> request_in(std::uint8_t tag, std::uint32_t bytes) {
  return header(kMessageIn, tag, bytes, 0);
}

Result<ReplyHeader> parse_reply(std::span<const std::uint8_t> bytes, std::uint8_t tag, std::uint32_t asked) {
  if (bytes.size() < kHeader) return broken(fmt::format("of {} bytes has no header", bytes.size()));
  if (bytes[0] != kMessageIn) return broken(fmt::format("has message id {}, not 2", bytes[0]));
  if (bytes[1] != tag || bytes[2] != static_cast<std::uint8_t>(~tag))
    return broken(fmt::format("carries tag {:02x} {:02x}, asked was {:02x}", bytes[1], bytes[2], tag));
  const auto byte = [&bytes](std::size_t k) { return std::uint32_t{bytes[4 + k]} << (8 * k); };
  const ReplyHeader reply{byte(0) | byte(1) | byte(2) | byte(3), (bytes[8] & kEndOfMessage) != 0};
  if (reply.bytes > asked) return broken(fmt::format("says it has {} bytes, asked were {}", reply.bytes, asked));
  return reply;
}

}  // namespace nicol::transport::usbtmc
