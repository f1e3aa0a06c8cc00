// SPDX-License-Identifier: Apache-2.0
// Whatever an instrument answers: a value that makes sense, or an error.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "drivers/scpi-laser/pulser_table.hpp"
#include "drivers/scpi/replies.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nicol;
  const std::string_view reply(reinterpret_cast<const char*>(data), size);
  if (const auto number = scpi::parse_number(reply); number && !(std::abs(*number) < 9.9e37)) std::abort();
  if (const auto who = scpi::parse_identity(reply); who && (who->model.empty() || who->serial.empty())) std::abort();
  (void)scpi::parse_flag(reply).ok();
  if (const auto entry = scpi::parse_queued_error(reply); entry && scpi::refusal(*entry, "X").message.empty())
    std::abort();
  for (const auto& property : scpi_laser::properties_of(*scpi_laser::pulser_table("9530"), 1))
    (void)property.parse(reply).ok();
  return 0;
}
