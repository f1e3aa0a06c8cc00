// SPDX-License-Identifier: Apache-2.0
#include "controller/service/pair_receiver.hpp"

#include "controller/service/receiver.hpp"
#include "controller/service/tag_look.hpp"

namespace nicol::service {
namespace {

constexpr std::size_t kTags = 1 << 14;

}  // namespace

PairReceiver::PairReceiver(hal::TimeTagger& tagger, RateGuard& guard, const PairReceiverOptions& options)
    : tagger_(&tagger), guard_(&guard), options_(options), tags_(std::make_unique<TagBuffer>(kTags)) {}

Result<PairReceiver> PairReceiver::begin(hal::Rig& rig, Random& random, RateGuard& guard,
                                         const PairReceiverOptions& options, std::uint64_t block, std::uint64_t slots) {
  auto* tagger = rig.find<hal::TimeTagger>("tagger");
  if (tagger == nullptr) return Error{Code::not_found, "the rig has no tagger", "", 0, {}};
  if (rig.receiver != hal::ReceiverKind::passive)
    return Error{Code::not_supported, "pairs need a passive receiver: no slot says which basis was set", "", 0, {}};
  PairReceiver r(*tagger, guard, options);
  if (auto open = open_eyes(rig); !open) return std::move(open).error();
  guard.begin_anew();
  if (auto started = tagger->start(); !started) return std::move(started).error();
  const MeasurementPlan plan{block,
                             slots,
                             options.side,
                             options.pairs,
                             options.clicks_per_block,
                             rig.timing,
                             tagger->caps().tick,
                             options.corrections};
  r.measurement_ = std::make_unique<PairMeasurement>(plan, random, options.journal);
  return r;
}

Result<PairReceiver::Progress> PairReceiver::work() {
  if (measurement_->done()) return Progress::finished;
  TagLook look = look_at_tags(*tagger_, *tags_, *guard_, options_.acquire_patience,
                              [&](const hal::TagBlock& block) { return measurement_->process(block); });
  if (!look.seen) return std::move(look.seen).error();
  if (measurement_->done()) return Progress::finished;  // whatever became of the tagger
  if (auto ok = stands(look.status); !ok) return std::move(ok).error();
  return look.status == hal::StreamStatus::timeout ? Progress::idle : Progress::acquired;
}

}  // namespace nicol::service
