// SPDX-License-Identifier: Apache-2.0
// Any bytes as tag words: the decoder must accept or refuse them, whole and in pieces alike, and give back what it
// took.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "drivers/files/readevents.hpp"

namespace {

using namespace nicol::files;

void require(bool fact) {
  if (!fact) std::abort();
}

std::optional<std::vector<EventWord>> decode(ReadeventsForm form, std::span<const std::byte> bytes, std::size_t piece) {
  ReadeventsDecoder decoder(form);
  std::vector<EventWord> all;
  while (!bytes.empty()) {
    const auto now = bytes.first(std::min(piece, bytes.size()));
    const auto events = decoder.decode(now);
    if (!events) return std::nullopt;
    all.insert(all.end(), events->begin(), events->end());
    bytes = bytes.subspan(now.size());
  }
  const auto last = decoder.finish();
  if (!last) return std::nullopt;
  all.insert(all.end(), last->begin(), last->end());
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto form = static_cast<ReadeventsForm>(data[0] % 4);
  const std::size_t piece = 1 + data[1] % 32;
  const auto bytes = std::as_bytes(std::span(data + 2, size - 2));

  const auto whole = decode(form, bytes, size);
  require(decode(form, bytes, piece) == whole);
  if (!whole) return 0;

  ReadeventsEncoder encoder(form);
  require(decode(form, encoder.encode(*whole), size) == whole);
  return 0;
}
