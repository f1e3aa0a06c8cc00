// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/known_light.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/calibration/kept_slots.hpp"
#include "controller/calibration/tag_reading.hpp"
#include "controller/detection/slot_stream.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::calibration {
namespace {

using detection::Locator;
using detection::SlotStream;
using detection::Stretch;
using detection::Wide;

constexpr std::size_t kMostArrivals = std::size_t{1} << 22;

/// The states sent, slot by slot: a stream of two bits, from a seed that everybody may know.
class SentStates {
 public:
  SentStates(std::uint64_t seed, double p_diagonal)
      : draws_({seed, NodeId::alice, Purpose::settings, 0}), threshold_(p_diagonal * 0x1.0p32) {}
  hal::PatternChunk next(std::size_t slots) {
    const std::size_t first = bases_.size(), words = (slots + 63) / 64;
    for (std::size_t i = 0; i < words; ++i) {
      bases_.push_back(biased());
      bits_.push_back(draws_());
    }
    return {64 * first, slots, std::span(bases_).subspan(first), std::span(bits_).subspan(first), {}, {}};
  }
  std::uint8_t state(std::uint64_t slot) const {
    const std::size_t word = slot / 64, bit = slot % 64;
    return static_cast<std::uint8_t>(2 * (bases_[word] >> bit & 1) + (bits_[word] >> bit & 1));
  }

 private:
  std::uint64_t biased() {
    if (threshold_ == 0x1.0p31) return draws_();
    std::uint64_t word = 0;
    for (unsigned i = 0; i < 64; ++i)
      word |= std::uint64_t{static_cast<double>(draws_() >> 32) < threshold_ ? 1U : 0U} << i;
    return word;
  }
  CounterStream draws_;
  double threshold_;
  std::vector<std::uint64_t> bases_, bits_;
};

class Collector final : public detection::TagSink {
 public:
  Collector(const SlotStream& stream, const SentStates& sent, KnownLight& light, LightPlan::Slots listing)
      : stream_(&stream), sent_(&sent), light_(&light), listing_(listing) {}
  std::uint64_t slots = 0;  // sent so far
  std::uint64_t clicks = 0;

  void take(const Stretch& stretch, std::span<const std::int64_t> times, std::span<const std::uint8_t> who) override {
    const Locator<Wide> at(stretch, stream_->unit().gate);
    for (std::size_t i = 0; i < times.size(); ++i) {
      if (times[i] < at.earliest()) continue;
      const auto place = at(times[i]);
      if (place.slot < 0 || static_cast<std::uint64_t>(place.slot) >= slots) continue;
      const double off = static_cast<double>(place.twice) / 2 / static_cast<double>(stretch.steps);
      note(static_cast<std::uint64_t>(place.slot), who[i], off / static_cast<double>(stream_->unit().den),
           at.in_gate(place.twice));
    }
  }
  void before_block(std::int64_t) override {}
  void complete(std::uint64_t) override {}

  std::vector<SlotClicks> clicked;  // in gate, in rising order of slots; at most as many as arrivals

 private:
  void list(std::uint64_t slot, std::uint8_t seen) {
    const auto bit = static_cast<std::uint8_t>(1U << seen);
    if (!clicked.empty() && clicked.back().slot == slot)
      clicked.back().seen |= bit;
    else if (clicked.size() < kMostArrivals)
      clicked.push_back({slot, bit});
  }
  void note(std::uint64_t slot, std::uint8_t who, double off_ps, bool in_gate) {
    const hal::ChannelLayout& channel = stream_->channels().counted()[who];
    const auto seen = static_cast<std::uint8_t>(2 * channel.basis + channel.bit);
    const std::uint8_t state = sent_->state(slot);
    if (light_->arrivals.size() < kMostArrivals)
      light_->arrivals.push_back({static_cast<std::int32_t>(std::lround(off_ps)), state, seen});
    if (!in_gate) return;
    ++light_->in_gate[state][seen];
    ++clicks;
    if (listing_ == LightPlan::Slots::listed) list(slot, seen);
  }
  const SlotStream* stream_;
  const SentStates* sent_;
  KnownLight* light_;
  LightPlan::Slots listing_;
};

/// One block of light from its first slot to the darkness after it.
class Shining {
 public:
  Shining(Bench& bench, const LightPlan& plan, const LightPath& path)
      : bench_(&bench),
        plan_(plan),
        source_(path.source),
        most_slots_(slots_in(bench.own().timing, plan.most_seconds)),
        sent_(bench.next_seed(), plan.p_diagonal),
        dropped_(most_slots_),
        stream_(bench.own().timing, path.tagger->caps().tick, hal::ChannelRole::detector, options(most_slots_),
                dropped_),
        kept_(plan.slots == LightPlan::Slots::listed && bench.heralded() ? bench.heralds() : nullptr, most_slots_),
        collector_(stream_, sent_, light_, plan.slots),
        tags_(bench, path,
              [this](const hal::TagBlock& block) { return stream_.process(block, memory(), collector_); }) {}
  Shining(const Shining&) = delete;
  Shining& operator=(const Shining&) = delete;

  Result<KnownLight> run() {
    if (auto listens = kept_.begin(); !listens) return std::move(listens).error();
    if (auto begun = source_->begin_block(most_slots_); !begun) return std::move(begun).error();
    while (collector_.slots < most_slots_ && collector_.clicks < plan_.detections)
      if (auto ok = piece(); !ok) return std::move(ok).error();
    if (auto ended = source_->end_block(); !ended) return std::move(ended).error();
    if (auto seen = rest(); !seen) return std::move(seen).error();
    stream_.finish(memory(), collector_);
    if (light_.arrivals.empty())
      return Error{
          Code::exhausted, "no detector clicked: is the light on, the fibre plugged, the shutter open?", "", 0, {}};
    count_slots();
    return std::move(light_);
  }

 private:
  static detection::SlotSourceOptions options(std::uint64_t slots) {
    detection::SlotSourceOptions o;
    o.slots = slots;
    return o;
  }
  SlotStream::Memory memory() {
    return {std::span<std::int64_t, SlotStream::kQueue>(times_), std::span<std::uint8_t, SlotStream::kQueue>(who_),
            &scratch_};
  }
  Result<void> piece() {
    if (auto on = bench_->go_on(); !on) return on;
    const std::uint64_t n = std::min<std::uint64_t>(kLightPiece, most_slots_ - collector_.slots);
    const hal::PatternChunk chunk = sent_.next(static_cast<std::size_t>(n));
    collector_.slots += n;
    if (auto out = source_->emit(chunk); !out) return out;
    if (auto heralds = kept_.look(); !heralds) return heralds;
    return tags_.look();
  }
  Result<void> rest() {
    Result<void> looked;
    const auto complete = [this, &looked] {
      if (looked) looked = kept_.look();
      return !looked || (stream_.complete_slots() >= collector_.slots && kept_.knows(collector_.slots));
    };
    auto rested = tags_.rest(collector_.slots, complete);
    return rested ? looked : rested;
  }
  void count_slots() {
    const std::uint64_t seen = std::min(stream_.complete_slots(), collector_.slots);
    for (std::uint64_t slot = 0; slot < seen; ++slot)
      if (!dropped_.contains(slot)) ++light_.slots[sent_.state(slot)];
    if (plan_.slots == LightPlan::Slots::listed)
      light_.coincidences = kept_.count(collector_.clicked, light_.slots, seen, dropped_, sent_of_);
    light_.seconds = static_cast<double>(seen) * static_cast<double>(bench_->own().timing.slot_period.count) * 1e-12;
  }

  Bench* bench_;
  LightPlan plan_;
  hal::PulsedSource* source_;
  std::uint64_t most_slots_;
  SentStates sent_;
  std::function<std::uint8_t(std::uint64_t)> sent_of_ = [this](std::uint64_t slot) { return sent_.state(slot); };
  detection::DroppedSlots dropped_;
  SlotStream stream_;
  KnownLight light_;
  KeptSlots kept_;
  Collector collector_;
  TagReading tags_;
  std::vector<std::int64_t> times_ = std::vector<std::int64_t>(SlotStream::kQueue);
  std::vector<std::uint8_t> who_ = std::vector<std::uint8_t>(SlotStream::kQueue);
  detection::ClockScratch scratch_{};
};

}  // namespace

Result<KnownLight> shine(Bench& bench, const LightPlan& plan) {
  const auto path = light_path(bench);
  if (!path) return path.error();
  if (bench.own().receiver != hal::ReceiverKind::passive)
    return Error{Code::not_supported, "expected a receiver that sees both bases at once (passive)", "", 0, {}};
  if (auto begun = begin_light(bench, *path); !begun) return std::move(begun).error();
  Result<KnownLight> light = std::make_unique<Shining>(bench, plan, *path)->run();
  end_light(bench);
  if (light) bench.add_photons(light->arrivals.size());
  return light;
}

Result<KnownLight> shine(Bench& bench, const LightPlan& each, int parts) {
  KnownLight all;
  for (int i = 0; i < parts; ++i) {
    if (auto step = bench.step(fmt::format("light, part {} of {}", i + 1, parts)); !step)
      return std::move(step).error();
    auto part = shine(bench, each);
    if (!part) return std::move(part).error();
    all.arrivals.insert(all.arrivals.end(), part->arrivals.begin(), part->arrivals.end());
    for (std::size_t s = 0; s < 4; ++s) {
      for (std::size_t d = 0; d < 4; ++d) all.in_gate[s][d] += part->in_gate[s][d];
      all.slots[s] += part->slots[s];
    }
    all.seconds += part->seconds;
  }
  return all;
}

}  // namespace nicol::calibration
