// SPDX-License-Identifier: Apache-2.0
#include "controller/service/pair_receiver.hpp"

#include "controller/service/receiver.hpp"

namespace nicol::service {
namespace {

constexpr std::size_t kTags = 1 << 14;

Error away(Code code, const char* what) { return {code, what, "tagger", 0, {}}; }

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
  r.stream_ = std::make_unique<detection::pairs::ClickStream>(rig.timing, tagger->caps().tick, stream, random);
  return r;
}

Result<PairReceiver::Progress> PairReceiver::work() {
  if (stream_->done()) return Progress::finished;
  hal::TagBlock block = tags_->block();
  const SteadyDeadlines steady;
  const hal::StreamStatus status = tagger_->acquire(block, steady.in(options_.acquire_patience));
  const auto over = guard_->see(block);  // first: what drowns the tagger may be too much for detection as well
  const auto processed = stream_->process(block);
  tags_->wipe(block);
  if (over) return too_bright(*over);
  if (!processed) return processed.error();
  if (stream_->done()) return Progress::finished;
  switch (status) {
    case hal::StreamStatus::stopped:
      return away(Code::disconnected, "the tagger stopped by itself");
    case hal::StreamStatus::disconnected:
      return away(Code::disconnected, "the tagger lost its light or its cable");
    case hal::StreamStatus::corrupt:
      return away(Code::checksum, "the tagger sends garbage");
    case hal::StreamStatus::timeout:
      return Progress::idle;
    default:
      return Progress::acquired;
  }
}

}  // namespace nicol::service
