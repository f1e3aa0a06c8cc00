// SPDX-License-Identifier: Apache-2.0
// T2 records as events: the time of every record is absolute but for the overflows before it.
#include <fmt/format.h>

#include "drivers/files/event_reader.hpp"
#include "drivers/files/ptu.hpp"
#include "firmware-protocol/little_endian.hpp"

namespace nicol::files {
namespace {

using ptu::Records;

constexpr std::size_t kRecord = 4;
constexpr std::string_view kTooManyInputs = "an input above 27: more than a pattern holds beside sync and markers";

/// `wraps` is set for a record that only says that the clock wrapped.
struct Decoded {
  std::int64_t time = 0;
  std::uint32_t pattern = 0;
  std::int64_t wraps = 0;  // ticks
  FileEvent::Kind kind = FileEvent::Kind::event;
  std::string_view refused = {};
};

Decoded picoharp(std::uint32_t record) {
  const std::uint32_t channel = record >> 28, time = record & 0x0fff'ffff, markers = time & 0xf;
  if (channel != 15) return {.time = time, .pattern = std::uint32_t{1} << channel};
  if (markers == 0) return {.wraps = ptu::kPicoHarpWrap};
  return {.time = time & ~0xfu,
          .pattern = markers << ptu::kFirstMarker,
          .kind = FileEvent::Kind::dummy};  // the markers stand in the low time bits
}

Decoded hydra(std::uint32_t record, Records records) {
  const bool special = record >> 31 != 0;
  const std::uint32_t channel = record >> 25 & 0x3f, time = record & 0x01ff'ffff;
  if (!special) {
    if (channel >= ptu::kInputs) return {.refused = kTooManyInputs};
    return {.time = time, .pattern = std::uint32_t{1} << channel};
  }
  if (channel == 0) return {.time = time, .pattern = std::uint32_t{1} << ptu::kSync};
  if (channel <= 15) return {.time = time, .pattern = channel << ptu::kFirstMarker, .kind = FileEvent::Kind::dummy};
  if (channel != 63) return {.refused = "a special record that is neither sync, nor marker, nor overflow"};
  if (records == Records::hydra_v1) return {.wraps = ptu::kHydraV1Wrap};
  return {.wraps = ptu::kHydraV2Wrap * (time == 0 ? 1 : std::int64_t{time})};
}

class PtuReader final : public EventReader {
 public:
  PtuReader(ByteInput input, const ptu::Header& header)
      : input_(std::move(input)), records_(header.records), left_(header.count), batch_(header.tick) {}

  Result<std::span<const FileEvent>> next() override {
    batch_.clear();
    while (batch_.events().empty() && left_ > 0) {
      const auto bytes = input_.peek(kRecord);
      if (!bytes) return bytes.error();
      if (bytes->size() < kRecord)
        return input_.refuse(fmt::format("the file ends here, and its header says that {} more records follow", left_),
                             bytes->size());
      if (auto ok = decode(*bytes); !ok) return std::move(ok).error();
    }
    if (batch_.events().empty())
      if (auto ok = end(); !ok) return std::move(ok).error();
    return batch_.events();
  }

 private:
  Result<void> decode(std::span<const std::uint8_t> bytes) {
    std::size_t at = 0;
    for (; at + kRecord <= bytes.size() && left_ > 0 && !batch_.full(); at += kRecord, --left_) {
      const auto record = fw::get_le<std::uint32_t>(bytes.data() + at);
      const Decoded d = records_ == Records::picoharp ? picoharp(record) : hydra(record, records_);
      if (!d.refused.empty()) return input_.refuse(d.refused, at);
      if (!batch_.holds(overflow_ + d.wraps + d.time)) return input_.refuse(kTooFar, at);
      overflow_ += d.wraps;
      if (d.wraps == 0) batch_.add({overflow_ + d.time, d.pattern, d.kind});
    }
    input_.take(at);
    return {};
  }

  Result<void> end() {
    const auto bytes = input_.peek(1);
    if (!bytes) return bytes.error();
    if (!bytes->empty()) return input_.refuse("more follows after the last record that the header counts");
    return {};
  }

  ByteInput input_;
  Records records_;
  std::uint64_t left_;
  EventBatch batch_;
  std::int64_t overflow_ = 0;
};

}  // namespace

Result<OpenedFile> open_ptu(ByteInput input) {
  const auto header = ptu::read_header(input);
  if (!header) return header.error();
  auto roles = detectors(32);
  std::fill(roles.begin() + ptu::kFirstMarker, roles.begin() + ptu::kSync, hal::ChannelRole::monitor);
  return OpenedFile{.reader = std::make_unique<PtuReader>(std::move(input), *header),
                    .tick = header->tick,
                    .roles = std::move(roles)};
}

}  // namespace nicol::files
