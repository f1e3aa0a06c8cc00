// SPDX-License-Identifier: Apache-2.0
// The hot loop of coincidences: two ordered streams, pairs within a window, each event at most once, nothing sorted and
// no branch that depends on the data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nicol::detection::pairs {

/// b - a of a pair, both ends included.
struct Window {
  std::int64_t low = 0, high = 0;
};

struct Match {
  std::uint32_t a = 0, b = 0;
};

/// Where the merge stood when one stream was used up: events before these indices are done with.
struct MergeEnd {
  std::size_t a = 0, b = 0, matches = 0;
};

/// In order of a, each takes the earliest b inside the window that no earlier a took. Both ordered. `out` is made
/// larger when it cannot hold them all, and holds `matches` of them at its beginning. The streams are cut where no pair
/// can span the cut and the pieces walked side by side: one walk waits for its own loads and comparisons most of the
/// time.
MergeEnd merge(std::span<const std::int64_t> a, std::span<const std::int64_t> b, Window window,
               std::vector<Match>& out);

/// One walk, for what the other has to equal.
MergeEnd merge_in_one_walk(std::span<const std::int64_t> a, std::span<const std::int64_t> b, Window window,
                           std::vector<Match>& out);

}  // namespace nicol::detection::pairs
