// SPDX-License-Identifier: Apache-2.0
// Interval sets: small vectors, linear scans.
#include "controller/keystore/intervals.hpp"

#include <algorithm>

namespace nicol::keystore {

void IntervalSet::add(Interval interval) {
  if (interval.begin >= interval.end) return;
  std::vector<Interval> next;
  next.reserve(parts_.size() + 1);
  for (const Interval& p : parts_) {
    if (p.end < interval.begin || p.begin > interval.end)
      next.push_back(p);
    else
      interval = {std::min(p.begin, interval.begin), std::max(p.end, interval.end)};
  }
  next.insert(std::ranges::upper_bound(next, interval.begin, {}, &Interval::begin), interval);
  parts_ = std::move(next);
}

void IntervalSet::remove(Interval interval) {
  std::vector<Interval> next;
  next.reserve(parts_.size() + 1);
  for (const Interval& p : parts_) {
    if (intersection(p, interval).size() == 0) {
      next.push_back(p);
      continue;
    }
    if (p.begin < interval.begin) next.push_back({p.begin, interval.begin});
    if (interval.end < p.end) next.push_back({interval.end, p.end});
  }
  parts_ = std::move(next);
}

bool IntervalSet::contains(Interval interval) const {
  return std::ranges::any_of(parts_,
                             [&](const Interval& p) { return p.begin <= interval.begin && interval.end <= p.end; });
}

bool IntervalSet::touches(Interval interval) const {
  return std::ranges::any_of(parts_, [&](const Interval& p) { return intersection(p, interval).size() != 0; });
}

}  // namespace nicol::keystore
