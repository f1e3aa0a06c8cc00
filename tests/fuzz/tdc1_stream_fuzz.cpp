// SPDX-License-Identifier: Apache-2.0
// Any bytes into the TDC1's stream decoder and text replies: time never goes back, and nothing is read past its end.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "drivers/tdc1/commands.hpp"
#include "drivers/tdc1/stream_decoder.hpp"

using namespace nicol::tdc1;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  StreamDecoder decoder;
  if (size > 0 && (data[0] & 1) != 0) decoder.expect_status();
  std::span<const std::uint8_t> left(data, size);
  std::int64_t last = 0;
  while (const auto item = decoder.next(left)) {
    if (item->ticks < last) std::abort();
    last = item->ticks;
    if (item->kind == StreamItem::Kind::hits && (item->inputs == 0 || item->inputs > 15)) std::abort();
  }
  StatusSearch search;
  left = {data, size};
  while (search.next(left)) continue;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_status(text);
  (void)parse_singles(text);
  (void)parse_time(text);
  (void)parse_volts(text);
  (void)parse_mode(text);
  (void)parse_level_setting(text);
  return 0;
}
