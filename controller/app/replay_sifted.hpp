// SPDX-License-Identifier: Apache-2.0
// nicol replay, and with it the sifted bits of every replayed block as files.
#pragma once

#include <filesystem>

#include "controller/app/commands.hpp"

namespace nicol::app {

/// `sifted_folder` is SiftedFiles'; empty: no such files.
Exit replay_sifted(const ReplayOptions& options, const std::filesystem::path& sifted_folder, Context& context);

}  // namespace nicol::app
