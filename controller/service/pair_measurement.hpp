// SPDX-License-Identifier: Apache-2.0
// One side's part of a block of shared pairs: tags to clicks, until the block's time is over. No device, no clock: the
// receiver feeds it, and a recording is replayed through it.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "controller/detection/pairs/click_stream.hpp"
#include "controller/service/light_journal.hpp"
#include "controller/session/session.hpp"

namespace nicol::service {

struct MeasurementPlan {
  std::uint64_t index = 0, slots = 0;  // of the block
  session::Side side = session::Side::alice;
  session::PairAgreement pairs;
  std::size_t capacity = 0;  // clicks that fit
  hal::TimingLayout timing;
  TickLength tick;
  std::array<std::int64_t, 4> corrections{};  // as ClickStreamOptions has them
};

class PairMeasurement {
 public:
  /// `random` and `journal` (none: nullptr) outlive this.
  PairMeasurement(const MeasurementPlan& plan, Random& random, LightJournal* journal);

  /// What ClickStream::process says; protocol too when the tagger's time leaps further than any block lasts.
  Result<void> process(const hal::TagBlock& block);
  Picoseconds elapsed() const { return stream_->elapsed(); }
  bool done() const { return stream_->done(); }
  std::uint64_t clicks() const { return stream_->clicks(); }
  /// Nothing from here to the block's end is vouched for.
  void drop_from(Picoseconds after_begin);
  /// Ends the block; what is missing of its time is dropped.
  detection::pairs::MeasuredClicks finish();

 private:
  struct Ticks {
    std::int64_t least = 0, most = 0;
  };
  bool leaps(const hal::TagBlock& block);
  LightNotes notes_;
  TickLength tick_;
  std::optional<Ticks> within_;  // of this block
  std::unique_ptr<detection::pairs::ClickStream> stream_;
};

}  // namespace nicol::service
