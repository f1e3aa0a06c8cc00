// SPDX-License-Identifier: Apache-2.0
// Events as blocks of our own tag file. A block ends where it is full, at a dummy, at a loss that nobody counted, and
// between two events that a reader would otherwise take for one.
#include <fmt/format.h>

#include <array>
#include <bit>

#include "drivers/files/event_writer.hpp"
#include "drivers/files/nicol_stream.hpp"

namespace nicol::files {
namespace {

class NicolWriter final : public EventWriter {
 public:
  explicit NicolWriter(ByteOutput out) : out_(std::move(out)) { begin(0); }

  Result<void> add(const FileEvent& event) override {
    switch (event.kind) {
      case FileEvent::Kind::loss:
        return add_loss(event.pattern);
      case FileEvent::Kind::dummy:
        return add_dummy(static_cast<std::uint64_t>(event.ticks));
      case FileEvent::Kind::event:
        break;
    }
    if (left_out(event)) return {};
    return add_event(event);
  }

  Result<void> finish() override {
    if (auto ok = close_block(); !ok) return ok;
    flags_ = fw::kTagStreamEnd;
    if (auto ok = write_block(); !ok) return ok;
    return out_.commit();
  }

 private:
  bool empty() const noexcept { return block_.words() == 0 && flags_ == 0; }
  void begin(std::uint64_t base) noexcept { block_.begin(sequence_, base, index_); }

  Result<void> write_block() {
    const std::size_t bytes = block_.finish(flags_, 0);
    if (auto ok = write_nicol_block(out_, std::span<const std::uint8_t>(payload_).first(bytes)); !ok) return ok;
    ++sequence_;
    index_ = block_.next_index();
    flags_ = 0;
    at_ = block_.last_tick();
    seen_ = 0;
    begin(at_);
    return {};
  }
  /// An empty block would be a dummy: it is not written.
  Result<void> close_block() { return empty() ? Result<void>{} : write_block(); }

  Result<void> add_dummy(std::uint64_t ticks) {
    if (auto ok = close_block(); !ok) return ok;
    begin(ticks);
    return write_block();
  }

  Result<void> add_loss(std::uint32_t events) {
    seen_ = 0;
    if (events > 0) {
      if (block_.missed(events)) return {};
      if (auto ok = close_block(); !ok) return ok;
      (void)block_.missed(events);
      return {};
    }
    if (auto ok = close_block(); !ok) return ok;
    flags_ = fw::kTagOverflow;
    return write_block();  // of its own: a loss that is counted would hide in it
  }

  Result<void> add_event(const FileEvent& event) {
    const auto tick = static_cast<std::uint64_t>(event.ticks);
    const std::uint32_t first = event.pattern & (~event.pattern + 1);
    const bool merges = seen_ != 0 && tick == block_.last_tick() && (seen_ & first) == 0;
    if (merges || !room_for(event.pattern))
      if (auto ok = close_block(); !ok) return ok;
    seen_ = event.pattern;
    for (std::uint32_t left = event.pattern; left != 0; left &= left - 1)
      if (!block_.tag(static_cast<std::uint32_t>(std::countr_zero(left)), tick))
        return Error{Code::internal, fmt::format("a tag at {} that no block takes", event.ticks), {}, 0, {}};
    return {};
  }

  /// An event is never cut in two: its tags, and the extensions of a step of up to 2^61 ticks.
  bool room_for(std::uint32_t pattern) const noexcept {
    constexpr std::size_t kExtensions = 32;
    return block_.words() + static_cast<std::size_t>(std::popcount(pattern)) + kExtensions <= fw::kMostWords;
  }

  ByteOutput out_;
  std::array<std::uint8_t, kNicolMostPayload> payload_{};
  fw::TagBlockWriter block_{payload_};
  std::uint32_t sequence_ = 0;
  std::uint64_t index_ = 0, at_ = 0;
  std::uint32_t seen_ = 0;  // the channels of the event before, in this block
  std::uint16_t flags_ = 0;
};

}  // namespace

Result<OpenedWriter> write_nicol(ByteOutput out, const TagFileShape& shape) {
  const std::size_t channels = std::min(shape.roles.size(), fw::kWordChannels);
  const NicolHeader header{shape.tick,
                           {shape.roles.begin(), shape.roles.begin() + static_cast<std::ptrdiff_t>(channels)}};
  if (auto ok = write_nicol_header(out, header); !ok) return std::move(ok).error();
  WriterTraits traits{shape.tick, static_cast<unsigned>(channels)};
  traits.order = WriterTraits::Order::forward;
  return OpenedWriter{std::make_unique<NicolWriter>(std::move(out)), traits};
}

}  // namespace nicol::files
