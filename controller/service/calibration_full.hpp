// SPDX-License-Identifier: Apache-2.0
// That a full calibration is under way: what a later one goes on with where this one was cancelled or killed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "controller/keystore/key_store.hpp"

namespace nicol::service {

/// Durable; from now on interrupted_full() says when it began, until full_ended().
Result<void> full_begins(const std::filesystem::path& state, const keystore::KeyStore& store, std::int64_t now);
void full_ended(const std::filesystem::path& state);
/// When it began; empty: none did, it is more than a day ago, or its note is not this node's.
std::optional<std::int64_t> interrupted_full(const std::filesystem::path& state, const keystore::KeyStore& store,
                                             std::int64_t now);

}  // namespace nicol::service
