// SPDX-License-Identifier: Apache-2.0
#include "drivers/files/tag_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "drivers/files/event_reader.hpp"

namespace nicol::files {
namespace {

constexpr std::array<std::string_view, 14> kNames = {"readevents",
                                                     "readevents-x",
                                                     "readevents-hex",
                                                     "readevents-hex32",
                                                     "readevents-fast",
                                                     "readevents-fast-hex",
                                                     "tdc1",
                                                     "ptu",
                                                     "qutag",
                                                     "xqp",
                                                     "csv",
                                                     "nicol",
                                                     "epoch-raw",
                                                     "epoch"};
static_assert(kNames.size() == static_cast<std::size_t>(FileFormat::epoch) + 1);

constexpr Picoseconds kFurthest{std::int64_t{1} << 61};

/// Ticks from the origin that a time may lie away; a tick of less than 1 ps would allow more than 64 bits hold.
std::int64_t furthest(TickLength tick) { return tick.num >= tick.den ? tick.to_ticks(kFurthest) : kFurthest.count; }

Result<OpenedFile> opened(const std::filesystem::path& path, FileFormat format) {
  std::error_code ignored;
  const bool epochs = format == FileFormat::epoch || format == FileFormat::epoch_raw;
  if (epochs && std::filesystem::is_directory(path, ignored)) return open_epoch_folder(path, format);
  auto input = ByteInput::open(path);
  if (!input) return std::move(input).error();
  return open_input(*std::move(input), format);
}

}  // namespace

std::string_view to_string(FileFormat format) noexcept { return kNames[static_cast<std::size_t>(format)]; }

std::optional<FileFormat> file_format(std::string_view name) noexcept {
  const auto it = std::ranges::find(kNames, name);
  if (it == kNames.end()) return std::nullopt;
  return static_cast<FileFormat>(it - kNames.begin());
}

std::string file_format_names() { return fmt::format("{}", fmt::join(kNames, ", ")); }

std::vector<hal::ChannelRole> detectors(std::size_t channels) {
  return std::vector<hal::ChannelRole>(channels, hal::ChannelRole::detector);
}

EventBatch::EventBatch(TickLength tick) : limit_(furthest(tick)) { events_.reserve(kMost); }

Result<OpenedFile> open_input(ByteInput input, FileFormat format) {
  switch (format) {
    case FileFormat::readevents:
    case FileFormat::readevents_x:
    case FileFormat::readevents_hex:
    case FileFormat::readevents_hex32:
      return open_readevents(std::move(input), format);
    case FileFormat::readevents_fast_hex:
      return open_fast_hex(std::move(input));
    case FileFormat::readevents_fast:
    case FileFormat::tdc1:
    case FileFormat::qutag:
    case FileFormat::xqp:
      return open_records(std::move(input), format);
    case FileFormat::ptu:
      return open_ptu(std::move(input));
    case FileFormat::csv:
      return open_csv(std::move(input));
    case FileFormat::nicol:
      return open_nicol(std::move(input));
    case FileFormat::epoch_raw:
    case FileFormat::epoch:
      return open_epoch(std::move(input), format);
  }
  return Error{Code::internal, "no such format", {}, 0, {}};
}

struct TagFile::Impl {
  FileFormat format;
  OpenedFile file;
  std::optional<Error> refused = {};
  std::optional<std::int64_t> last = {};
  std::uint64_t backward_jumps = 0;

  void count(std::span<const FileEvent> events) noexcept {
    for (const FileEvent& e : events) {
      if (e.kind == FileEvent::Kind::loss) continue;
      if (last && e.ticks < *last) ++backward_jumps;
      last = e.ticks;
    }
  }
};

TagFile::TagFile(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
TagFile::TagFile(TagFile&&) noexcept = default;
TagFile& TagFile::operator=(TagFile&&) noexcept = default;
TagFile::~TagFile() = default;

Result<TagFile> TagFile::open(const std::filesystem::path& path, FileFormat format) {
  Result<OpenedFile> file = opened(path, format);
  if (!file) return std::move(file).error();
  return TagFile(std::make_unique<Impl>(Impl{format, *std::move(file)}));
}

FileFormat TagFile::format() const noexcept { return impl_->format; }
TickLength TagFile::tick() const noexcept { return impl_->file.tick; }
std::span<const hal::ChannelRole> TagFile::roles() const noexcept { return impl_->file.roles; }
std::optional<std::uint32_t> TagFile::origin_epoch() const noexcept { return impl_->file.origin_epoch; }
std::uint64_t TagFile::backward_jumps() const noexcept { return impl_->backward_jumps; }

Result<std::span<const FileEvent>> TagFile::next() {
  if (impl_->refused) return *impl_->refused;
  auto events = impl_->file.reader->next();
  if (!events)
    impl_->refused = events.error();
  else
    impl_->count(*events);
  return events;
}

}  // namespace nicol::files
