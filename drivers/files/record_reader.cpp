// SPDX-License-Identifier: Apache-2.0
// The formats that are records of one size, one behind the other: 32-bit words whose short counter wraps, and 64-bit
// times with a channel.
#include <fmt/format.h>

#include "drivers/files/event_reader.hpp"
#include "drivers/files/fast_word.hpp"
#include "drivers/tags/two_ns_word.hpp"
#include "firmware-protocol/little_endian.hpp"

namespace nicol::files {
namespace {

/// `refused` is empty for a record that makes sense.
struct Decoded {
  FileEvent event;
  std::string_view refused = {};
  bool empty = false;  // a record that says nothing
};

struct FastRecords {
  static constexpr std::size_t kSize = 4, kHeader = 0, kChannels = 4;
  static constexpr TickLength kTick = kReadeventsTick;
  FastClock clock;
  Decoded decode(const std::uint8_t* at) {
    const FastWord word{fw::get_le<std::uint32_t>(at)};
    if (word.raw == 0) return {.event = {}, .empty = true};
    return {.event = clock.event(word)};
  }
};

struct Tdc1Records {
  static constexpr std::size_t kSize = 4, kHeader = 0, kChannels = 4;
  static constexpr TickLength kTick = tags::kTwoNsTick;
  std::int64_t high = 0;
  std::int64_t last = -1;
  Decoded decode(const std::uint8_t* at) {
    const tags::TwoNsWord word{fw::get_le<std::uint32_t>(at)};
    if (word.senseless()) return {.event = {}, .refused = "a word names neither an input nor a dummy"};
    const bool forward = last < 0 || tags::two_ns_step(last, word.time()) <= tags::kTwoNsLongestStep;
    if (forward && word.time() < last) high += tags::kTwoNsWrap;
    // The other way round: a word from before a wrap that was counted already.
    if (!forward && word.time() > last) high -= tags::kTwoNsWrap;
    last = word.time();
    return {.event = {high + last, word.dummy() ? 0u : word.inputs(),
                      word.dummy() ? FileEvent::Kind::dummy : FileEvent::Kind::event}};
  }
};

struct XqpRecords {
  static constexpr std::size_t kSize = 8, kHeader = 0, kChannels = 16;
  static constexpr TickLength kTick{1, 1};
  Decoded decode(const std::uint8_t* at) {
    const auto word = fw::get_le<std::uint64_t>(at);
    return {.event = {static_cast<std::int64_t>(word >> 4), std::uint32_t{1} << (word & 15)}};
  }
};

/// Channels 100..104 and 200..203 are markers: edges of slow inputs and a millisecond tick.
struct QutagRecords {
  static constexpr std::size_t kSize = 10, kHeader = 40, kChannels = 32;
  static constexpr TickLength kTick{1, 1};
  Decoded decode(const std::uint8_t* at) {
    const auto ticks = static_cast<std::int64_t>(fw::get_le<std::uint64_t>(at));
    const auto channel = fw::get_le<std::uint16_t>(at + 8);
    if (channel < kChannels) return {.event = {ticks, std::uint32_t{1} << channel}};
    const bool marker = (channel >= 100 && channel <= 104) || (channel >= 200 && channel <= 203);
    if (!marker) return {.event = {}, .refused = "a channel that is neither an input (0..31) nor a marker"};
    return {.event = {ticks, 0, FileEvent::Kind::dummy}};
  }
};

template <class Records>
class RecordReader final : public EventReader {
 public:
  explicit RecordReader(ByteInput input) : input_(std::move(input)), batch_(Records::kTick) {}

  Result<void> skip_header() {
    if (Records::kHeader == 0) return {};
    const auto bytes = input_.peek(Records::kHeader);
    if (!bytes) return bytes.error();
    if (bytes->size() < Records::kHeader)
      return input_.refuse(fmt::format("the file ends inside the header of {} bytes", Records::kHeader), bytes->size());
    input_.take(Records::kHeader);
    return {};
  }

  Result<std::span<const FileEvent>> next() override {
    batch_.clear();
    while (batch_.events().empty()) {
      const auto bytes = input_.peek(Records::kSize);
      if (!bytes) return bytes.error();
      if (bytes->empty()) break;
      if (bytes->size() < Records::kSize)
        return input_.refuse(
            fmt::format("the file ends after {} of the {} bytes of an entry", bytes->size(), Records::kSize));
      if (auto ok = decode(*bytes); !ok) return std::move(ok).error();
    }
    return batch_.events();
  }

 private:
  Result<void> decode(std::span<const std::uint8_t> bytes) {
    std::size_t at = 0;
    for (; at + Records::kSize <= bytes.size() && !batch_.full(); at += Records::kSize) {
      const Decoded d = records_.decode(bytes.data() + at);
      if (!d.refused.empty()) return input_.refuse(d.refused, at);
      if (d.empty) continue;
      if (!batch_.holds(d.event.ticks)) return input_.refuse(kTooFar, at);
      batch_.add(d.event);
    }
    input_.take(at);
    return {};
  }

  ByteInput input_;
  Records records_;
  EventBatch batch_;
};

template <class Records>
Result<OpenedFile> open_as(ByteInput input) {
  auto reader = std::make_unique<RecordReader<Records>>(std::move(input));
  if (auto ok = reader->skip_header(); !ok) return std::move(ok).error();
  return OpenedFile{.reader = std::move(reader), .tick = Records::kTick, .roles = detectors(Records::kChannels)};
}

}  // namespace

Result<OpenedFile> open_records(ByteInput input, FileFormat format) {
  switch (format) {
    case FileFormat::readevents_fast:
      return open_as<FastRecords>(std::move(input));
    case FileFormat::tdc1:
      return open_as<Tdc1Records>(std::move(input));
    case FileFormat::qutag:
      return open_as<QutagRecords>(std::move(input));
    default:
      return open_as<XqpRecords>(std::move(input));
  }
}

}  // namespace nicol::files
