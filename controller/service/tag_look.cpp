// SPDX-License-Identifier: Apache-2.0
#include "controller/service/tag_look.hpp"

#include <fmt/format.h>

namespace nicol::service {

Error too_bright(const RateGuard::OverRate& over) {
  return {Code::over_rate,
          fmt::format("bright light: the detector on channel {} was over its limit of {:.3g}/s for 100 ms ({:.3g}/s "
                      "came through{}): the shutter is closed and the detectors are off",
                      over.channel, over.limit, over.hertz, over.withheld ? ", the rest was lost" : ""),
          "tagger",
          0,
          {}};
}

Result<void> stands(hal::StreamStatus status) {
  const auto gone = [](Code code, const char* what) { return Error{code, what, "tagger", 0, {}}; };
  switch (status) {
    case hal::StreamStatus::stopped:
      return gone(Code::disconnected, "the tagger stopped by itself");
    case hal::StreamStatus::disconnected:
      return gone(Code::disconnected, "the tagger lost its light or its cable");
    case hal::StreamStatus::corrupt:
      return gone(Code::checksum, "the tagger sends garbage");
    default:
      return {};
  }
}

}  // namespace nicol::service
