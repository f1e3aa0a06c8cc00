// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/merge.hpp"

#include <algorithm>
#include <array>

namespace nicol::detection::pairs {
namespace {

constexpr std::size_t kWalks = 4, kWorthCutting = 256, kCutTries = 32;

struct Walk {
  std::size_t a = 0, b = 0, a_end = 0, b_end = 0, found = 0;
  Match* out = nullptr;
  /// So many steps cannot run past either end.
  std::size_t safe_steps() const { return std::min(a_end - a, b_end - b); }
};

[[gnu::always_inline]] inline void step(Walk& w, const std::int64_t* a, const std::int64_t* b, Window window) {
  const std::int64_t difference = b[w.b] - a[w.a];
  const bool early = difference<window.low, late = difference> window.high;
  w.out[w.found] = {static_cast<std::uint32_t>(w.a), static_cast<std::uint32_t>(w.b)};
  w.found += static_cast<std::size_t>(!(early | late));
  w.a += static_cast<std::size_t>(!early);
  w.b += static_cast<std::size_t>(!late);
}

void finish(Walk& walk, const std::int64_t* a, const std::int64_t* b, Window window) {
  Walk w = walk;
  while (w.a < w.a_end && w.b < w.b_end) step(w, a, b, window);
  walk = w;
}

void together(std::array<Walk, kWalks>& walks, const std::int64_t* a, const std::int64_t* b, Window window) {
  Walk w0 = walks[0], w1 = walks[1], w2 = walks[2], w3 = walks[3];
  for (;;) {
    std::size_t n = std::min({w0.safe_steps(), w1.safe_steps(), w2.safe_steps(), w3.safe_steps()});
    if (n < 16) break;
    for (; n > 0; --n) {
      step(w0, a, b, window);
      step(w1, a, b, window);
      step(w2, a, b, window);
      step(w3, a, b, window);
    }
  }
  walks = {w0, w1, w2, w3};
  for (Walk& w : walks) finish(w, a, b, window);
}

/// The first place from index `from` of a on where nothing before can pair with anything after; a.size() where the
/// streams are too dense for one.
struct Cut {
  std::size_t a = 0, b = 0;
};
Cut cut_from(std::span<const std::int64_t> a, std::span<const std::int64_t> b, std::size_t from, Window window) {
  for (std::size_t i = from; i < std::min(a.size(), from + kCutTries); ++i) {
    const auto after = std::upper_bound(b.begin(), b.end(), a[i - 1] + window.high);
    if (after == b.begin() || *(after - 1) < a[i] + window.low) return {i, static_cast<std::size_t>(after - b.begin())};
  }
  return {a.size(), b.size()};
}

std::array<Walk, kWalks> cut_into_walks(std::span<const std::int64_t> a, std::span<const std::int64_t> b,
                                        Window window) {
  std::array<Walk, kWalks> walks;
  Cut begin;
  for (std::size_t k = 0; k < kWalks; ++k) {
    const std::size_t from = std::max(begin.a + 1, (k + 1) * a.size() / kWalks);
    const Cut end = k + 1 == kWalks ? Cut{a.size(), b.size()} : cut_from(a, b, from, window);
    walks[k] = {begin.a, begin.b, end.a, end.b, 0, nullptr};
    begin = end;
  }
  return walks;
}

/// Where one walk over everything would have stopped: in the first piece that used up b, or in the last one there is.
MergeEnd end_of(std::size_t a_size, std::size_t b_size, const std::array<Walk, kWalks>& walks) {
  MergeEnd end;
  for (const Walk& w : walks) end.matches += w.found;
  for (std::size_t k = 0; k < kWalks; ++k) {
    end.a = walks[k].a, end.b = walks[k].b;
    if (end.b == b_size || walks[k].a_end == a_size) break;
  }
  return end;
}

}  // namespace

MergeEnd merge_in_one_walk(std::span<const std::int64_t> a, std::span<const std::int64_t> b, Window window,
                           std::vector<Match>& out) {
  const std::size_t room = std::min(a.size(), b.size()) + 1;
  if (out.size() < room) out.resize(room);
  Walk w{0, 0, a.size(), b.size(), 0, out.data()};
  finish(w, a.data(), b.data(), window);
  return {w.a, w.b, w.found};
}

MergeEnd merge(std::span<const std::int64_t> a, std::span<const std::int64_t> b, Window window,
               std::vector<Match>& out) {
  if (std::min(a.size(), b.size()) < kWorthCutting) return merge_in_one_walk(a, b, window, out);
  auto walks = cut_into_walks(a, b, window);
  std::size_t room = 0;
  for (const Walk& w : walks) room += w.safe_steps() + 1;
  if (out.size() < room) out.resize(room);
  Match* at = out.data();
  for (Walk& w : walks) w.out = at, at += w.safe_steps() + 1;
  together(walks, a.data(), b.data(), window);
  Match* end = out.data();
  for (const Walk& w : walks) end = std::copy(w.out, w.out + w.found, end);
  return end_of(a.size(), b.size(), walks);
}

}  // namespace nicol::detection::pairs
