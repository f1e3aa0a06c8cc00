// SPDX-License-Identifier: Apache-2.0
// nicol calibrate --record FOLDER: the raw tags of a calibration's light, in states that everybody may know. They say
// nothing of any key, so they are plain; `tool tags` reads them.
#pragma once

#include <filesystem>
#include <optional>

#include "controller/service/calibration_run.hpp"
#include "drivers/files/tag_tape.hpp"

namespace nicol::app {

/// FOLDER/bob.tags (bob-2.tags and on where the tagger begins to count anew), whole when the tape goes.
class CalibrationTape {
 public:
  /// Empty: nothing is kept.
  explicit CalibrationTape(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// Makes the folder (0700).
  Result<void> begin() const;
  /// For one thread; the tape outlives it. Empty where nothing is kept.
  service::WatchTags watch();

 private:
  void see(const hal::Rig& own, const hal::TagBlock& block);
  std::filesystem::path folder_;
  std::optional<files::TagTape> tape_;  // made at the first block: before, nobody knows the tagger
};

}  // namespace nicol::app
