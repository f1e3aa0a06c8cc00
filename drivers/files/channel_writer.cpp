// SPDX-License-Identifier: Apache-2.0
// Writers of the formats that name one channel an entry: xqp, csv, quTAG, PTU.
#include <fmt/format.h>

#include <array>
#include <bit>

#include "drivers/files/event_writer.hpp"
#include "drivers/files/ptu.hpp"
#include "firmware-protocol/little_endian.hpp"

namespace nicol::files {
namespace {

constexpr std::size_t kQutagHeader = 40;

/// One entry a bit of the pattern, in the order of the channels.
class ChannelWriter : public EventWriter {
 public:
  explicit ChannelWriter(ByteOutput out) : out_(std::move(out)) {}

  Result<void> add(const FileEvent& event) override {
    if (left_out(event)) return {};
    if (std::popcount(event.pattern) > 1) ++missing_.split;
    for (std::uint32_t left = event.pattern; left != 0; left &= left - 1)
      if (auto ok = put(event.ticks, static_cast<unsigned>(std::countr_zero(left))); !ok) return ok;
    return {};
  }
  Result<void> finish() override { return out_.commit(); }

 protected:
  virtual Result<void> put(std::int64_t ticks, unsigned channel) = 0;
  ByteOutput out_;
};

class XqpWriter final : public ChannelWriter {
  using ChannelWriter::ChannelWriter;
  Result<void> put(std::int64_t ticks, unsigned channel) override {
    if (ticks >= std::int64_t{1} << 60) return Error{Code::bad_input, "xqp holds times up to 2^60 ps", {}, 0, {}};
    return out_.put_le(static_cast<std::uint64_t>(ticks) << 4 | channel);
  }
};

class CsvWriter final : public ChannelWriter {
  using ChannelWriter::ChannelWriter;
  Result<void> put(std::int64_t ticks, unsigned channel) override {
    return out_.put(fmt::format("{},{}\n", channel, ticks));
  }
};

class QutagWriter final : public ChannelWriter {
  using ChannelWriter::ChannelWriter;
  Result<void> put(std::int64_t ticks, unsigned channel) override {
    if (auto ok = out_.put_le(static_cast<std::uint64_t>(ticks)); !ok) return ok;
    return out_.put_le(static_cast<std::uint16_t>(channel));
  }
};

/// Generic T2 records (HydraHarp V2 layout).
class PtuWriter final : public ChannelWriter {
 public:
  PtuWriter(ByteOutput out, std::uint64_t count_offset) : ChannelWriter(std::move(out)), count_offset_(count_offset) {}

  Result<void> add(const FileEvent& event) override {
    const std::uint32_t markers = event.pattern >> ptu::kFirstMarker & 0xf;
    if (event.kind != FileEvent::Kind::dummy || markers == 0) return ChannelWriter::add(event);
    return record(event.ticks, kSpecial | markers << 25);
  }
  Result<void> finish() override {
    std::array<std::uint8_t, 8> count{};
    fw::put_le(count.data(), count_);
    if (auto ok = out_.patch(count_offset_, count); !ok) return ok;
    return out_.commit();
  }

 private:
  static constexpr std::uint32_t kSpecial = std::uint32_t{1} << 31, kOverflow = kSpecial | 63u << 25;
  static constexpr std::uint32_t kTimeMask = (std::uint32_t{1} << 25) - 1;

  Result<void> put(std::int64_t ticks, unsigned channel) override {
    if (channel == ptu::kSync) return record(ticks, kSpecial);
    if (channel < ptu::kInputs) return record(ticks, channel << 25);
    return Error{
        Code::bad_input, fmt::format("channel {}: ptu holds inputs 0 to 26 and a sync, 31", channel), {}, 0, {}};
  }

  Result<void> record(std::int64_t ticks, std::uint32_t high) {
    while (ticks / ptu::kHydraV2Wrap > overflows_) {
      const std::int64_t now = std::min<std::int64_t>(ticks / ptu::kHydraV2Wrap - overflows_, kTimeMask);
      if (auto ok = word(kOverflow | static_cast<std::uint32_t>(now)); !ok) return ok;
      overflows_ += now;
    }
    return word(high | static_cast<std::uint32_t>(ticks % ptu::kHydraV2Wrap));
  }
  Result<void> word(std::uint32_t bits) {
    ++count_;
    return out_.put_le(bits);
  }

  std::uint64_t count_offset_, count_ = 0;
  std::int64_t overflows_ = 0;
};

Result<void> put_tag(ByteOutput& out, std::string_view ident, ptu::TagType type, std::uint64_t value) {
  std::array<std::uint8_t, ptu::kTagBytes> bytes{};
  std::copy(ident.begin(), ident.end(), bytes.begin());
  fw::put_le(bytes.data() + 32, std::uint32_t{0xffffffff});  // no index
  fw::put_le(bytes.data() + 36, static_cast<std::uint32_t>(type));
  fw::put_le(bytes.data() + 40, value);
  return out.put(bytes);
}

/// Returns where the count of records stands.
Result<std::uint64_t> put_ptu_header(ByteOutput& out, TickLength tick) {
  const double seconds = static_cast<double>(tick.num) / static_cast<double>(tick.den) * 1e-12;
  const auto resolution = std::bit_cast<std::uint64_t>(seconds);
  if (auto ok = out.put(ptu::kMagic); !ok) return std::move(ok).error();
  if (auto ok = out.put(std::string_view("1.0.00\0\0", 8)); !ok) return std::move(ok).error();
  using ptu::TagType;
  if (auto ok = put_tag(out, ptu::kRecordType, TagType::integer, ptu::kGenericT2); !ok) return std::move(ok).error();
  if (auto ok = put_tag(out, "Measurement_Mode", TagType::integer, 2); !ok) return std::move(ok).error();
  if (auto ok = put_tag(out, "MeasDesc_Resolution", TagType::real, resolution); !ok) return std::move(ok).error();
  if (auto ok = put_tag(out, ptu::kGlobalResolution, TagType::real, resolution); !ok) return std::move(ok).error();
  const std::uint64_t count_at = out.size() + 40;
  if (auto ok = put_tag(out, ptu::kRecordCount, TagType::integer, 0); !ok) return std::move(ok).error();
  if (auto ok = put_tag(out, ptu::kHeaderEnd, TagType::empty, 0); !ok) return std::move(ok).error();
  return count_at;
}

}  // namespace

Result<OpenedWriter> write_single_channels(ByteOutput out, FileFormat format) {
  WriterTraits traits{{1, 1}, 32};
  traits.zero = WriterTraits::Zero::any;
  if (format == FileFormat::csv) return OpenedWriter{std::make_unique<CsvWriter>(std::move(out)), traits};
  if (format == FileFormat::qutag) {
    constexpr std::array<std::uint8_t, kQutagHeader> kHeader{};  // what stands in it is not published
    if (auto ok = out.put(kHeader); !ok) return std::move(ok).error();
    return OpenedWriter{std::make_unique<QutagWriter>(std::move(out)), traits};
  }
  return OpenedWriter{std::make_unique<XqpWriter>(std::move(out)), {{1, 1}, 16}};
}

Result<OpenedWriter> write_ptu(ByteOutput out, const TagFileShape& shape) {
  const auto tick = ptu::tick_of(static_cast<double>(shape.tick.num) / static_cast<double>(shape.tick.den) * 1e-12);
  if (!tick) return tick.error();
  const auto count_at = put_ptu_header(out, *tick);
  if (!count_at) return count_at.error();
  WriterTraits traits{*tick, 32};
  traits.order = WriterTraits::Order::forward;
  return OpenedWriter{std::make_unique<PtuWriter>(std::move(out), *count_at), traits};
}

}  // namespace nicol::files
