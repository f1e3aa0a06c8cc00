// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/listening.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/calibration/tag_reading.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::calibration {
namespace {

constexpr std::size_t kMostClicks = std::size_t{1} << 24;

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
  Listening(Bench& bench, const LightPath& path, double seconds)
      : bench_(&bench),
        source_(path.source),
        tick_(path.tagger->caps().tick),
        slots_(slots_in(bench.own().timing, seconds)),
        tags_(bench, path, [this](const hal::TagBlock& block) { return take(block); }) {
    for (const hal::ChannelLayout& c : bench.own().timing.channels)
      if (c.role == hal::ChannelRole::detector) {
        heard_.detectors.push_back({fmt::format("detector-{}", heard_.detectors.size()), c, {}, 0});
        last_.push_back(kNone);
      }
  }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

  Result<Heard> run() {
    if (heard_.detectors.empty())
      return Error{Code::not_found, "the tagger has no channel with a detector", "tagger", 0, {}};
    CounterStream draws({bench_->next_seed(), NodeId::alice, Purpose::settings, 0});
    if (auto begun = source_->begin_block(slots_); !begun) return std::move(begun).error();
    for (std::uint64_t slot = 0; slot < slots_; slot += kLightPiece) {
      if (auto on = bench_->go_on(); !on) return std::move(on).error();
      for (auto& word : words_) word = draws();
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(kLightPiece, slots_ - slot));
      if (auto out = source_->emit({slot, n, words_, words_, {}, {}}); !out) return std::move(out).error();
      if (auto ok = tags_.look(); !ok) return std::move(ok).error();
    }
    if (auto ended = source_->end_block(); !ended) return std::move(ended).error();
    if (auto ok = tags_.rest(slots_, [] { return false; }); !ok) return std::move(ok).error();
    for (DetectorClicks& d : heard_.detectors) std::ranges::sort(d.gaps);
    heard_.seconds = static_cast<double>(tick_.to_picoseconds(covered_).count) * 1e-12;
    return std::move(heard_);
  }

 private:
  static constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min();

  Result<void> take(const hal::TagBlock& block) {
    covered_ += block.t_end - block.t_begin;
    for (const hal::LossInterval& loss : block.losses()) {
      covered_ -= std::min(loss.end - loss.begin, block.t_end - block.t_begin);
      std::ranges::fill(last_, kNone);
    }
    for (const hal::TimeTag& tag : block.tags())
      for (std::size_t i = 0; i < last_.size(); ++i)
        if (heard_.detectors[i].channel.channel == tag.channel) note(i, tag.ticks);
    return {};
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
  TickLength tick_;
  std::uint64_t slots_;
  TagReading tags_;
  std::size_t kept_ = 0;
  std::int64_t covered_ = 0;        // ticks
  std::vector<std::int64_t> last_;  // click of each detector
  Heard heard_;
  std::vector<std::uint64_t> words_ = std::vector<std::uint64_t>(kLightPiece / 64);
};

}  // namespace

Result<Heard> listen(Bench& bench, LightHere light, double seconds) {
  const auto path = light_path(bench);
  if (!path) return path.error();
  if (auto begun = begin_light(bench, *path); !begun) return std::move(begun).error();
  const auto ready = set_shutters(bench, light);
  Result<Heard> heard = ready ? Listening(bench, *path, seconds).run() : Result<Heard>(ready.error());
  end_light(bench);
  if (heard && light == LightHere::falls)
    for (const DetectorClicks& d : heard->detectors) bench.add_photons(d.clicks);
  return heard;
}

}  // namespace nicol::calibration
