// SPDX-License-Identifier: Apache-2.0
// Cascade's book-keeping at Bob: which ranges still hold an odd number of errors, which parities to ask next. It sees
// errors only, never key bits, and all it does shows in the asks, so it needs no locked memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "controller/distillation/cascade.hpp"
#include "controller/distillation/cascade_orders.hpp"
#include "controller/distillation/cascade_schedule.hpp"

namespace nicol::distillation::detail {

/// Each pass is a forest: its blocks, and under them the halves whose parity is known. Every leaf with odd residual
/// parity is an open binary search; a correction turns the leaf that holds it over in every pass. All parities are of
/// Bob's string as corrected so far against Alice's.
class CascadeSearch {
 public:
  CascadeSearch(PassOrders& orders, double expected_qber, const CascadeSchedule& schedule);

  /// The ranges to ask next, sorted by pass; empty when done. Never one whose parity follows from known ones.
  const std::vector<ParityRange>& next();
  /// Takes the residual parities (Alice's XOR Bob's) of what next() gave; returns the positions to invert.
  std::span<const std::uint32_t> learn(const PublicBits& residual);
  bool gave_up() const { return stage_ == Stage::gave_up; }

 private:
  /// measuring: pass 0 is halved until its blocks suit the errors it shows.
  enum class Stage : std::uint8_t { measuring, shuffled, confirming, done, gave_up };
  enum class Total : std::uint8_t { unknown, even };
  struct Node {
    std::uint32_t begin = 0, end = 0;
    std::uint32_t child = 0;  // left half; the right one follows. 0: leaf
    bool odd = false, listed = false;
    std::uint32_t size() const { return end - begin; }
  };
  struct Pass {
    std::vector<Node> nodes;  // the blocks first
    std::uint32_t block = 0;
    bool last_inferred = false;
  };
  struct NodeId {
    std::uint32_t pass = 0, node = 0;
  };

  Node& at(NodeId id) { return passes_[id.pass].nodes[id.node]; }
  void advance();
  void drop_settled();
  void ask_open_searches();
  void ask_split(NodeId id);
  bool first_pass_too_coarse() const;
  void ask_halves_of_first_pass();
  void ask_blocks(std::uint32_t block, Total total);
  void ask_shuffled_pass();
  void ask_confirmations();
  void learn_blocks(const PublicBits& residual);
  void learn_split(NodeId id, bool left_odd);
  void set_odd(NodeId id, bool odd);
  void correct_found();
  void turn_over(std::uint32_t pass, std::uint32_t position);

  PassOrders& orders_;
  CascadeSchedule schedule_;
  double expected_qber_;
  Stage stage_ = Stage::measuring;
  std::uint32_t block_;  // of pass 0 at its present fineness
  std::vector<Pass> passes_;
  std::vector<NodeId> open_, asked_, found_;  // found_: single positions that are odd
  std::vector<std::uint32_t> corrections_;
  std::vector<ParityRange> ranges_;
  bool asked_blocks_ = false;
  std::uint32_t calm_ = 0;  // confirmations in a row that agreed at once
  std::uint64_t parities_asked_ = 0;
};

}  // namespace nicol::distillation::detail
