// SPDX-License-Identifier: Apache-2.0
#include "drivers/transport/wire_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace nicol::transport {
namespace {

constexpr std::size_t kShown = 64;

bool reads_as_text(std::span<const std::uint8_t> bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](std::uint8_t b) { return (b >= 0x20 && b < 0x7f) || b == '\r' || b == '\n'; });
}

std::string as_text(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t b : bytes) {
    if (b == '\r')
      text += "\\r";
    else if (b == '\n')
      text += "\\n";
    else
      text += static_cast<char>(b);
  }
  return text;
}

std::string rendered(std::span<const std::uint8_t> bytes) {
  const auto shown = bytes.first(std::min(bytes.size(), kShown));
  std::string text = reads_as_text(shown) ? as_text(shown) : fmt::format("{:02x}", fmt::join(shown, " "));
  if (shown.size() < bytes.size()) text += fmt::format(" … ({} bytes)", bytes.size());
  return text;
}

}  // namespace

void WireLog::bytes(std::string_view bus, Direction direction, std::span<const std::uint8_t> bytes) noexcept try {
  add(bus, direction, rendered(bytes));
} catch (...) {  // no memory for a line of log: the line is lost, nothing else
}

void WireLog::size(std::string_view bus, Direction direction, std::string_view what, std::size_t bytes) noexcept try {
  add(bus, direction, fmt::format("{} ({} bytes)", what, bytes));
} catch (...) {
}

void WireLog::note(std::string_view bus, std::string_view text) noexcept try {
  add(bus, Direction::note, std::string(text));
} catch (...) {
}

std::vector<WireLine> WireLog::since(std::uint64_t sequence, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  const auto first =
      std::find_if(lines_.begin(), lines_.end(), [&](const WireLine& l) { return l.sequence > sequence; });
  const auto count = std::min<std::size_t>(limit, static_cast<std::size_t>(lines_.end() - first));
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

void WireLog::add(std::string_view bus, Direction direction, std::string text) noexcept try {
  const std::lock_guard lock(mutex_);
  if (capacity_ == 0) return;
  if (lines_.size() == capacity_) lines_.pop_front();
  lines_.push_back({next_, std::chrono::steady_clock::now(), std::string(bus), direction, std::move(text)});
  ++next_;
} catch (...) {
}

}  // namespace nicol::transport
