// SPDX-License-Identifier: Apache-2.0
// Alice's heralds: which slots she kept. Slot numbers only, no key material, so ordinary memory.
#include <utility>

#include "controller/detection/slot_detector.hpp"
#include "controller/detection/slot_stream.hpp"

namespace nicol::detection {
namespace {

class HeraldSink final : public TagSink {
 public:
  HeraldSink(std::int64_t gate, std::uint64_t slots, DroppedSlots& dropped)
      : gate_(gate), slots_(slots), dropped_(&dropped) {}
  void take(const Stretch& stretch, std::span<const std::int64_t> times, std::span<const std::uint8_t>) override {
    if (fits(stretch, times.back(), gate_))
      run<std::int64_t>(stretch, times);
    else
      run<Wide>(stretch, times);
  }
  void before_block(std::int64_t) override {}
  void complete(std::uint64_t) override {}
  std::vector<std::uint64_t> take_heralded() { return std::exchange(heralded_, {}); }

 private:
  template <class Int>
  void run(const Stretch& stretch, std::span<const std::int64_t> times) {
    const Locator<Int> at(stretch, gate_);
    for (const std::int64_t t : times) {
      if (t < at.earliest()) continue;
      const auto place = at(t);
      if (!at.in_gate(place.twice) || static_cast<std::uint64_t>(place.slot) >= slots_ || place.slot <= last_) continue;
      last_ = place.slot;
      if (!dropped_->contains(static_cast<std::uint64_t>(place.slot)))
        heralded_.push_back(static_cast<std::uint64_t>(place.slot));
    }
  }

  std::int64_t gate_;
  std::uint64_t slots_;
  DroppedSlots* dropped_;
  std::int64_t last_ = -1;
  std::vector<std::uint64_t> heralded_;
};

}  // namespace

struct HeraldDetector::Impl {
  static SlotSourceOptions of(std::uint64_t slots) {
    SlotSourceOptions options;
    options.slots = slots;
    return options;
  }
  Impl(const hal::TimingLayout& timing, TickLength tick, std::uint64_t slots)
      : dropped(slots),
        stream(timing, tick, hal::ChannelRole::herald, of(slots), dropped),
        sink(stream.unit().gate, slots, dropped),
        times(SlotStream::kQueue),
        who(SlotStream::kQueue) {}
  SlotStream::Memory memory() {
    return {std::span<std::int64_t, SlotStream::kQueue>(times), std::span<std::uint8_t, SlotStream::kQueue>(who)};
  }
  DroppedSlots dropped;
  SlotStream stream;
  HeraldSink sink;
  std::vector<std::int64_t> times;
  std::vector<std::uint8_t> who;
};

HeraldDetector::HeraldDetector(const hal::TimingLayout& timing, TickLength tick, std::uint64_t slots)
    : impl_(std::make_unique<Impl>(timing, tick, slots)) {}
HeraldDetector::~HeraldDetector() = default;
HeraldDetector::HeraldDetector(HeraldDetector&&) noexcept = default;
HeraldDetector& HeraldDetector::operator=(HeraldDetector&&) noexcept = default;

Result<void> HeraldDetector::process(const hal::TagBlock& block) {
  return impl_->stream.process(block, impl_->memory(), impl_->sink);
}

HeraldDetector::Progress HeraldDetector::take_progress() {
  return {impl_->stream.complete_slots(), impl_->sink.take_heralded()};
}

void HeraldDetector::hold() { impl_->stream.hold(); }

Result<void> HeraldDetector::resume(std::uint64_t first_slot, StreamAfterPause stream) {
  return impl_->stream.resume(first_slot, stream, impl_->memory(), impl_->sink);
}

bool HeraldDetector::done() const { return impl_->stream.done(); }

}  // namespace nicol::detection
