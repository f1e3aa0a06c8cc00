// SPDX-License-Identifier: Apache-2.0
// Bob from the light to the sample: his list D goes out with its own tag, and he shows bits only where the plan both
// sides agreed on says so.
#include <fmt/core.h>

#include "controller/session/machine.hpp"
#include "controller/session/tap.hpp"

namespace nicol::session {

void Machine::hint(std::uint64_t complete_slots, std::vector<std::uint64_t> clicked) {
  if (!enter(Call::hint)) return;
  block_->hinted_slots = complete_slots;
  send(FrameType::hint, encode(Hint{complete_slots, std::move(clicked)}));
}

void Machine::detection_finished(detection::Clicks&& clicks) {
  if (!enter(Call::detection_finished)) return;
  block_->light = false;
  take_out_public(clicks);
  if (clicks.slots.size() > kMaxDetections)
    return fault(session_error(
        Code::exhausted, fmt::format("{} detections in one block (at most {})", clicks.slots.size(), kMaxDetections)));
  sifting::DetectionList list = sifting::announce(clicks);
  block_->result.detections = list.slots.size();
  block_->result.dropped_slots = list.dropped_slots();
  block_->clicks = std::move(clicks);
  const Bytes body = encode(list);
  if (tap_ != nullptr) block_->list = std::move(list);  // where his sifted bits stand
  if (Result<void> sent = send_tagged(FrameType::detections, TagPurpose::detections, body); !sent) fault(sent.error());
}

Result<void> Machine::on_bases(const Incoming& in) {
  const Result<Bases> m = decode_bases(in.body, block_->result.detections);
  if (!m) return m.error();
  if (m->reply.slots_kept_total > secret_slots())
    return session_error(Code::authentication, "more slots kept than the block has");
  Result<sifting::BobSift> sift = sifting::sift_bob(std::move(*block_->clicks), m->reply);
  block_->clicks.reset();
  if (!sift) return unauthenticated(sift.error());
  if (tap_ != nullptr) tap_->sifted(block_->index, block_->list, m->reply, sift->block);
  block_->list = {};
  block_->result.correlators = sift->correlators;
  if (Result<void> ok = sifting::check_coins(m->coins, sift->block, block_->agreement.sample); !ok)
    return unauthenticated(ok.error());
  Result<distillation::Estimation> estimation =
      distillation::Estimation::start(std::move(sift->block), m->coins, length_inputs(block_->agreement, peer_, own_));
  if (!estimation) return unauthenticated(estimation.error());
  send(FrameType::samples, encode(Samples{std::move(sift->mismatched_bits), estimation->ask()}));
  Result<distillation::Estimation::Done> done = std::move(*estimation).step(m->sample);
  if (!done) return unauthenticated(done.error());
  if (auto ending = fails_estimation(*done)) return end_without_key(*std::move(ending));
  block_->raw_bits = done->block->size();
  if (Result<void> fits = fits_arena(distillation::cascade_scratch_bytes(block_->raw_bits)); !fits) return fits;
  const auto plan = distillation::cascade_plan(done->facts, block_->raw_bits, m->permutation_seed);
  auto corrector = distillation::CascadeCorrector::start(*std::move(done->block), plan, *arena_);
  if (!corrector) return corrector.error();
  block_->corrector = *std::move(corrector);
  return ask_or_finish();
}

}  // namespace nicol::session
