// SPDX-License-Identifier: Apache-2.0
// Text, one entry a line: csv, and the fast words in hexadecimal.
#include <fmt/format.h>

#include <charconv>

#include "drivers/files/event_reader.hpp"
#include "drivers/files/fast_word.hpp"

namespace nicol::files {
namespace {

constexpr std::uint32_t kCsvChannels = 32;
constexpr std::string_view kCsvHeader = "channel,time_ps";

/// The whole of the text, or nothing.
template <class Number>
std::optional<Number> number(std::string_view text, int base) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct CsvLines {
  static constexpr TickLength kTick{1, 1};
  static constexpr std::size_t kChannels = kCsvChannels;
  Result<std::optional<FileEvent>> decode(std::string_view line, const LineInput& input) {
    if (input.number() == 1 && line == kCsvHeader) return std::optional<FileEvent>{};
    const std::size_t comma = line.find(',');
    if (comma == line.npos) return input.refuse("expected channel,time_ps");
    const auto channel = number<std::uint32_t>(line.substr(0, comma), 10);
    if (!channel || *channel >= kCsvChannels)
      return input.refuse(fmt::format("channel \"{}\": expected 0..{}", line.substr(0, comma), kCsvChannels - 1));
    const auto ticks = number<std::int64_t>(line.substr(comma + 1), 10);
    if (!ticks) return input.refuse(fmt::format("time \"{}\": expected whole picoseconds", line.substr(comma + 1)));
    return std::optional(FileEvent{*ticks, std::uint32_t{1} << *channel});
  }
};

struct FastHexLines {
  static constexpr TickLength kTick = kReadeventsTick;
  static constexpr std::size_t kChannels = 4;
  FastClock clock;
  Result<std::optional<FileEvent>> decode(std::string_view line, const LineInput& input) {
    const auto raw = number<std::uint32_t>(line, 16);
    if (line.size() != 8 || !raw) return input.refuse(fmt::format("\"{}\": expected 8 hexadecimal digits", line));
    if (*raw == 0) return std::optional<FileEvent>{};
    return std::optional(clock.event({*raw}));
  }
};

template <class Lines>
class TextReader final : public EventReader {
 public:
  explicit TextReader(ByteInput input) : input_(std::move(input)), batch_(Lines::kTick) {}

  Result<std::span<const FileEvent>> next() override {
    batch_.clear();
    while (!batch_.full()) {
      const auto line = input_.next();
      if (!line) return line.error();
      if (!*line) break;
      const auto event = lines_.decode(**line, input_);
      if (!event) return event.error();
      if (!*event) continue;
      if (!batch_.holds((*event)->ticks)) return input_.refuse(kTooFar);
      batch_.add(**event);
    }
    return batch_.events();
  }

 private:
  LineInput input_;
  Lines lines_;
  EventBatch batch_;
};

template <class Lines>
OpenedFile opened(ByteInput input) {
  return {.reader = std::make_unique<TextReader<Lines>>(std::move(input)),
          .tick = Lines::kTick,
          .roles = detectors(Lines::kChannels)};
}

}  // namespace

Result<OpenedFile> open_csv(ByteInput input) { return opened<CsvLines>(std::move(input)); }
Result<OpenedFile> open_fast_hex(ByteInput input) { return opened<FastHexLines>(std::move(input)); }

}  // namespace nicol::files
