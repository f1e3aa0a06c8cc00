// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/listening.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/calibration/known_light.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::calibration {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 16, kTags = 1 << 14, kLosses = 256;
constexpr std::size_t kMostClicks = std::size_t{1} << 24;
constexpr std::chrono::milliseconds kLook{5};
constexpr std::chrono::seconds kSilence{5};

Result<void> set_shutters(Bench& bench, LightHere light) {
  auto* own = bench.own().find<hal::Shutter>("shutter");
  auto* other = bench.remote().find<hal::Shutter>("shutter");
  hal::Shutter* needed = light == LightHere::shut_out ? own : other;
  if (light != LightHere::falls && needed == nullptr)
    return Error{Code::not_supported,
                 fmt::format("no shutter {} to make it dark with",
                             light == LightHere::shut_out ? "before the detectors" : "behind the source"),
                 "shutter",
                 0,
                 {}};
  if (own != nullptr && light == LightHere::shut_out) own->close();
  if (other != nullptr && light != LightHere::falls) other->close();
  return {};
}

class Listening {
 public:
  Listening(Bench& bench, hal::PulsedSource& source, hal::TimeTagger& tagger, double seconds)
      : bench_(&bench), source_(&source), tagger_(&tagger), tick_(tagger.caps().tick) {
    const hal::TimingLayout& timing = bench.own().timing;
    const std::uint64_t unit = std::max<std::uint64_t>(timing.sync_divider, 1);
    slots_ = static_cast<std::uint64_t>(seconds * 1e12 / static_cast<double>(timing.slot_period.count)) / unit * unit;
    slots_ = std::max(slots_, unit);
    for (const hal::ChannelLayout& c : timing.channels)
      if (c.role == hal::ChannelRole::detector) {
        heard_.detectors.push_back({fmt::format("detector-{}", heard_.detectors.size()), c, {}, 0});
        last_.push_back(kNone);
      }
  }

  Result<Heard> run() {
    if (heard_.detectors.empty())
      return Error{Code::not_found, "the tagger has no channel with a detector", "tagger", 0, {}};
    CounterStream draws({bench_->next_seed(), NodeId::alice, Purpose::settings, 0});
    if (auto begun = source_->begin_block(slots_); !begun) return std::move(begun).error();
    for (std::uint64_t slot = 0; slot < slots_; slot += kChunk) {
      if (auto on = bench_->go_on(); !on) return std::move(on).error();
      for (auto& word : words_) word = draws();
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, slots_ - slot));
      if (auto out = source_->emit({slot, n, words_, words_, {}, {}}); !out) return std::move(out).error();
      if (auto ok = look(); !ok) return std::move(ok).error();
    }
    if (auto ended = source_->end_block(); !ended) return std::move(ended).error();
    if (auto ok = rest_of_it(); !ok) return std::move(ok).error();
    for (DetectorClicks& d : heard_.detectors) std::ranges::sort(d.gaps);
    heard_.seconds = static_cast<double>(tick_.to_picoseconds(covered_).count) * 1e-12;
    return std::move(heard_);
  }

 private:
  static constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min();

  Result<void> look() {
    for (;;) {
      auto more = acquire(bench_->deadlines().in({}));
      if (!more) return std::move(more).error();
      if (!*more) return {};
    }
  }
  Result<void> rest_of_it() {
    const Deadline until = bench_->deadlines().in(kSilence);
    while (!bench_->deadlines().passed(until)) {
      auto more = acquire(bench_->deadlines().in(kLook));
      if (!more) return std::move(more).error();
      if (!*more && source_->first_unsent().value_or(slots_) >= slots_) return {};
    }
    return {};
  }
  Result<bool> acquire(Deadline deadline) {
    hal::TagBlock block;
    block.storage = tags_, block.loss_storage = losses_;
    const hal::StreamStatus status = tagger_->acquire(block, deadline);
    if (auto dim = bench_->see(block); !dim) return std::move(dim).error();
    take(block);
    if (status == hal::StreamStatus::timeout) return false;
    if (status == hal::StreamStatus::ok || status == hal::StreamStatus::overflow) return true;
    return Error{
        Code::disconnected, "the tagger's stream ended: " + std::string(hal::to_string(status)), "tagger", 0, {}};
  }
  void take(const hal::TagBlock& block) {
    covered_ += block.t_end - block.t_begin;
    for (const hal::LossInterval& loss : block.losses()) {
      covered_ -= std::min(loss.end - loss.begin, block.t_end - block.t_begin);
      std::ranges::fill(last_, kNone);
    }
    for (const hal::TimeTag& tag : block.tags())
      for (std::size_t i = 0; i < last_.size(); ++i)
        if (heard_.detectors[i].channel.channel == tag.channel) note(i, tag.ticks);
  }
  void note(std::size_t i, std::int64_t ticks) {
    DetectorClicks& d = heard_.detectors[i];
    ++d.clicks;
    if (last_[i] != kNone && kept_ < kMostClicks) {
      d.gaps.push_back(tick_.to_picoseconds(ticks - last_[i]).count);
      ++kept_;
    }
    last_[i] = ticks;
  }

  Bench* bench_;
  hal::PulsedSource* source_;
  hal::TimeTagger* tagger_;
  TickLength tick_;
  std::uint64_t slots_ = 0;
  std::size_t kept_ = 0;
  std::int64_t covered_ = 0;        // ticks
  std::vector<std::int64_t> last_;  // click of each detector
  Heard heard_;
  std::vector<std::uint64_t> words_ = std::vector<std::uint64_t>(kChunk / 64);
  std::vector<hal::TimeTag> tags_ = std::vector<hal::TimeTag>(kTags);
  std::vector<hal::LossInterval> losses_ = std::vector<hal::LossInterval>(kLosses);
};

}  // namespace

Result<Heard> listen(Bench& bench, LightHere light, double seconds) {
  auto* source = bench.remote().find<hal::PulsedSource>("source");
  auto* tagger = bench.own().find<hal::TimeTagger>("tagger");
  if (source == nullptr) return Error{Code::not_found, "no pulsed source on the other side", "", 0, {}};
  if (source->caps().record == hal::PreparationRecord::motor_setting)
    return Error{
        Code::not_supported, "the source turns its plate for every slot: it plays no pattern", "source", 0, {}};
  if (tagger == nullptr) return Error{Code::not_found, "the rig has no tagger", "", 0, {}};
  if (auto open = open_eyes(bench.own()); !open) return std::move(open).error();
  if (auto started = tagger->start(); !started) return std::move(started).error();
  Result<void> ready = switch_on(bench.remote(), *source);
  if (ready) ready = set_shutters(bench, light);
  Result<Heard> heard = ready ? Listening(bench, *source, *tagger, seconds).run() : Result<Heard>(ready.error());
  close_eyes(bench);
  if (heard && light == LightHere::falls)
    for (const DetectorClicks& d : heard->detectors) bench.add_photons(d.clicks);
  return heard;
}

}  // namespace nicol::calibration
