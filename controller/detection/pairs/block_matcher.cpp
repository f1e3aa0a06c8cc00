// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/block_matcher.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace nicol::detection::pairs {
namespace {

constexpr std::size_t kPiece = 1 << 16;

std::string none(const TrackReport& report, const ClosedList& hers, const MeasuredClicks& his) {
  if (hers.times.empty() || his.times.empty())
    return fmt::format("no pairs: {} clicks of Alice, {} of Bob", hers.times.size(), his.times.size());
  return fmt::format(
      "no coincidences found among {} clicks of Alice and {} of Bob (at best {:.1f} standard deviations)",
      hers.times.size(), his.times.size(), report.sigma);
}

/// By the clocks, so that neither side waits for the other with more than a piece.
class Feeder {
 public:
  Feeder(PairTracker& tracker, const ClosedList& hers, const MeasuredClicks& his)
      : tracker_(&tracker), hers_(&hers), his_(&his) {}
  bool more() const { return a_ < hers_->times.size() || b_ < his_->times.size(); }
  bool feed() {
    const bool at_alice = b_ == his_->times.size() || (a_ < hers_->times.size() && tracker_->behind() == Side::alice);
    const auto fill = [this](const auto& times, std::int64_t origin, std::size_t& at) {
      ticks_.clear();
      for (const std::size_t end = std::min(times.size(), at + kPiece); at < end; ++at)
        ticks_.push_back(origin + static_cast<std::int64_t>(times[at]));
    };
    at_alice ? fill(hers_->times, hers_->origin, a_) : fill(his_->times, his_->origin, b_);
    return tracker_->feed(at_alice ? Side::alice : Side::bob, ticks_, {}).ok();
  }

 private:
  PairTracker* tracker_;
  const ClosedList* hers_;
  const MeasuredClicks* his_;
  std::vector<std::int64_t> ticks_;
  std::size_t a_ = 0, b_ = 0;
};

void take(std::span<const Coincidence> found, MatchedPairs& into) {
  for (const Coincidence& pair : found) {
    into.hers.push_back(pair.alice_index);
    into.his.push_back(static_cast<std::uint32_t>(pair.bob_index));
    into.residuals.push_back(pair.residual);
  }
}

}  // namespace

MatchedPairs BlockMatcher::operator()(const ClosedList& hers, const MeasuredClicks& his) {
  MatchedPairs out;
  TrackerOptions options;
  options.range = range_;
  options.hint = line_;
  PairTracker tracker({static_cast<std::uint64_t>(closed_tick_.count), 1}, {1, 1}, options);
  Feeder feeder(tracker, hers, his);
  while (feeder.more() && feeder.feed()) take(tracker.advance(), out);
  take(tracker.finish(), out);
  out.report = tracker.report();
  if (out.report.locks == 0)
    out.why_none = none(out.report, hers, his);
  else
    line_ = out.report.now;
  delays_.learn(his, out);
  return out;
}

Clicks paired_clicks(MeasuredClicks&& his, const MatchedPairs& pairs, PairState state) {
  Clicks out;
  out.slots = pairs.hers;
  out.bases = his.bases.permuted(pairs.his);
  out.bits = his.bits.permuted(pairs.his);
  if (state == PairState::psi_minus) {
    secret::PublicBits ones(out.bits.size());
    out.bits.xor_with(secret::BitString::from_public(ones.complement()));
  }
  return out;
}

}  // namespace nicol::detection::pairs
