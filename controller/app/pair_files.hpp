// SPDX-License-Identifier: Apache-2.0
// Two recorded tag files through the pair tracker, in step, so that memory does not grow with them.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>

#include "controller/app/commands.hpp"
#include "controller/detection/pairs/pair_tracker.hpp"

namespace nicol::app {

using Coincidences = std::span<const detection::pairs::Coincidence>;

/// Reads options.alice and options.bob; `take` gets the coincidences in order. bad_input for the options and for a file
/// that is not what --format says; cancelled by Ctrl-C.
Result<detection::pairs::TrackReport> track_files(const ToolOptions& options, const Context& context,
                                                  const std::function<Result<void>(Coincidences)>& take);

/// The fields of `tool sync`; null where there was no lock.
nlohmann::json sync_json(const detection::pairs::TrackReport& report);

}  // namespace nicol::app
