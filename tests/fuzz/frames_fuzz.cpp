// SPDX-License-Identifier: Apache-2.0
// Any byte stream, in any pieces: the reader gives whole frames or one error, and keeps no more than one frame.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "controller/session/frames.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nicol::session;
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0];
  std::span<const std::uint8_t> rest(data + 1, size - 1);
  FrameReader reader(4096);
  while (!rest.empty()) {
    const auto part = rest.first(piece < rest.size() ? piece : rest.size());
    rest = rest.subspan(part.size());
    const bool good = reader.feed(part).ok();
    while (const auto frame = reader.next()) {
      const auto header = parse_header(*frame);
      if (!header || header->length != frame->size() - kHeaderBytes || header->length > 4096) std::abort();
    }
    if (!good) return 0;
  }
  return 0;
}
