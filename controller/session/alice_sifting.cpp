// SPDX-License-Identifier: Apache-2.0
// Alice from the light to her bases: she discloses nothing before the tag on Bob's list D verified and her last slot is
// out. Otherwise Eve, holding the light, would invent D, learn the bases and measure right.
#include <algorithm>

#include "controller/session/machine.hpp"
#include "controller/session/tap.hpp"

namespace nicol::session {
namespace {

std::uint64_t draw_word(Random& random, Purpose purpose, std::uint64_t index) {
  std::array<std::byte, 8> bytes{};
  random.fill(purpose, index, bytes);
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) word |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  return word;
}

}  // namespace

Result<void> Machine::on_hint(const Incoming& in) {
  Result<Hint> m = decode_hint(in.body, block_->slots);
  if (!m) return m.error();
  const bool goes_back =
      m->complete_slots < block_->hinted_slots || (!m->clicked.empty() && m->clicked.front() < block_->hinted_slots);
  if (goes_back) return session_error(Code::authentication, "a HINT that goes back");
  block_->hinted_slots = m->complete_slots;
  if (state_ != State::list_wait) event(EventHint{m->complete_slots, std::move(m->clicked)});
  return {};
}

void Machine::emission_finished(detection::Clicks&& prepared, std::uint64_t slots_prepared) {
  if (!enter(Call::emission_finished)) return;
  block_->light = false;
  take_out_public(prepared);
  block_->clicks = std::move(prepared);
  block_->slots_prepared = std::min(slots_prepared, secret_slots());
  if (state_ != State::samples_wait) return;
  if (Result<void> done = disclose_bases(); !done) fault(done.error());
}

Result<void> Machine::on_detections(const Incoming& in) {
  if (Result<void> verified = verify_tag(in, TagPurpose::detections); !verified) return verified;
  Result<sifting::DetectionList> list = decode_detections(in.body, block_->entries);
  if (!list) return list.error();
  block_->result.detections = list->slots.size();
  block_->result.dropped_slots = list->dropped_slots();
  block_->list = *std::move(list);
  if (state_ == State::samples_wait) return disclose_bases();
  // He had closed when light stopped: what was not emitted is in his list as dropped, and nothing more is.
  if (std::exchange(block_->pauses.under_way, false)) event(EventResumeLight{block_->slots});
  return {};
}

Result<void> Machine::disclose_bases() {
  Result<sifting::AliceSift> sift =
      sifting::sift_alice(std::move(*block_->clicks), block_->entries, block_->slots_prepared, block_->list);
  block_->clicks.reset();
  if (!sift) return sift.error();
  if (tap_ != nullptr) tap_->sifted(block_->index, block_->list, sift->reply, sift->block);
  Bases m;
  m.coins = sifting::draw_coins(sift->block, block_->agreement.sample, *random_, block_->index);
  m.permutation_seed = draw_word(*random_, Purpose::reconciliation, block_->index);
  m.reply = std::move(sift->reply);
  Result<distillation::Estimation> estimation =
      distillation::Estimation::start(std::move(sift->block), m.coins, length_inputs(block_->agreement, own_, peer_));
  if (!estimation) return estimation.error();
  m.sample = estimation->ask();
  send(FrameType::bases, encode(m));
  block_->permutation_seed = m.permutation_seed;
  block_->estimation = *std::move(estimation);
  block_->reply = std::move(m.reply);
  return {};
}

Result<void> Machine::on_samples(const Incoming& in) {
  const Result<Samples> m =
      decode_samples(in.body, block_->reply.mismatched_bits.size(), block_->estimation->ask().size());
  if (!m) return m.error();
  const Result<sifting::Mismatched> correlators = sifting::correlate(block_->reply, block_->list, m->mismatched);
  if (!correlators) return unauthenticated(correlators.error());
  block_->result.correlators = *correlators;
  Result<distillation::Estimation::Done> done = std::move(*block_->estimation).step(m->sample);
  block_->estimation.reset();
  block_->list = {};
  block_->reply = {};
  if (!done) return unauthenticated(done.error());
  if (auto ending = fails_estimation(*done)) return end_without_key(*std::move(ending));
  block_->raw_bits = done->block->size();
  if (Result<void> fits = fits_arena(distillation::cascade_scratch_bytes(block_->raw_bits)); !fits) return fits;
  const auto plan = distillation::cascade_plan(done->facts, block_->raw_bits, block_->permutation_seed);
  auto answerer = distillation::CascadeAnswerer::start(*std::move(done->block), plan, *arena_);
  if (!answerer) return answerer.error();
  block_->answerer = *std::move(answerer);
  return {};
}

}  // namespace nicol::session
