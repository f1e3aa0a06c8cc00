// SPDX-License-Identifier: Apache-2.0
// Any bytes from a serial instrument: the same lines however the bytes are cut into reads, and never a terminator in
// one.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "drivers/transport/scpi_lines.hpp"

namespace {

void require(bool fact) {
  if (!fact) std::abort();
}

std::vector<std::string> lines(std::span<const std::uint8_t> bytes, const std::string& terminator, std::size_t piece) {
  nicol::transport::LineSplitter splitter(terminator);
  std::vector<std::string> all;
  while (!bytes.empty()) {
    const auto now = bytes.first(std::min(piece, bytes.size()));
    splitter.feed(now);
    while (auto line = splitter.next()) all.push_back(*std::move(line));
    bytes = bytes.subspan(now.size());
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > nicol::transport::LineSplitter::kLongest) return 0;
  const std::string terminator = data[0] % 2 == 0 ? "\r\n" : "\n";
  const std::size_t piece = 1 + data[1] % 32;
  const std::span bytes(data + 2, size - 2);

  const auto whole = lines(bytes, terminator, bytes.size() + 1);
  require(lines(bytes, terminator, piece) == whole);
  for (const auto& line : whole) require(line.find(terminator) == std::string::npos);
  return 0;
}
