// SPDX-License-Identifier: Apache-2.0
// Any bytes as the reply of a USBTMC instrument: what is accepted is a header of the request's own tag that says no
// more than was asked for.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "drivers/transport/usbtmc_message.hpp"

namespace {

void require(bool fact) {
  if (!fact) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace usbtmc = nicol::transport::usbtmc;
  if (size < 3) return 0;
  const std::uint8_t tag = data[0];
  const std::uint32_t asked = data[1] | std::uint32_t{data[2]} << 8;
  const std::span reply(data + 3, size - 3);

  const auto header = usbtmc::parse_reply(reply, tag, asked);
  if (!header) {
    require(header.error().code == nicol::Code::protocol);
    return 0;
  }
  require(reply.size() >= usbtmc::kHeader);
  require(reply[0] == 2 && reply[1] == tag && (reply[1] ^ reply[2]) == 0xff);
  require(header->bytes <= asked);
  // A request we would send ourselves differs from it in nothing that identifies it.
  const auto request = usbtmc::request_in(tag, header->bytes);
  for (std::size_t i = 0; i < 8; ++i) require(i == 3 || request[i] == reply[i]);
  return 0;
}
