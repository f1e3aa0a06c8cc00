// SPDX-License-Identifier: Apache-2.0
#include "controller/app/calibration_tape.hpp"

#include <fmt/format.h>

#include "drivers/files/tag_tee.hpp"

namespace nicol::app {

Result<void> CalibrationTape::begin() const {
  if (folder_.empty()) return {};
  std::error_code failed;
  const bool made = std::filesystem::create_directories(folder_, failed);
  if (made && !failed) std::filesystem::permissions(folder_, std::filesystem::perms::owner_all, failed);
  if (!failed) return {};
  return Error{Code::io, fmt::format("{}: {}", folder_.string(), failed.message()), "", failed.value(), {}};
}

service::WatchTags CalibrationTape::watch() {
  if (folder_.empty()) return {};
  return [this](const hal::Rig& own, const hal::TagBlock& block) { see(own, block); };
}

void CalibrationTape::see(const hal::Rig& own, const hal::TagBlock& block) {
  if (!tape_) {
    const auto file = folder_ / "bob.tags";
    tape_.emplace(*own.find<hal::TimeTagger>("tagger"),
                  files::TapeOptions{file, files::card_order(own.timing), [file](const Error& e) {
                                       fmt::print(stderr, "nicol: tags are not kept any more in {}: {}\n",
                                                  file.string(), describe(e));
                                     }});
  }
  tape_->keep(block);
}

}  // namespace nicol::app
