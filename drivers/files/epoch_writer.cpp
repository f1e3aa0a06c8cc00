// SPDX-License-Identifier: Apache-2.0
// Events as a folder of epoch files of type 1 or 2, every epoch between the first and the last with its file.
#include <fmt/format.h>

#include <array>

#include "drivers/files/epoch.hpp"
#include "drivers/files/event_writer.hpp"
#include "firmware-protocol/little_endian.hpp"

namespace nicol::files {
namespace {

constexpr std::uint32_t kTimeOrder = 17, kPatternBits = 4;  // chopper's defaults, whole patterns (service mode)
constexpr std::int64_t kMostEmpty = 100'000;                // epochs without an event, behind one another

/// One file, from its header to its end mark.
class EpochFile {
 public:
  static Result<std::unique_ptr<EpochFile>> create(const std::filesystem::path& folder, const EpochHeader& header) {
    auto out = ByteOutput::create(folder / epoch_file_name(header.epoch));
    if (!out) return std::move(out).error();
    if (auto ok = write_epoch_header(*out, header); !ok) return std::move(ok).error();
    return std::make_unique<EpochFile>(*std::move(out), header);
  }
  EpochFile(ByteOutput out, const EpochHeader& header) : out_(std::move(out)), header_(header) {}

  std::uint32_t epoch() const noexcept { return header_.epoch; }

  Result<void> add_raw(std::uint32_t time, std::uint32_t low_bits) {
    const std::uint64_t word =
        std::uint64_t{header_.epoch & kTimeEpochMask} << 47 | std::uint64_t{time} << 15 | low_bits;
    if (word == 0) return Error{Code::bad_input, "an event of no detector at time 0 would be the end mark", {}, 0, {}};
    ++entries_;
    return put_raw(word);
  }

  /// Differences of 0 and 1 are code words and are sent as 2 and 3; the next one counts from what a reader has then,
  /// so that the error never grows.
  Result<void> add_packed(std::uint32_t time, std::uint32_t pattern) {
    std::uint32_t difference = time > time_ ? time - time_ : 0;
    if (difference < 2) difference += 2;
    if (difference > UINT32_MAX - time_)
      return Error{Code::bad_input, "events too dense at the very end of an epoch", {}, 0, {}};
    time_ += difference;
    ++entries_;
    return put_entry(bits_, out_, header_, {difference, pattern});
  }

  Result<void> finish() {
    if (header_.type == EpochFileType::raw) {
      if (auto ok = put_raw(0); !ok) return ok;
    } else {
      if (auto ok = put_entry(bits_, out_, header_, {.end = true}); !ok) return ok;
      if (auto ok = bits_.finish(out_); !ok) return ok;
    }
    std::array<std::uint8_t, 4> length{};
    fw::put_le(length.data(), entries_);
    if (auto ok = out_.patch(kEpochLengthOffset, length); !ok) return ok;
    return out_.commit();
  }

 private:
  Result<void> put_raw(std::uint64_t word) {
    if (auto ok = out_.put_le(static_cast<std::uint32_t>(word >> 32)); !ok) return ok;
    return out_.put_le(static_cast<std::uint32_t>(word));
  }

  ByteOutput out_;
  EpochHeader header_;
  PackedOutput bits_;
  std::uint32_t time_ = 0, entries_ = 0;
};

class EpochWriter final : public EventWriter {
 public:
  EpochWriter(std::filesystem::path folder, FileFormat format, std::optional<std::uint32_t> origin)
      : folder_(std::move(folder)), format_(format), origin_(origin.value_or(0)), extended_(origin_ > kTimeEpochMask) {
    partial_ = folder_;
    partial_ += ".partial";
  }
  ~EpochWriter() override {
    if (done_) return;
    file_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(partial_, ignored);
  }

  Result<void> make_folder() {
    std::error_code failure;
    std::filesystem::remove_all(partial_, failure);
    if (!std::filesystem::create_directory(partial_, failure)) {
      done_ = true;
      return file_error(partial_, failure.value());
    }
    return {};
  }

  Result<void> add(const FileEvent& event) override {
    const bool raw = format_ == FileFormat::epoch_raw, dummy = event.kind == FileEvent::Kind::dummy;
    if (event.kind == FileEvent::Kind::loss || (!raw && dummy)) {
      (void)left_out(event);
      return {};
    }
    if (auto ok = reach(origin_ + event.ticks / kEpochTicks); !ok) return ok;
    const auto time = static_cast<std::uint32_t>(event.ticks % kEpochTicks);
    return raw ? file_->add_raw(time, dummy ? 0x10u : event.pattern) : file_->add_packed(time, event.pattern);
  }

  Result<void> finish() override {
    if (auto ok = reach(file_ ? file_->epoch() : origin_); !ok) return ok;
    if (auto ok = file_->finish(); !ok) return ok;
    std::error_code failure;
    std::filesystem::rename(partial_, folder_, failure);
    if (failure) return file_error(folder_, failure.value());
    done_ = true;
    return {};
  }

 private:
  /// Opens this epoch's file; an epoch without a file would be a loss to a reader, so empty ones have theirs.
  Result<void> reach(std::int64_t epoch) {
    const std::int64_t most = extended_ ? std::int64_t{UINT32_MAX} : std::int64_t{kTimeEpochMask};
    if (epoch > most) return Error{Code::bad_input, "a time beyond the last epoch that has a number", {}, 0, {}};
    if (file_ && epoch - file_->epoch() > kMostEmpty)
      return Error{Code::bad_input, "a gap of more than 100 000 epochs", {}, 0, {}};
    while (!file_ || file_->epoch() < epoch) {
      const std::int64_t next = file_ ? std::int64_t{file_->epoch()} + 1 : epoch;
      if (auto ok = open(static_cast<std::uint32_t>(next)); !ok) return ok;
    }
    return {};
  }

  Result<void> open(std::uint32_t epoch) {
    if (file_)
      if (auto ok = file_->finish(); !ok) return ok;
    EpochHeader header;
    header.extended = extended_;
    header.epoch = epoch;
    header.base_bits = kPatternBits;
    header.time_order = kTimeOrder;
    if (format_ == FileFormat::epoch_raw) {
      header.type = EpochFileType::raw;
      header.entry_bits = 49;
    }
    auto file = EpochFile::create(partial_, header);
    if (!file) return std::move(file).error();
    file_ = *std::move(file);
    return {};
  }

  std::filesystem::path folder_, partial_;
  FileFormat format_;
  std::int64_t origin_;  // epoch
  bool extended_, done_ = false;
  std::unique_ptr<EpochFile> file_;
};

}  // namespace

Result<OpenedWriter> write_epochs(const std::filesystem::path& folder, FileFormat format, const TagFileShape& shape) {
  auto writer = std::make_unique<EpochWriter>(folder, format, shape.origin_epoch);
  if (auto ok = writer->make_folder(); !ok) return std::move(ok).error();
  WriterTraits traits{kEpochTick, kPatternBits};
  traits.order = WriterTraits::Order::forward;
  return OpenedWriter{std::move(writer), traits};
}

}  // namespace nicol::files
