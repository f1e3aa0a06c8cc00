// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/session/shared_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace nicol::test {
namespace {

using namespace detection::pairs;
constexpr double kBetweenBlocks = 0.7;  // seconds

hal::TimingLayout four_detectors() {
  hal::TimingLayout layout;
  layout.blind_time = Picoseconds{60'000};
  for (std::uint16_t k = 0; k < 4; ++k)
    layout.channels.push_back({k, hal::ChannelRole::detector, static_cast<std::uint8_t>(k & 1),
                               static_cast<std::uint8_t>(k >> 1), Picoseconds{150 * k}});
  return layout;
}

}  // namespace

MeasuredClicks measured(const PairSide& side, double seconds, Picoseconds begin, Random& random, std::uint64_t block) {
  const hal::TimingLayout layout = four_detectors();
  ClickStreamOptions options;
  options.duration = Picoseconds::seconds(seconds);
  options.capacity = 1 << 18;
  options.block = block;
  ClickStream stream(layout, {1, 1}, options, random);
  std::vector<hal::TimeTag> tags;
  for (std::size_t k = 0; k < side.ticks.size(); ++k)
    for (std::uint16_t d = 0; d < 4; ++d)
      if ((side.patterns[k] >> d & 1) != 0) tags.push_back({begin.count + side.ticks[k] + 150 * d, d, 0});
  std::sort(tags.begin(), tags.end(), [](const auto& x, const auto& y) { return x.ticks < y.ticks; });
  hal::TagBlock all;
  all.storage = tags;
  all.tag_count = tags.size();
  all.t_begin = begin.count;
  all.t_end = begin.count + options.duration.count + 1000;
  if (const auto done = stream.process(all); !done) throw std::runtime_error(describe(done.error()));
  return stream.finish();
}

SharedPairs::SharedPairs(TwoNodes& nodes, PairSpec drawn, First first)
    : spec(drawn), nodes_(&nodes), first_(first), matcher_(Picoseconds{1'000}) {
  for (Node* n : {&nodes.alice(), &nodes.bob()}) {
    session::Agreement& a = n->config.agreement;
    a.protocol = session::Protocol::bbm92;
    a.pairs.state = spec.state == PairState::psi_minus ? detection::pairs::PairState::psi_minus
                                                       : detection::pairs::PairState::phi_plus;
    a.block_slots = static_cast<std::uint64_t>(std::llround(spec.seconds * 1e6));
  }
  nodes.drive_light = false;
  nodes.also = [this](Side side, session::Event& event) { on_event(side, event); };
}

void SharedPairs::on_event(Side side, session::Event& event) {
  Node& bob = nodes_->bob();
  if (const auto* light = std::get_if<session::EventOpenLight>(&event)) {
    if (side == Side::bob) return nodes_->apply(Side::bob, bob.session->receiver_ready());
    return measure(light->index);
  }
  auto* closed = std::get_if<session::EventPeerClosed>(&event);
  if (closed == nullptr) return;
  if (first_ == First::alice) nodes_->apply(Side::bob, bob.session->measurement_finished());
  const MatchedPairs pairs = matcher_(closed->hers, *his_);
  reports_.push_back(pairs.report);
  auto clicks = paired_clicks(std::move(*his_), pairs, bob.config.agreement.pairs.state);
  his_.reset();
  nodes_->apply(Side::bob, bob.session->detection_finished({std::move(clicks), {}}));
}

/// The clocks of both run on between blocks.
void SharedPairs::measure(std::uint64_t index) {
  PairSpec block = spec;
  block.seed = spec.seed + index;
  const PairStreams drawn = draw_pairs(block);
  const double begin = static_cast<double>(index) * (spec.seconds + kBetweenBlocks) * 1e12;
  Node &alice = nodes_->alice(), &bob = nodes_->bob();
  his_ = measured(drawn.bob, spec.seconds, {std::llround(begin * (1 + spec.frequency))}, *bob.random, index);
  if (first_ == First::bob) nodes_->apply(Side::bob, bob.session->measurement_finished());
  auto hers = close(measured(drawn.alice, spec.seconds, {std::llround(begin)}, *alice.random, index), {1'000});
  nodes_->apply(Side::alice, alice.session->measurement_closed(std::move(hers.list), std::move(hers.clicks)));
}

}  // namespace nicol::test
