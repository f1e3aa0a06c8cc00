// SPDX-License-Identifier: Apache-2.0
// Alice and Bob of one link in one process: from a scenario in a folder, or from the two files that `init` wrote.
#pragma once

#include <optional>

#include "controller/app/setup.hpp"

namespace nicol::app {

struct Pair {
  NodeSetup alice, bob;
};

/// Both halves in `folder`, with one pre-shared key made there if there is none.
Result<Pair> pair_in(const std::filesystem::path& folder, const std::string& scenario_name);
/// The two config files that `init` wrote, found from either of them; takes their memory policy.
Result<Pair> pair_from_config(const std::filesystem::path& file);

struct Together {
  std::optional<std::uint64_t> seed;  // from the OS when empty
  std::string eve = "none", speed = "max";
};
/// One seed, one loopback port, one Eve for both nodes of this process.
Result<void> tie_together(Pair& pair, const Together& options);
/// Raw tags of both into `folder`/alice.tags and bob.tags, in our own format; an empty one: none. They say every bit of
/// the keys, so bad_input where light is real.
Result<void> keep_raw_tags(Pair& pair, const std::filesystem::path& folder);
/// locked_memory with need, limit and fix when this user may not lock what the pair needs.
Result<void> check_memory(const Pair& pair);

}  // namespace nicol::app
