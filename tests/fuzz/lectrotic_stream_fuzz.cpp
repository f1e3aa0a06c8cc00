// SPDX-License-Identifier: Apache-2.0
// Any bytes into the LectroTIC-4's stream decoder, its search and its text replies: nothing impossible comes out, and
// cutting the bytes elsewhere changes nothing.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "drivers/lectrotic/commands.hpp"
#include "drivers/lectrotic/records.hpp"

using namespace nicol::lectrotic;

namespace {

void check(const StreamItem& item) {
  if (item.channel >= kChannels || item.ticks < 0) std::abort();
  if ((item.kind == StreamItem::Kind::corrupt) != (item.why[0] != '\0')) std::abort();
}

std::size_t items_of(StreamDecoder& decoder, std::span<const std::uint8_t> bytes) {
  std::size_t n = 0;
  while (const auto item = decoder.next(bytes)) {
    check(*item);
    ++n;
  }
  return n;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> all(data, size);
  StreamDecoder whole, cut;
  const std::size_t at = size > 0 ? data[0] % size : 0;
  const std::size_t first = items_of(cut, all.first(at));
  if (items_of(whole, all) != first + items_of(cut, all.subspan(at))) std::abort();
  ClearedSearch search;
  std::span<const std::uint8_t> left = all;
  while (search.next(left)) continue;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_identity(text);
  (void)parse_error(text);
  return 0;
}
