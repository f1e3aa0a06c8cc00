// SPDX-License-Identifier: Apache-2.0
// Any bytes as what a Newport controller says: read whole and in pieces alike, and never a reply of a wrong form.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "drivers/newport/wire.hpp"

namespace {

using namespace nicol::newport;

void require(bool fact) {
  if (!fact) std::abort();
}

std::vector<Reply> read(std::span<const std::uint8_t> bytes, std::size_t piece) {
  LineReader reader;
  std::vector<Reply> replies;
  while (!bytes.empty()) {
    const auto now = bytes.first(std::min(piece, bytes.size()));
    reader.feed(now, [&](const Reply& reply) { replies.push_back(reply); });
    bytes = bytes.subspan(now.size());
  }
  return replies;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::span bytes(data + 1, size - 1);
  const auto whole = read(bytes, size);
  require(read(bytes, 1 + data[0] % 40) == whole);
  for (const Reply& reply : whole) {
    require(reply.axis >= 1 && reply.axis <= 31 && reply.command.size() == 2);
    if (const auto state = parse_state(reply)) require(phase_of(state->code) == state->phase);
    if (const auto code = parse_error_code(reply)) require(command_result(*code, "").ok() == (*code == '@'));
    (void)parse_number(reply.value).has_value();
  }
  return 0;
}
