// SPDX-License-Identifier: Apache-2.0
// What a wire log tells of the traffic on a line that carries bases and bits.
#pragma once

#include <string>
#include <vector>

#include "drivers/transport/wire_log.hpp"

namespace nicol::test {

/// The lines of traffic that show more than a length.
inline std::vector<std::string> lines_with_content(const transport::WireLog& log) {
  std::vector<std::string> open;
  for (transport::WireLine& line : log.since(0, 100'000))
    if (line.direction != transport::Direction::note && !line.text.starts_with("private")) open.push_back(line.text);
  return open;
}

}  // namespace nicol::test
