// SPDX-License-Identifier: Apache-2.0
// Opens a recording, changes what a test wants changed, and seals it again: what its own key's holder could do.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "controller/recording/tag_codec.hpp"

namespace nicol::test {

struct RecordingEdit {
  /// Any entry but tags: the payload to write instead; nothing leaves the entry out.
  std::function<std::optional<std::vector<std::uint8_t>>(const recording::EntryHead&, std::vector<std::uint8_t>)> entry;
  /// The tags of a block.
  std::function<void(std::span<hal::TimeTag>)> tags;
};

/// Throws std::runtime_error where the recording cannot be read.
void edit_recording(const std::filesystem::path& from, const std::filesystem::path& to,
                    const recording::SealSecret& secret, const RecordingEdit& edit);

}  // namespace nicol::test
