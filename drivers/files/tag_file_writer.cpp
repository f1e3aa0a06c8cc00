// SPDX-License-Identifier: Apache-2.0
#include "drivers/files/tag_file_writer.hpp"

#include <fmt/format.h>

#include <bit>
#include <numeric>

#include "drivers/files/event_writer.hpp"

namespace nicol::files {
namespace {

__extension__ using Wide = __int128;

/// Ticks of one length as ticks of another: exact, or rounded down.
class TickScale {
 public:
  TickScale(TickLength from, TickLength to) {
    const std::uint64_t nums = std::gcd(from.num, to.num), dens = std::gcd(from.den, to.den);
    num_ = static_cast<Wide>(from.num / nums) * static_cast<Wide>(to.den / dens);
    den_ = static_cast<Wide>(from.den / dens) * static_cast<Wide>(to.num / nums);
  }
  struct Scaled {
    std::int64_t ticks = 0;
    bool exact = true;
  };
  Scaled operator()(std::int64_t ticks) const {
    const Wide scaled = static_cast<Wide>(ticks) * num_, rest = scaled % den_;
    return {static_cast<std::int64_t>(scaled / den_ - (rest < 0 ? 1 : 0)), rest == 0};
  }

 private:
  Wide num_ = 1, den_ = 1;
};

Result<OpenedWriter> opened(const std::filesystem::path& path, FileFormat format, const TagFileShape& shape) {
  if (format == FileFormat::epoch || format == FileFormat::epoch_raw) return write_epochs(path, format, shape);
  auto out = ByteOutput::create(path);
  if (!out) return std::move(out).error();
  switch (format) {
    case FileFormat::readevents_fast:
    case FileFormat::readevents_fast_hex:
    case FileFormat::tdc1:
      return write_short_words(*std::move(out), format);
    case FileFormat::xqp:
    case FileFormat::csv:
    case FileFormat::qutag:
      return write_single_channels(*std::move(out), format);
    case FileFormat::ptu:
      return write_ptu(*std::move(out), shape);
    case FileFormat::nicol:
      return write_nicol(*std::move(out), shape);
    default:
      return write_readevents(*std::move(out), format);
  }
}

}  // namespace

std::string NotWritten::text() const {
  std::vector<std::string> parts;
  const auto say = [&parts](std::uint64_t count, std::string_view what) {
    if (count > 0) parts.push_back(fmt::format("{} {}", count, what));
  };
  say(dummies, "dummies");
  say(losses, "marks of lost events");
  say(split, "events of several detectors, which became one entry each");
  say(blank, "events of no detector");
  say(rounded, "fractions of a tick: times rounded down");
  if (origin != Picoseconds{}) parts.push_back(fmt::format("the origin: all times are {} ps less", origin.count));
  return fmt::format("{}", fmt::join(parts, "; "));
}

bool EventWriter::left_out(const FileEvent& event) noexcept {
  missing_.dummies += event.kind == FileEvent::Kind::dummy ? 1 : 0;
  missing_.losses += event.kind == FileEvent::Kind::loss ? 1 : 0;
  if (event.kind != FileEvent::Kind::event) return true;
  missing_.blank += event.pattern == 0 ? 1 : 0;
  return event.pattern == 0;
}

struct TagFileWriter::Impl {
  FileFormat format;
  OpenedWriter opened;
  TickScale scale;
  std::uint64_t events = 0, rounded = 0;
  std::optional<std::int64_t> last = {};

  Error refuse(const std::string& what) const {
    return {Code::bad_input, fmt::format("event {}: {}", events, what), {}, 0, {}};
  }

  Result<void> check(const FileEvent& event) const {
    const WriterTraits& t = opened.traits;
    const auto channels = static_cast<unsigned>(std::bit_width(event.pattern));
    if (event.kind == FileEvent::Kind::event && channels > t.channels)
      return refuse(
          fmt::format("channel {}: {} holds channels 0 to {}", channels - 1, to_string(format), t.channels - 1));
    if (t.zero == WriterTraits::Zero::at_zero && event.ticks < 0)
      return refuse(fmt::format("a time before zero: {} counts from there", to_string(format)));
    if (t.order == WriterTraits::Order::forward && last && event.ticks < *last)
      return refuse(fmt::format("earlier than the one before it: {} cannot say that", to_string(format)));
    return {};
  }

  Result<void> add(FileEvent event) {
    ++events;
    const auto scaled = scale(event.ticks);
    event.ticks = scaled.ticks;
    if (event.kind == FileEvent::Kind::loss) return opened.writer->add(event);
    if (auto ok = check(event); !ok) return ok;
    rounded += scaled.exact ? 0 : 1;
    last = event.ticks;
    return opened.writer->add(event);
  }
};

TagFileWriter::TagFileWriter(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
TagFileWriter::TagFileWriter(TagFileWriter&&) noexcept = default;
TagFileWriter& TagFileWriter::operator=(TagFileWriter&&) noexcept = default;
TagFileWriter::~TagFileWriter() = default;

Result<TagFileWriter> TagFileWriter::create(const std::filesystem::path& path, FileFormat format,
                                            const TagFileShape& shape) {
  auto writer = opened(path, format, shape);
  if (!writer) return std::move(writer).error();
  const TickScale scale(shape.tick, writer->traits.tick);
  return TagFileWriter(std::make_unique<Impl>(Impl{format, *std::move(writer), scale}));
}

Result<void> TagFileWriter::add(std::span<const FileEvent> events) {
  for (const FileEvent& event : events)
    if (auto ok = impl_->add(event); !ok) return ok;
  return {};
}

Result<NotWritten> TagFileWriter::finish() {
  if (auto ok = impl_->opened.writer->finish(); !ok) return std::move(ok).error();
  NotWritten missing = impl_->opened.writer->not_written();
  missing.rounded = impl_->rounded;
  return missing;
}

Result<NotWritten> convert(TagFile& from, const std::filesystem::path& to, FileFormat format) {
  const auto roles = from.roles();
  auto writer = TagFileWriter::create(to, format, {from.tick(), {roles.begin(), roles.end()}, from.origin_epoch()});
  if (!writer) return std::move(writer).error();
  for (;;) {
    const auto events = from.next();
    if (!events) return events.error();
    if (events->empty()) return writer->finish();
    if (auto ok = writer->add(*events); !ok) return std::move(ok).error();
  }
}

}  // namespace nicol::files
