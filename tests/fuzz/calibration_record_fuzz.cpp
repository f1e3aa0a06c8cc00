// SPDX-License-Identifier: Apache-2.0
// Any bytes as a calibration record's file: refused in words, or read and written again the same.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "controller/service/calibration_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace service = nicol::service;
  const auto read = service::record_from_json({reinterpret_cast<const char*>(data), size});
  if (!read) {
    if (read.error().message.empty()) std::abort();
    return 0;
  }
  nlohmann::json once = to_json(read->record);
  once["id"] = read->record.id;
  once["seal"] = read->seal;
  const auto again = service::record_from_json(once.dump());
  if (!again || to_json(again->record) != to_json(read->record)) std::abort();
  return 0;
}
