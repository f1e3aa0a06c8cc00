// SPDX-License-Identifier: Apache-2.0
#include "controller/service/pair_measurement.hpp"

#include <algorithm>

namespace nicol::service {
namespace {

constexpr std::int64_t kEndless = std::int64_t{1} << 61;  // ps
constexpr double kFarthest = 0x1p60;                      // ps, two weeks: of a block's begin, and of all from there

std::int64_t ticks_in(double picoseconds, TickLength tick) {
  const double ticks = picoseconds * static_cast<double>(tick.den) / static_cast<double>(tick.num);
  return static_cast<std::int64_t>(std::min(ticks, kFarthest));
}

/// A block is so much of Alice's time. Bob began before her, who knows how long: he goes on until her list is in.
Picoseconds duration_of(const MeasurementPlan& plan) {
  const std::int64_t period = std::max<std::int64_t>(plan.pairs.slot_period.count, 1);
  if (plan.side == session::Side::bob || plan.slots > static_cast<std::uint64_t>(kEndless / period)) return {kEndless};
  return {static_cast<std::int64_t>(plan.slots) * period};
}

}  // namespace

PairMeasurement::PairMeasurement(const MeasurementPlan& plan, Random& random, LightJournal* journal)
    : notes_(journal), tick_(plan.tick) {
  notes_.act(LightAct::measure, plan.index, plan.slots);
  detection::pairs::ClickStreamOptions stream;
  stream.duration = duration_of(plan);
  stream.capacity = plan.capacity;
  stream.closed_tick = plan.pairs.closed_tick;
  stream.block = plan.index;
  stream.corrections = plan.corrections;
  stream_ = std::make_unique<detection::pairs::ClickStream>(plan.timing, plan.tick, stream, random);
}

/// What is further off would not fit the sums of detection.
bool PairMeasurement::leaps(const hal::TagBlock& block) {
  if (!within_) {
    const std::int64_t most = ticks_in(kFarthest, tick_);
    if (block.t_begin < -most || block.t_begin > most) return true;
    within_ = {block.t_begin - most, block.t_begin + most};
  }
  const auto outside = [this](std::int64_t t) { return t < within_->least || t > within_->most; };
  const auto tags = block.tags();
  const auto losses = block.losses();
  return outside(block.t_begin) || outside(block.t_end) ||
         std::any_of(tags.begin(), tags.end(), [&](const hal::TimeTag& t) { return outside(t.ticks); }) ||
         std::any_of(losses.begin(), losses.end(),
                     [&](const hal::LossInterval& l) { return outside(l.begin) || outside(l.end); });
}

Result<void> PairMeasurement::process(const hal::TagBlock& block) {
  notes_.tags(block);
  if (leaps(block)) return Error{Code::protocol, "the tagger's time leaps", "tagger", 0, {}};
  return stream_->process(block);
}

void PairMeasurement::drop_from(Picoseconds after_begin) {
  notes_.act(LightAct::unsure, static_cast<std::uint64_t>(after_begin.count));
  stream_->drop_from(after_begin);
}

detection::pairs::MeasuredClicks PairMeasurement::finish() {
  notes_.act(LightAct::finish);
  return stream_->finish();
}

}  // namespace nicol::service
