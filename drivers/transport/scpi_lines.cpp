// SPDX-License-Identifier: Apache-2.0
#include "drivers/transport/scpi_lines.hpp"

namespace nicol::transport {

void LineSplitter::feed(std::span<const std::uint8_t> bytes) { pending_.append(bytes.begin(), bytes.end()); }

std::optional<std::string> LineSplitter::next() {
  const std::size_t end = pending_.find(terminator_, searched_);
  if (end == std::string::npos || terminator_.empty()) {
    if (pending_.size() > kLongest) {
      dropped_ += pending_.size();
      clear();
    }
    searched_ = pending_.size() < terminator_.size() ? 0 : pending_.size() - terminator_.size() + 1;
    return std::nullopt;
  }
  std::string line = pending_.substr(0, end);
  pending_.erase(0, end + terminator_.size());
  searched_ = 0;
  if (terminator_ == "\n" && !line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

void LineSplitter::clear() {
  pending_.clear();
  searched_ = 0;
}

}  // namespace nicol::transport
