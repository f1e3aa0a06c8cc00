// SPDX-License-Identifier: Apache-2.0
// Epoch files of types 1 and 2 as events, one file or a folder of them.
#include <fmt/format.h>

#include <algorithm>

#include "drivers/files/epoch.hpp"
#include "drivers/files/event_reader.hpp"
#include "firmware-protocol/little_endian.hpp"

namespace nicol::files {
namespace {

constexpr std::size_t kChannels = 8, kRawEvent = 8;
constexpr std::uint32_t kWholePattern = 4;  // bits of pattern from which on it names detectors, not a basis

EpochFileType type_of(FileFormat format) {
  return format == FileFormat::epoch_raw ? EpochFileType::raw : EpochFileType::clicks;
}

std::string_view what_it_is(EpochFileType type) {
  switch (type) {
    case EpochFileType::raw:
      return "raw events (type 1): its format is epoch-raw";
    case EpochFileType::clicks:
      return "packed clicks (type 2): its format is epoch";
    case EpochFileType::sift:
      return "a sift store (type 3): it holds no times";
    case EpochFileType::reply:
      return "an index reply (type 4): it holds no times";
    case EpochFileType::key:
      return "a final key (type 7): it holds no times";
  }
  return "";
}

Result<EpochHeader> header_of(ByteInput& input, FileFormat format) {
  auto header = read_epoch_header(input);
  if (header && header->type != type_of(format)) return input.refuse(what_it_is(header->type));
  return header;
}

/// One file, its ticks counted from the beginning of its own epoch.
class OneEpoch {
 public:
  OneEpoch(ByteInput input, const EpochHeader& header) : input_(std::move(input)), header_(header), bits_(input_) {}
  OneEpoch(const OneEpoch&) = delete;
  OneEpoch& operator=(const OneEpoch&) = delete;

  const EpochHeader& header() const noexcept { return header_; }

  /// Into the batch until it is full or the file ends; then ended().
  Result<void> fill(EventBatch& batch, std::int64_t origin) {
    while (!batch.full() && !ended_) {
      auto event = header_.type == EpochFileType::raw ? raw_event() : packed_event();
      if (!event) return event.error();
      if (!*event) return end();
      if (++entries_ > header_.length)
        return input_.refuse(fmt::format("more entries than the {} of the header", header_.length));
      (*event)->ticks += origin;
      if (!batch.holds((*event)->ticks)) return input_.refuse(kTooFar);
      batch.add(**event);
    }
    return {};
  }
  bool ended() const noexcept { return ended_; }

 private:
  Result<std::optional<FileEvent>> raw_event() {
    const auto bytes = input_.peek(kRawEvent);
    if (!bytes) return bytes.error();
    if (bytes->size() < kRawEvent)
      return input_.refuse("the file ends before the event of zeros that is its last", bytes->size());
    const std::uint64_t word =
        std::uint64_t{fw::get_le<std::uint32_t>(bytes->data())} << 32 | fw::get_le<std::uint32_t>(bytes->data() + 4);
    if (word != 0 && ((word >> 47 ^ header_.epoch) & kTimeEpochMask) != 0)
      return input_.refuse(fmt::format("an event of epoch {:05x} in a file of epoch {:05x}", word >> 47,
                                       header_.epoch & kTimeEpochMask));
    input_.take(kRawEvent);
    if (word == 0) return std::optional<FileEvent>{};
    const bool dummy = (word & 0x10) != 0;
    return std::optional(FileEvent{static_cast<std::int64_t>(word >> 15 & 0xffff'ffff),
                                   dummy ? 0u : static_cast<std::uint32_t>(word & 0xf),
                                   dummy ? FileEvent::Kind::dummy : FileEvent::Kind::event});
  }

  Result<std::optional<FileEvent>> packed_event() {
    const auto entry = get_entry(bits_, header_);
    if (!entry) return entry.error();
    if (entry->end && entry->pattern != 0) return input_.refuse("an end mark with a pattern");
    if (entry->end) return std::optional<FileEvent>{};
    time_ += entry->difference;
    if (time_ >= kEpochTicks) return input_.refuse("a time beyond the end of the epoch");
    const bool whole = header_.base_bits >= kWholePattern;
    return std::optional(
        FileEvent{time_, whole ? entry->pattern : std::uint32_t{1} << entry->pattern, FileEvent::Kind::event});
  }

  Result<void> end() {
    ended_ = true;
    if (entries_ != header_.length)
      return input_.refuse(fmt::format("the entries end after {} of the {} of the header", entries_, header_.length));
    const auto more = input_.peek(1);
    if (!more) return more.error();
    return more->empty() ? Result<void>{} : input_.refuse("more follows after the end mark");
  }

  ByteInput input_;
  EpochHeader header_;
  PackedInput bits_;
  std::int64_t time_ = 0;
  std::uint32_t entries_ = 0;
  bool ended_ = false;
};

Result<std::unique_ptr<OneEpoch>> open_one(const std::filesystem::path& path, FileFormat format) {
  auto input = ByteInput::open(path);
  if (!input) return std::move(input).error();
  auto header = header_of(*input, format);
  if (!header) return std::move(header).error();
  return std::make_unique<OneEpoch>(*std::move(input), *header);
}

class EpochReader final : public EventReader {
 public:
  /// `first` is open already; of the others the folder and the numbers are known, in order.
  EpochReader(std::unique_ptr<OneEpoch> first, std::filesystem::path folder, std::vector<std::uint32_t> later,
              FileFormat format)
      : now_(std::move(first)),
        origin_(now_->header().epoch),
        folder_(std::move(folder)),
        later_(std::move(later)),
        format_(format),
        batch_(kEpochTick) {}

  Result<std::span<const FileEvent>> next() override {
    batch_.clear();
    while (batch_.events().empty() && !ended_) {
      if (auto ok = now_->fill(batch_, ticks_of(now_->header().epoch)); !ok) return std::move(ok).error();
      if (!now_->ended()) continue;
      if (auto ok = open_next(); !ok) return std::move(ok).error();
    }
    return batch_.events();
  }

 private:
  std::int64_t ticks_of(std::uint32_t epoch) const noexcept { return (std::int64_t{epoch} - origin_) * kEpochTicks; }

  Result<void> open_next() {
    if (opened_ == later_.size()) {
      ended_ = true;
      return {};
    }
    const std::uint32_t epoch = later_[opened_++], before = now_->header().epoch;
    const auto path = folder_ / epoch_file_name(epoch);
    auto file = open_one(path, format_);
    if (!file) return std::move(file).error();
    if ((*file)->header().epoch != epoch)
      return Error{Code::bad_input,
                   fmt::format("{}: byte 4: says that it is epoch {:08x}", path.string(), (*file)->header().epoch),
                   {},
                   0,
                   {}};
    now_ = *std::move(file);
    if (epoch > before + 1) batch_.add({ticks_of(before + 1), 0, FileEvent::Kind::loss});
    return {};
  }

  std::unique_ptr<OneEpoch> now_;
  std::int64_t origin_;  // epoch
  std::filesystem::path folder_;
  std::vector<std::uint32_t> later_;
  std::size_t opened_ = 0;
  FileFormat format_;
  EventBatch batch_;
  bool ended_ = false;
};

Result<std::vector<std::uint32_t>> epochs_in(const std::filesystem::path& folder) {
  std::vector<std::uint32_t> epochs;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure))
    if (const auto epoch = epoch_of_file_name(entry.path().filename().string())) epochs.push_back(*epoch);
  if (failure) return file_error(folder, failure.value());
  if (epochs.empty())
    return Error{Code::bad_input,
                 fmt::format("{}: no file of this folder is named as an epoch (8 hexadecimal digits)", folder.string()),
                 {},
                 0,
                 {}};
  std::ranges::sort(epochs);
  return epochs;
}

OpenedFile opened(std::unique_ptr<OneEpoch> first, std::filesystem::path folder, std::vector<std::uint32_t> later,
                  FileFormat format) {
  const std::uint32_t epoch = first->header().epoch;
  return {.reader = std::make_unique<EpochReader>(std::move(first), std::move(folder), std::move(later), format),
          .tick = kEpochTick,
          .roles = detectors(kChannels),
          .origin_epoch = epoch};
}

}  // namespace

Result<OpenedFile> open_epoch(ByteInput input, FileFormat format) {
  const auto header = header_of(input, format);
  if (!header) return header.error();
  return opened(std::make_unique<OneEpoch>(std::move(input), *header), {}, {}, format);
}

Result<OpenedFile> open_epoch_folder(const std::filesystem::path& folder, FileFormat format) {
  auto epochs = epochs_in(folder);
  if (!epochs) return std::move(epochs).error();
  const std::filesystem::path path = folder / epoch_file_name(epochs->front());
  auto first = open_one(path, format);
  if (!first) return std::move(first).error();
  if ((*first)->header().epoch != epochs->front())
    return Error{Code::bad_input,
                 fmt::format("{}: byte 4: says that it is epoch {:08x}", path.string(), (*first)->header().epoch),
                 {},
                 0,
                 {}};
  epochs->erase(epochs->begin());
  return opened(*std::move(first), folder, *std::move(epochs), format);
}

}  // namespace nicol::files
