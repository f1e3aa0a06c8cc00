// SPDX-License-Identifier: Apache-2.0
// Any text as what an SPDC driver answers: a value is a value of its range, and goes there and back.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "drivers/s15-spdc/wire.hpp"

namespace {

void require(bool fact) {
  if (!fact) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nicol::s15_spdc;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto value = parse_number(text)) {
    require(std::isfinite(*value));
    if (std::abs(*value) < 1e9) {
      const std::string said = set_text("X", *value);
      const auto back = parse_number(std::string_view(said).substr(2));
      require(back.ok() && std::abs(*back - *value) <= 6e-4);
    }
  } else {
    require(value.error().message.size() < 200);
  }
  if (const auto count = parse_count(text, 3)) require(*count <= 3);
  (void)is_spdc_driver(text);
  return 0;
}
