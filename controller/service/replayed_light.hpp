// SPDX-License-Identifier: Apache-2.0
// The light of a replay: preparation and detection of the block that is open, driven by recorded acts and tags.
#pragma once

#include <memory>
#include <optional>

#include "controller/detection/pairs/block_matcher.hpp"
#include "controller/recording/tag_codec.hpp"
#include "controller/service/block_detection.hpp"
#include "controller/service/pair_measurement.hpp"
#include "controller/service/prepared_slots.hpp"
#include "controller/service/recorded_facts.hpp"
#include "controller/service/tag_buffer.hpp"

namespace nicol::service {

class ReplayedLight {
 public:
  /// locked_memory when the tags cannot be decoded into locked pages.
  static Result<std::unique_ptr<ReplayedLight>> create(const NodeFacts& facts, Random& random);

  /// At a light entry; bad_input names it and the field when it makes no sense here.
  Result<void> act(recording::Reader& from, const session::Agreement& agreement);
  /// At a tag_block entry. Returns how many tags.
  Result<std::uint64_t> tags(recording::Reader& from);

  /// What the session says of the block whose light opens.
  void opened(const session::EventOpenLight& event) { pattern_ = event.pattern; }
  void heard(session::EventHint hint) { hint_ = std::move(hint); }
  void heard(detection::pairs::ClosedList her_list) { her_list_ = std::move(her_list); }
  void block_over();
  /// What the session is called with; taken once.
  detection::SlotDetector::Progress take_progress() { return std::exchange(progress_, {}); }
  std::optional<PreparedSlots::Prepared> take_prepared() { return std::exchange(prepared_, std::nullopt); }
  std::optional<detection::SlotDetector::Finished> take_finished() { return std::exchange(finished_, std::nullopt); }
  /// Alice's, of a block of pairs.
  std::optional<detection::pairs::MeasuredClicks> take_measured() { return std::exchange(measured_, std::nullopt); }

 private:
  ReplayedLight(const NodeFacts& facts, Random& random, recording::TagDecoder decoder);
  bool remember(double frequency, double drift);
  bool begin(LightAct act, std::uint64_t index, std::uint64_t slots, const session::Agreement& agreement);
  bool prepare(LightAct act, std::uint64_t a, std::uint64_t b);
  bool detect(LightAct act, std::uint64_t a, std::uint64_t b);
  bool measure(LightAct act, std::uint64_t a);
  bool match(const session::PairAgreement& pairs);

  NodeFacts facts_;
  Random* random_;
  recording::TagDecoder decoder_;
  TagBuffer buffer_;
  std::unique_ptr<PreparedSlots> slots_;
  std::unique_ptr<BlockDetection> detection_;
  std::unique_ptr<PairMeasurement> measurement_;
  std::optional<PreparedSlots::Chunk> drawn_;
  session::EventHint hint_;
  std::optional<detection::PublicPattern> pattern_;
  std::optional<detection::ClockPrior> known_clock_;  // of the next block
  detection::SlotDetector::Progress progress_;
  std::optional<PreparedSlots::Prepared> prepared_;
  std::optional<detection::SlotDetector::Finished> finished_;
  std::optional<detection::pairs::MeasuredClicks> measured_;
  std::optional<detection::pairs::ClosedList> her_list_;   // Bob
  std::optional<detection::pairs::BlockMatcher> matcher_;  // Bob; of all blocks
};

}  // namespace nicol::service
