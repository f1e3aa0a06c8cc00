// SPDX-License-Identifier: Apache-2.0
// Writers of the words of timestamp cards: 64 bits in four spellings, and 32 bits whose counter wraps.
#include <fmt/format.h>

#include "drivers/files/event_writer.hpp"
#include "drivers/files/fast_word.hpp"
#include "drivers/files/readevents.hpp"
#include "drivers/tags/two_ns_word.hpp"

namespace nicol::files {
namespace {

constexpr std::uint32_t kDummyBit = 0x10;
constexpr std::uint64_t kAsTheCardHasIt = 0x300;  // bits 9..8
/// Dummies that one gap may cost.
constexpr std::int64_t kMostFillers = 1'000'000;

Result<void> put_bytes(ByteOutput& out, std::span<const std::byte> bytes) {
  return out.put(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

ReadeventsForm form_of(FileFormat format) {
  switch (format) {
    case FileFormat::readevents_x:
      return ReadeventsForm::high_word_first;
    case FileFormat::readevents_hex:
      return ReadeventsForm::hex;
    case FileFormat::readevents_hex32:
      return ReadeventsForm::hex32;
    default:
      return ReadeventsForm::native;
  }
}

class ReadeventsWriter final : public EventWriter {
 public:
  ReadeventsWriter(ByteOutput out, ReadeventsForm form) : out_(std::move(out)), encoder_(form) {}

  Result<void> add(const FileEvent& event) override {
    constexpr std::int64_t kWrap = std::int64_t{1} << 54;
    if (event.kind == FileEvent::Kind::loss) {
      ++missing_.losses;
      return {};
    }
    const bool dummy = event.kind == FileEvent::Kind::dummy;
    const EventWord word{static_cast<std::uint64_t>(event.ticks) << 10 | kAsTheCardHasIt |
                         (dummy ? kDummyBit : event.pattern)};
    if (!last_)
      missing_.origin = kReadeventsTick.to_picoseconds(event.ticks / kWrap * kWrap);
    else if (readevents_step(*last_, word) != event.ticks - ticks_)
      return Error{Code::bad_input, "a gap of hours over a wrap: a reader would take it for another one", {}, 0, {}};
    last_ = word;
    ticks_ = event.ticks;
    return put_bytes(out_, encoder_.encode({&word, 1}));
  }
  Result<void> finish() override { return out_.commit(); }

 private:
  ByteOutput out_;
  ReadeventsEncoder encoder_;
  std::optional<EventWord> last_;
  std::int64_t ticks_ = 0;  // of last_
};

/// How a 32-bit word is made and how far one may be from the next.
struct ShortWord {
  TickLength tick;
  unsigned shift = 0;  // of the time
  std::int64_t wrap = 0, longest_step = 0;
  enum class Spelling { binary, hex } spelling = Spelling::binary;
};

class ShortWordWriter final : public EventWriter {
 public:
  ShortWordWriter(ByteOutput out, ShortWord word) : out_(std::move(out)), word_(word) {}

  Result<void> add(const FileEvent& event) override {
    if (event.kind == FileEvent::Kind::loss) {
      ++missing_.losses;
      return {};
    }
    const bool dummy = event.kind == FileEvent::Kind::dummy;
    if (!dummy && event.pattern == 0) {
      ++missing_.blank;
      return {};
    }
    if (auto ok = reach(event.ticks); !ok) return ok;
    return put(event.ticks, dummy ? kDummyBit : event.pattern);
  }
  Result<void> finish() override { return out_.commit(); }

 private:
  /// Dummies up to less than a step before this tick, as the tagger itself sends them. Before the first word a reader
  /// knows the time to be zero; a first one that is far away moves the origin instead.
  Result<void> reach(std::int64_t ticks) {
    if ((ticks - last_) / word_.longest_step > kMostFillers) {
      if (any_) return Error{Code::bad_input, "a gap so long that its dummies alone would fill megabytes", {}, 0, {}};
      last_ = ticks / word_.wrap * word_.wrap;
      missing_.origin = word_.tick.to_picoseconds(last_);
    }
    while (ticks - last_ > word_.longest_step)
      if (auto ok = put(last_ + word_.longest_step, kDummyBit); !ok) return ok;
    return {};
  }

  Result<void> put(std::int64_t ticks, std::uint32_t low) {
    any_ = true;
    last_ = ticks;
    const auto time = static_cast<std::uint32_t>(ticks & (word_.wrap - 1));
    const std::uint32_t raw = time << word_.shift | low;
    if (word_.spelling == ShortWord::Spelling::hex) return out_.put(fmt::format("{:08x}\n", raw));
    return out_.put_le(raw);
  }

  ByteOutput out_;
  ShortWord word_;
  std::int64_t last_ = 0;
  bool any_ = false;
};

}  // namespace

OpenedWriter write_readevents(ByteOutput out, FileFormat format) {
  return {std::make_unique<ReadeventsWriter>(std::move(out), form_of(format)), {kReadeventsTick, 4}};
}

OpenedWriter write_short_words(ByteOutput out, FileFormat format) {
  // As often as a TDC1 sends dummies.
  ShortWord word{tags::kTwoNsTick, 5, tags::kTwoNsWrap, 70'000'000, ShortWord::Spelling::binary};
  // One in each half of the counter.
  if (format != FileFormat::tdc1)
    word = {kReadeventsTick, 6, FastWord::kWrap, FastWord::kWrap / 2 - 1, ShortWord::Spelling::binary};
  if (format == FileFormat::readevents_fast_hex) word.spelling = ShortWord::Spelling::hex;
  WriterTraits traits{word.tick, 4};
  traits.order = WriterTraits::Order::forward;
  return {std::make_unique<ShortWordWriter>(std::move(out), word), traits};
}

}  // namespace nicol::files
