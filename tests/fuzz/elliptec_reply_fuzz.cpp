// SPDX-License-Identifier: Apache-2.0
// Any bytes as what Elliptec mounts say: read whole and in pieces alike, and never a reply of a wrong form.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "drivers/elliptec/status.hpp"
#include "drivers/elliptec/wire.hpp"

namespace {

using namespace nicol::elliptec;

void require(bool fact) {
  if (!fact) std::abort();
}

std::vector<Reply> read(std::span<const std::uint8_t> bytes, std::size_t piece) {
  ReplyReader reader;
  std::vector<Reply> replies;
  while (!bytes.empty()) {
    const auto now = bytes.first(std::min(piece, bytes.size()));
    reader.feed(now, [&](const Reply& reply) { replies.push_back(reply); });
    bytes = bytes.subspan(now.size());
  }
  return replies;
}

void judge(const Reply& reply) {
  require(is_address(reply.address));
  require(parse_reply(std::string(1, reply.address) + reply.kind + reply.data) == reply);
  if (reply.kind == "PO" || reply.kind == "HO" || reply.kind == "GJ") require(parse_counts(reply.data).has_value());
  require(status_code(reply).has_value() == (reply.kind == "GS"));
  if (const auto identity = parse_identity(reply)) require(identity->pulses_per_turn > 0);
  (void)parse_motor(reply).ok();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::span bytes(data + 1, size - 1);
  const auto whole = read(bytes, size);
  require(read(bytes, 1 + data[0] % 40) == whole);
  for (const Reply& reply : whole) judge(reply);
  return 0;
}
