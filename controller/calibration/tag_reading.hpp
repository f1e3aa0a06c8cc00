// SPDX-License-Identifier: Apache-2.0
// One block of light as the own tagger has it, tag block by tag block: what every look at light begins, reads and
// ends.
#pragma once

#include <functional>
#include <vector>

#include "controller/calibration/bench.hpp"

namespace nicol::calibration {

inline constexpr std::size_t kLightPiece = std::size_t{1} << 16;  // slots that wait nowhere for their reader

/// Whole sync periods that last so long together, in slots; at least one.
std::uint64_t slots_in(const hal::TimingLayout& timing, double seconds);

/// Between a source that plays patterns and the own tagger.
struct LightPath {
  hal::PulsedSource* source = nullptr;
  hal::TimeTagger* tagger = nullptr;
};
/// not_found: no pulsed source on the other side, no tagger here. not_supported: a source that plays no patterns.
Result<LightPath> light_path(Bench& bench);

/// Both shutters open, detectors and tagger run, the source shines: armed before, by whoever may consent to it. Dark
/// again where one of them refuses.
Result<void> begin_light(Bench& bench, const LightPath& path);
/// Dark on both sides, the tagger at rest.
void end_light(Bench& bench) noexcept;

class TagReading {
 public:
  using Take = std::function<Result<void>(const hal::TagBlock&)>;
  /// `take` has every block of tags, once the bench's guard has seen it.
  TagReading(Bench& bench, const LightPath& path, Take take);

  /// All that is there, without waiting for more.
  Result<void> look();
  /// After the last of `slots` was emitted: until `enough`, or until nothing comes any more.
  Result<void> rest(std::uint64_t slots, const std::function<bool()>& enough);

 private:
  Result<bool> acquire(Deadline deadline);
  Bench* bench_;
  LightPath path_;
  Take take_;
  std::vector<hal::TimeTag> tags_;
  std::vector<hal::LossInterval> losses_;
};

}  // namespace nicol::calibration
