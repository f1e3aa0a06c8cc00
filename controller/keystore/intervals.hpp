// SPDX-License-Identifier: Apache-2.0
// Sets of bit positions of a pool, as disjoint half-open intervals in increasing order.
#pragma once

#include <vector>

#include "controller/keystore/key_store.hpp"

namespace nicol::keystore {

class IntervalSet {
 public:
  IntervalSet() = default;
  explicit IntervalSet(std::vector<Interval> disjoint_and_sorted) : parts_(std::move(disjoint_and_sorted)) {}
  /// Joins what touches.
  void add(Interval interval);
  void remove(Interval interval);
  bool contains(Interval interval) const;  // all of it
  bool touches(Interval interval) const;   // any of it
  const std::vector<Interval>& parts() const { return parts_; }
  std::vector<Interval>& parts() { return parts_; }

 private:
  std::vector<Interval> parts_;
};

constexpr Interval intersection(Interval a, Interval b) {
  const std::uint64_t begin = a.begin > b.begin ? a.begin : b.begin, end = a.end < b.end ? a.end : b.end;
  return begin < end ? Interval{begin, end} : Interval{};
}

}  // namespace nicol::keystore
