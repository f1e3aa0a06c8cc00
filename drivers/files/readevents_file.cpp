// SPDX-License-Identifier: Apache-2.0
// File input and output around the readevents codec.
#include "drivers/files/readevents_file.hpp"

#include <fmt/core.h>

#include <utility>

#include "drivers/files/byte_output.hpp"
#include "drivers/files/event_reader.hpp"

namespace nicol::files {
namespace {

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

/// The words of any spelling as events, their 54-bit time unrolled.
class WordReader final : public EventReader {
 public:
  WordReader(ReadeventsReader words, ReadeventsForm form)
      : words_(std::move(words)), form_(form), batch_(kReadeventsTick) {}

  Result<std::span<const FileEvent>> next() override {
    batch_.clear();
    while (batch_.events().empty()) {
      const auto words = words_.next();
      if (!words) return words.error();
      if (words->empty()) break;
      for (const EventWord word : *words) {
        ++number_;
        if (form_ == ReadeventsForm::hex32 && word.raw == 0) continue;  // what the card's FIFO gives when it is empty
        const std::int64_t ticks = unrolled(word);
        if (!batch_.holds(ticks)) return too_far();
        batch_.add({ticks, word.dummy() ? 0u : word.pattern(),
                    word.dummy() ? FileEvent::Kind::dummy : FileEvent::Kind::event});
      }
    }
    return batch_.events();
  }

 private:
  std::int64_t unrolled(EventWord word) noexcept {
    at_ = last_ ? at_ + readevents_step(*last_, word) : word.ticks();
    last_ = word;
    return at_;
  }

  Error too_far() const {
    const std::uint64_t before = number_ - 1;
    const std::string place = form_ == ReadeventsForm::hex     ? fmt::format("line {}", before + 1)
                              : form_ == ReadeventsForm::hex32 ? fmt::format("line {}", 2 * before + 1)
                                                               : fmt::format("byte {}", 8 * before);
    return {Code::bad_input,
            fmt::format("{}: {}: {}: are the halves of the words in this order?", words_.name(), place, kTooFar),
            {},
            0,
            {}};
  }

  ReadeventsReader words_;
  ReadeventsForm form_;
  EventBatch batch_;
  std::optional<EventWord> last_;
  std::int64_t at_ = 0;
  std::uint64_t number_ = 0;
};

Result<std::uint64_t> copy_words(ReadeventsReader& reader, ByteOutput& out, ReadeventsForm form) {
  ReadeventsEncoder encoder(form);
  std::uint64_t words = 0;
  for (;;) {
    const auto events = reader.next();
    if (!events) return events.error();
    if (events->empty()) break;
    words += events->size();
    const auto bytes = encoder.encode(*events);
    if (auto ok = out.put(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size())); !ok)
      return std::move(ok).error();
  }
  return words;
}

}  // namespace

ReadeventsReader::ReadeventsReader(ByteInput input, ReadeventsForm form) : input_(std::move(input)), decoder_(form) {
  decoder_.reserve(ByteInput::kWindow);
}

Result<ReadeventsReader> ReadeventsReader::open(const std::filesystem::path& path, ReadeventsForm form) {
  Result<ByteInput> input = ByteInput::open(path);
  if (!input) return std::move(input).error();
  return ReadeventsReader(*std::move(input), form);
}

Result<std::span<const EventWord>> ReadeventsReader::located(Result<std::span<const EventWord>> result) const {
  if (result) return result;
  Error error = std::move(result).error();
  error.message = fmt::format("{}: {}", input_.name(), error.message);
  return error;
}

Result<std::span<const EventWord>> ReadeventsReader::next() {
  while (!ended_) {
    const auto bytes = input_.peek(1);
    if (!bytes) return bytes.error();
    ended_ = bytes->empty();
    auto events = located(ended_ ? decoder_.finish() : decoder_.decode(std::as_bytes(*bytes)));
    input_.take(bytes->size());
    if (!events || !events->empty()) return events;
  }
  return std::span<const EventWord>{};
}

Result<OpenedFile> open_readevents(ByteInput input, FileFormat format) {
  const ReadeventsForm form = form_of(format);
  return OpenedFile{.reader = std::make_unique<WordReader>(ReadeventsReader(std::move(input), form), form),
                    .tick = kReadeventsTick,
                    .roles = detectors(4)};
}

Result<std::uint64_t> convert_readevents(const std::filesystem::path& from, ReadeventsForm from_form,
                                         const std::filesystem::path& to, ReadeventsForm to_form) {
  Result<ReadeventsReader> reader = ReadeventsReader::open(from, from_form);
  if (!reader) return std::move(reader).error();
  Result<ByteOutput> out = ByteOutput::create(to);
  if (!out) return std::move(out).error();
  Result<std::uint64_t> words = copy_words(*reader, *out, to_form);
  if (!words) return words;
  if (auto done = out->commit(); !done) return std::move(done).error();
  return words;
}

}  // namespace nicol::files
