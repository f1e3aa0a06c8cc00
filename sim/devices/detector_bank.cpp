// SPDX-License-Identifier: Apache-2.0
// Everything that is not a photon of the link happens in run_noise, in order of time and just before the photon that
// comes after it; so the outcome does not depend on how the light was cut into batches.
#include "sim/devices/detector_bank.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include "sim/devices/draws.hpp"
#include "sim/optics/arrival.hpp"
#include "sim/optics/states.hpp"

namespace nicol::sim {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kRateWindow = 1'000'000'000;  // 1 ms
constexpr double kPicosPerSecond = 1e12, kPicosPerNano = 1e3;
constexpr std::int64_t kSecond = 1'000'000'000'000;
constexpr std::size_t kStreamsPerBlock = 64, kSecondStream = 1, kLineStream = 32;
constexpr double kRarest = 1e-12;  // Hz: never

CounterStream stream_for(const BankOptions& o, Purpose purpose, std::uint64_t block, std::size_t i = 0) {
  return CounterStream({o.seed, o.node, purpose, block * kStreamsPerBlock + i});
}

}  // namespace

void DetectorBank::Noise::step() {
  next = mean_gap > 0 ? next + 1 + round_ps(draw_exponential(stream) * mean_gap) : kNever;
}

DetectorBank::DetectorBank(BankOptions options)
    : options_(std::move(options)),
      stream_(stream_for(options_, Purpose::sim_detector, 0)),
      sync_stream_(stream_for(options_, Purpose::sim_tagger, 0)),
      second_stream_(stream_for(options_, Purpose::sim_tagger, 0, kSecondStream)) {
  for (std::size_t i = 0; i < options_.detectors.size(); ++i) {
    const DetectorModel& m = options_.detectors[i];
    const CounterStream unused = stream_for(options_, Purpose::sim_dark, 0, i);
    const double stray_hz = i < options_.stray_hz.size() ? options_.stray_hz[i] : 0;
    Live d{m,
           round_ps(m.dead_time_ns * kPicosPerNano),
           0,
           0,
           0,
           0,
           false,
           {unused, 0, 0},
           {unused, 0, 0},
           {unused, 0, 0},
           1,
           {}};
    d.dark.mean_gap = m.dark_hz > 0 ? kPicosPerSecond / m.dark_hz : 0;
    d.stray.mean_gap = stray_hz > 0 ? kPicosPerSecond / stray_hz : 0;
    d.window_limit = static_cast<std::uint64_t>(std::ceil(m.rate_limit_hz * kRateWindow / kPicosPerSecond));
    d.afterpulses.reserve(64);
    live_.push_back(std::move(d));
  }
  set_delays(std::vector<std::int64_t>(live_.size() + 2, 0));
  tags_.reserve(8 * kBatchPhotons);
}

void DetectorBank::set_delays(std::span<const std::int64_t> by_channel) {
  delay_.assign(by_channel.begin(), by_channel.end());
  double early = kLargestNormal * (options_.sync == SyncType::pps ? kSecondJitterPs : kSyncJitterPs), late = early;
  for (const Live& d : live_) {
    const double tail = d.model.jitter_tail_fraction > 0 ? d.model.jitter_tail_ps : 0;
    early = std::max(early, kLargestNormal * d.model.jitter_ps);
    late = std::max(late, kLargestNormal * d.model.jitter_ps + kLargestExponential * tail);
  }
  const auto [least, most] = std::minmax_element(delay_.begin(), delay_.end());
  earliest_ = round_ps(early) + 1 + std::max<std::int64_t>(0, -*least);
  latest_ = round_ps(late) + kFrameDelayPs + std::max<std::int64_t>(0, *most);
}

void DetectorBank::set_thresholds(std::span<const Volts> by_channel) {
  for (std::size_t i = 0; i < live_.size(); ++i) {
    Live& d = live_[i];
    const DetectorModel& m = d.model;
    const double over = by_channel[i].value - m.pulse_v, noise = by_channel[i].value / m.line_noise_v;
    d.seen = m.pulse_v > 0 ? 0.5 * std::erfc(over / (m.pulse_spread_v * std::numbers::sqrt2)) : 1;
    const double crossings = m.line_noise_hz > 0 ? m.line_noise_hz * std::exp(-0.5 * noise * noise) : 0;
    d.line.mean_gap = crossings > kRarest ? kPicosPerSecond / crossings : 0;
  }
}

void DetectorBank::begin_block(const LightHeader& header) {
  block_ = header;
  stream_ = stream_for(options_, Purpose::sim_detector, header.block);
  sync_stream_ = stream_for(options_, Purpose::sim_tagger, header.block);
  second_stream_ = stream_for(options_, Purpose::sim_tagger, header.block, kSecondStream);
  for (std::size_t i = 0; i < live_.size(); ++i) {
    Live& d = live_[i];
    d.blind_until = d.window_end = header.begin;
    d.window_clicks = 0;
    d.afterpulses.clear();
    d.dark.stream = stream_for(options_, Purpose::sim_dark, header.block, i);
    d.stray.stream = stream_for(options_, Purpose::sim_background, header.block, i);
    d.line.stream = stream_for(options_, Purpose::sim_background, header.block, kLineStream + i);
    for (Noise* noise : {&d.dark, &d.stray, &d.line}) {
      noise->next = header.begin;
      noise->step();
    }
  }
  sync_slot_ = known_slots_ = frame_slot_ = 0;
  next_sync_ = kNever;
  begin_seconds();
  find_next();
}

void DetectorBank::resume_block(const LightHeader& header) {
  block_ = header;
  tags_.clear();
  for (Live& d : live_) {
    d.afterpulses.clear();
    for (Noise* noise : {&d.dark, &d.stray, &d.line}) {
      if (noise->next >= header.begin) continue;
      noise->next = header.begin;
      noise->step();
    }
  }
  sync_slot_ = known_slots_ = frame_slot_ = header.first_slot;
  next_sync_ = kNever;
  begin_seconds();
  find_next();
}

void DetectorBank::set_live(std::uint32_t enabled_detectors, Stray stray) {
  for (std::size_t i = 0; i < live_.size(); ++i) live_[i].enabled = enabled_detectors >> i & 1U;
  stray_ = stray;
}

void DetectorBank::find_next() {
  next_noise_ = std::min(next_sync_, next_second_);
  for (const Live& d : live_) {
    next_noise_ = std::min({next_noise_, d.dark.next, d.stray.next, d.line.next});
    if (!d.afterpulses.empty()) next_noise_ = std::min(next_noise_, d.afterpulses.front());
  }
}

void DetectorBank::expect_slots(std::uint64_t slots) {
  if (known_slots_ <= sync_slot_ && sync_slot_ < slots)
    next_sync_ = block_.slot_zero + block_.slot_period * static_cast<std::int64_t>(sync_slot_);
  known_slots_ = slots;
  find_next();
}

void DetectorBank::run_noise(std::int64_t until) {
  while (next_noise_ < until) {
    const std::int64_t now = next_noise_;
    if (next_sync_ == now) pulse_sync();
    if (next_second_ == now) pulse_second();
    for (std::size_t i = 0; i < live_.size(); ++i) serve(i, now);
    find_next();
  }
}

void DetectorBank::serve(std::size_t detector, std::int64_t now) {
  Live& d = live_[detector];
  if (d.dark.next == now) {
    d.dark.step();
    click(detector, now);
  }
  if (d.stray.next == now) {
    d.stray.step();
    if (stray_ == Stray::falls) click(detector, now);
  }
  if (d.line.next == now) {
    d.line.step();
    put(detector, now, nullptr);
  }
  if (!d.afterpulses.empty() && d.afterpulses.front() == now) {
    std::pop_heap(d.afterpulses.begin(), d.afterpulses.end(), std::greater<>());
    d.afterpulses.pop_back();
    click(detector, now);
  }
}

void DetectorBank::pulse_sync() {
  const double at = static_cast<double>(next_sync_ - block_.slot_zero);
  const auto jittered = [&] { return block_.slot_zero + round_ps(at + kSyncJitterPs * draw_normal(sync_stream_)); };
  if (options_.sync == SyncType::pulses) put(sync_channel(), jittered(), nullptr);
  if (options_.sync != SyncType::none && sync_slot_ == frame_slot_)
    put(frame_channel(), jittered() + kFrameDelayPs, nullptr);
  sync_slot_ += block_.sync_divider;
  next_sync_ = sync_slot_ < known_slots_ ? block_.slot_zero + block_.slot_period * static_cast<std::int64_t>(sync_slot_)
                                         : kNever;
}

/// Light begins on a second; the first one is after the header's begin.
void DetectorBank::begin_seconds() {
  next_second_ = kNever;
  if (options_.sync != SyncType::pps) return;
  const std::int64_t light = block_.slot_zero + block_.slot_period * static_cast<std::int64_t>(block_.first_slot);
  next_second_ = light - (light - block_.begin - 1) / kSecond * kSecond;
}

void DetectorBank::pulse_second() {
  put(sync_channel(), next_second_ + round_ps(kSecondJitterPs * draw_normal(second_stream_)), nullptr);
  next_second_ += kSecond;
}

void DetectorBank::click(std::size_t detector, std::int64_t time) {
  Live& d = live_[detector];
  if (!d.enabled || time < d.blind_until) return;
  d.blind_until = time + d.dead;
  const DetectorModel& m = d.model;
  if (m.afterpulse_probability > 0 && stream_.uniform() < m.afterpulse_probability) {
    const double wait = draw_exponential(stream_) * m.afterpulse_decay_ns * kPicosPerNano;
    d.afterpulses.push_back(d.blind_until + round_ps(wait));
    std::push_heap(d.afterpulses.begin(), d.afterpulses.end(), std::greater<>());
    next_noise_ = std::min(next_noise_, d.afterpulses.front());
  }
  if (time >= d.window_end) {
    d.window_end = (time / kRateWindow + 1) * kRateWindow;
    d.window_clicks = 0;
  }
  if (d.seen < 1 && stream_.uniform() >= d.seen) return;
  const std::int64_t seen = time + jitter(m);
  if (++d.window_clicks <= d.window_limit) return put(detector, seen, nullptr);
  if (d.window_clicks == d.window_limit + 1) put(detector, seen, &d);
}

std::int64_t DetectorBank::jitter(const DetectorModel& m) {
  double late = m.jitter_ps > 0 ? m.jitter_ps * draw_normal(stream_) : 0;
  if (m.jitter_tail_fraction > 0 && stream_.uniform() < m.jitter_tail_fraction)
    late += m.jitter_tail_ps * draw_exponential(stream_);
  return round_ps(late);
}

/// Tags come almost in order; the few that do not are moved back to their place.
void DetectorBank::put(std::size_t channel, std::int64_t time, const Live* withheld_by) {
  const RawTag tag{time + delay_[channel], withheld_by ? withheld_by->window_end + latest_ : 0,
                   static_cast<std::uint16_t>(channel), withheld_by != nullptr};
  tags_.push_back(tag);
  std::size_t i = tags_.size() - 1;
  for (; i > 0 && tag.time < tags_[i - 1].time; --i) tags_[i] = tags_[i - 1];
  tags_[i] = tag;
}

}  // namespace nicol::sim
