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
                                         const PairReceiverOptions& options, std::uint64_t block) {
  auto* tagger = rig.find<hal::TimeTagger>("tagger");
  if (tagger == nullptr) return Error{Code::not_found, "the rig has no tagger", "", 0, {}};
  if (rig.receiver != hal::ReceiverKind::passive)
    return Error{Code::not_supported, "pairs need a passive receiver: no slot says which basis was set", "", 0, {}};
  PairReceiver r(*tagger, guard, options);
  if (auto open = open_eyes(rig); !open) return std::move(open).error();
  guard.begin_anew();
  if (auto started = tagger->start(); !started) return std::move(started).error();
  detection::pairs::ClickStreamOptions stream;
  stream.duration = options.duration;
  stream.capacity = options.clicks_per_block;
  stream.closed_tick = options.closed_tick;
  stream.block = block;
  stream.corrections = options.corrections;
  r.stream_ = std::make_unique<detection::pairs::ClickStream>(rig.timing, tagger->caps().tick, stream, random);
  return r;
}

Result<PairReceiver::Progress> PairReceiver::work() {
  if (stream_->done()) return Progress::finished;
  TagLook look = look_at_tags(*tagger_, *tags_, *guard_, options_.acquire_patience,
                              [&](const hal::TagBlock& block) { return stream_->process(block); });
  if (!look.seen) return std::move(look.seen).error();
  if (stream_->done()) return Progress::finished;  // whatever became of the tagger
  if (auto ok = stands(look.status); !ok) return std::move(ok).error();
  return look.status == hal::StreamStatus::timeout ? Progress::idle : Progress::acquired;
}

}  // namespace nicol::service
