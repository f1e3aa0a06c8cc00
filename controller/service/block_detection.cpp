// SPDX-License-Identifier: Apache-2.0
#include "controller/service/block_detection.hpp"

#include <bit>

#include "controller/service/settings.hpp"

namespace nicol::service {

BlockDetection::BlockDetection(const DetectionPlan& plan, Random& random, LightJournal* journal) : notes_(journal) {
  if (plan.known_clock)
    notes_.act(LightAct::known_clock, std::bit_cast<std::uint64_t>(plan.known_clock->frequency),
               std::bit_cast<std::uint64_t>(plan.known_clock->drift));
  notes_.act(LightAct::detect, plan.index, plan.slots);
  detection::DetectorOptions options;
  options.slots = plan.slots;
  options.capacity = plan.capacity;
  options.pattern = plan.pattern;
  options.known_clock = plan.known_clock;
  if (plan.receiver == hal::ReceiverKind::active) {
    const auto n = static_cast<std::size_t>(plan.slots);
    choices_ = std::make_unique<Choices>();
    choices_->bases = draw_bits(n, plan.p_diagonal, random, Purpose::receiver_settings, plan.index * 2);
    choices_->swapped = draw_bits(n, 0.5, random, Purpose::receiver_settings, plan.index * 2 + 1);
    options.settings = {&choices_->bases, &choices_->swapped};
  }
  detector_.emplace(plan.timing, plan.tick, options, random);
}

Result<void> BlockDetection::process(const hal::TagBlock& block) {
  notes_.tags(block);
  return detector_->process(block);
}

detection::SlotDetector::Progress BlockDetection::take_progress() {
  auto progress = detector_->take_progress();
  if (progress.complete_slots != taken_ || !progress.clicked.empty()) notes_.act(LightAct::progress);
  taken_ = progress.complete_slots;
  return progress;
}

void BlockDetection::drop(detection::SlotRange slots) {
  notes_.act(LightAct::drop, slots.begin, slots.end);
  detector_->drop(slots);
}

void BlockDetection::hold() {
  notes_.act(LightAct::hold);
  detector_->hold();
}

Result<void> BlockDetection::resume(std::uint64_t first_slot, detection::StreamAfterPause stream) {
  notes_.act(LightAct::resume, first_slot, static_cast<std::uint64_t>(stream));
  return detector_->resume(first_slot, stream);
}

detection::SlotDetector::Finished BlockDetection::finish() {
  notes_.act(LightAct::finish);
  return detector_->finish();
}

}  // namespace nicol::service
