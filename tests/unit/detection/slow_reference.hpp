// SPDX-License-Identifier: Apache-2.0
// The rules of detection written down once more, slowly: every slot looked at by itself, every tag against every gate,
// in plain 128-bit rationals. Knows which sync tags are true.
#pragma once

#include <map>
#include <set>

#include "tests/unit/detection/hand_made.hpp"

namespace nicol::detection::test {

struct SlowReference {
  __extension__ using Wide = __int128;
  struct True {
    std::uint64_t index;
    std::int64_t ticks;
  };
  const Stream& stream;
  std::vector<True> syncs;  // that arrived, true ones only
  const secret::BitString* bases = nullptr;

  Wide num() const { return stream.tick.num; }
  Wide den() const { return stream.tick.den; }
  Wide time(const hal::TimeTag& t) const { return Wide(t.ticks) * num() - Wide(stream.delay(t.channel)) * den(); }
  Wide sync_time(std::size_t i) const { return Wide(syncs[i].ticks) * num(); }

  /// The line slot k lies on: slot `first` starts at `begin`, `steps` slots last `length`.
  struct Line {
    Wide begin, first, length, steps;
  };
  Line line(std::size_t i) const {
    const Wide n = stream.timing.sync_divider;
    if (i + 1 < syncs.size())
      return {sync_time(i), Wide(syncs[i].index) * n, sync_time(i + 1) - sync_time(i),
              Wide(syncs[i + 1].index - syncs[i].index) * n};
    const std::size_t back = syncs.size() < 16 ? 0 : syncs.size() - 16;
    return {sync_time(i), Wide(syncs[i].index) * n, sync_time(i) - sync_time(back),
            Wide(syncs[i].index - syncs[back].index) * n};
  }
  Line line_of_time(Wide t) const {
    std::size_t i = 0;
    while (i + 1 < syncs.size() && sync_time(i + 1) <= t) ++i;
    return line(i);
  }
  Line line_of_slot(Wide k) const {
    std::size_t i = 0;
    while (i + 1 < syncs.size() && Wide(syncs[i + 1].index) * stream.timing.sync_divider <= k) ++i;
    return line(i);
  }
  /// Twice the offset of t from the start of slot k, times the line's steps.
  static Wide offset(const Line& l, Wide t, Wide k) { return 2 * ((t - l.begin) * l.steps - (k - l.first) * l.length); }
  Wide reach(const Line& l) const { return Wide(stream.timing.gate_width.count) * den() * l.steps; }

  Seen run(Random& random) const {
    struct Tag {
      Wide time, slot;
      std::size_t detector;
      bool in_gate;
    };
    std::vector<Tag> tags;
    Seen seen;
    for (const hal::TimeTag& t : stream.tags) {
      if (t.channel > 3) continue;
      const Wide at = time(t);
      const Line l = line_of_time(at);
      Wide k = l.first + (at - l.begin) * l.steps / l.length;
      while (offset(l, at, k) < -l.length) --k;
      while (offset(l, at, k) >= l.length) ++k;
      const Wide o = offset(l, at, k);
      tags.push_back({at, k, t.channel, o >= -reach(l) && o < reach(l)});
    }
    std::map<Wide, std::set<std::size_t>> fired;
    for (const Tag& t : tags)
      if (t.in_gate && t.slot >= 0 && t.slot < Wide(stream.slots)) fired[t.slot].insert(t.detector);
    for (const auto& [slot, detectors] : fired) {
      const Line l = line_of_slot(slot);
      bool dead = false;
      for (const Tag& t : tags) {
        const Wide from_gate = offset(l, t.time, slot) + reach(l);  // twice, times steps
        const Wide blind = 2 * Wide(stream.timing.blind_time.count) * den() * l.steps;
        if (from_gate < 0 && from_gate + blind > 0) dead = true;
      }
      if (!dead && !lost(slot)) say(slot, detectors, random, seen);
    }
    for (std::uint64_t k = 0; k < stream.slots; ++k)
      if (lost(k)) {
        if (seen.dropped.empty() || seen.dropped.back().end != k) seen.dropped.push_back({k, k});
        ++seen.dropped.back().end;
      }
    return seen;
  }

  /// A slot's tags arrive from the opening of its first detector's gate to the closing of its last one's.
  bool lost(Wide slot) const {
    const Line l = line_of_slot(slot);
    std::int64_t least = stream.delay(0), largest = least;
    for (std::uint16_t c = 1; c < 4; ++c) {
      least = std::min(least, stream.delay(c));
      largest = std::max(largest, stream.delay(c));
    }
    for (const auto& loss : stream.losses) {
      const Wide begin = Wide(loss.begin) * num() - Wide(largest) * den();
      const Wide end = Wide(loss.end) * num() + Wide(stream.timing.blind_time.count - least) * den();
      if (offset(l, begin, slot) < reach(l) && offset(l, end, slot) > -reach(l)) return true;
    }
    return false;
  }

  void say(Wide slot, const std::set<std::size_t>& detectors, Random& random, Seen& seen) const {
    const std::size_t d = *detectors.begin();
    bool basis = d / 2 == 1, bit = d % 2 == 1;
    if (detectors.size() > 1) {
      std::byte coin{};
      random.fill(Purpose::multi_click, static_cast<std::uint64_t>(slot), std::span(&coin, 1));
      bit = (static_cast<unsigned>(coin) & 2U) != 0;
      const bool cross = *detectors.begin() < 2 && *detectors.rbegin() > 1;
      if (cross) basis = (static_cast<unsigned>(coin) & 1U) != 0;
      ++(cross ? seen.report.cross_basis_multi : seen.report.same_basis_multi);
    }
    seen.slots.push_back(static_cast<std::uint64_t>(slot));
    seen.bases.push_back(basis);
    seen.bits.push_back(bit);
  }
};

}  // namespace nicol::detection::test
