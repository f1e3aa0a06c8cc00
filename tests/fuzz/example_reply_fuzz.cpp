// SPDX-License-Identifier: Apache-2.0
// Any bytes as a reply of the Example Shutter: what is taken for a state or an identity is one.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "drivers/example/wire.hpp"

using namespace nicol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view reply(reinterpret_cast<const char*>(data), size);
  if (const auto status = example::parse_status(reply)) {
    if (status->fault < 0 || (status->fault > 0) != (status->state == hal::ShutterState::unknown)) std::abort();
  }
  if (const auto identity = example::parse_identity(reply)) {
    if (identity->serial.empty() || identity->firmware.empty()) std::abort();
  }
  return 0;
}
