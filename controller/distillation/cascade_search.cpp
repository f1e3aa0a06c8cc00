// SPDX-License-Identifier: Apache-2.0
// Which parities Cascade asks, and what follows from the answers.
#include "controller/distillation/cascade_search.hpp"

#include <algorithm>

namespace nicol::distillation::detail {

namespace {

constexpr std::size_t kNodesPerBlock = 8;  // blocks, and the halves of those that were searched, as a rule

}  // namespace

CascadeSearch::CascadeSearch(PassOrders& orders, double expected_qber, const CascadeSchedule& schedule)
    : orders_(orders),
      schedule_(schedule),
      expected_qber_(expected_qber),
      block_(first_block(expected_qber, orders.bits(), schedule)) {}

const std::vector<ParityRange>& CascadeSearch::next() {
  ranges_.clear();
  asked_.clear();
  asked_blocks_ = false;
  while (ranges_.empty() && stage_ != Stage::done && stage_ != Stage::gave_up) {
    drop_settled();
    if (stage_ != Stage::measuring && !open_.empty())
      ask_open_searches();
    else
      advance();
  }
  parities_asked_ += ranges_.size();
  if (parities_asked_ > parity_limit(orders_.bits())) {
    stage_ = Stage::gave_up;
    ranges_.clear();
  }
  return ranges_;
}

void CascadeSearch::advance() {
  switch (stage_) {
    case Stage::measuring:
      if (passes_.empty()) return ask_blocks(block_, Total::unknown);
      if (first_pass_too_coarse()) return ask_halves_of_first_pass();
      stage_ = Stage::shuffled;
      return;
    case Stage::shuffled:
      return ask_shuffled_pass();
    case Stage::confirming:
      return ask_confirmations();
    case Stage::done:
    case Stage::gave_up:
      return;
  }
}

void CascadeSearch::drop_settled() {
  std::erase_if(open_, [this](NodeId id) {
    Node& node = at(id);
    const bool settled = !node.odd || node.child != 0;
    if (settled) node.listed = false;
    return settled;
  });
}

void CascadeSearch::ask_open_searches() {
  std::uint32_t lowest = kMaximumPasses, smallest = orders_.bits();
  for (const NodeId id : open_) {
    lowest = std::min(lowest, id.pass);
    smallest = std::min(smallest, at(id).size());
  }
  if (lowest >= kShuffledPasses) {  // a found error mostly settles the other subsets too
    const auto first = std::find_if(open_.begin(), open_.end(), [&](NodeId id) { return id.pass == lowest; });
    return ask_split(*first);
  }
  for (std::uint32_t pass = lowest; pass < kShuffledPasses; ++pass) {
    // Larger blocks wait: what is found in smaller ones often settles them, and their parities would be spent twice.
    const std::uint64_t largest = pass == lowest ? orders_.bits() : std::uint64_t{smallest} * schedule_.conflict;
    for (const NodeId id : open_)
      if (id.pass == pass && at(id).size() <= largest) ask_split(id);
  }
}

void CascadeSearch::ask_split(NodeId id) {
  const Node& node = at(id);
  asked_.push_back(id);
  ranges_.push_back({id.pass, node.begin, node.begin + node.size() / 2});
}

bool CascadeSearch::first_pass_too_coarse() const {
  BlockCount blocks{block_};
  for (const Node& node : passes_[0].nodes) {
    if (node.child != 0) continue;
    ++blocks.all;
    blocks.odd += node.odd ? 1 : 0;
  }
  return too_coarse(expected_qber_, blocks, schedule_);
}

void CascadeSearch::ask_halves_of_first_pass() {
  block_ /= 2;
  for (std::uint32_t i = 0; i < passes_[0].nodes.size(); ++i) {
    const Node& node = passes_[0].nodes[i];
    if (node.child == 0 && node.size() > 1) ask_split({0, i});
  }
}

void CascadeSearch::ask_blocks(std::uint32_t block, Total total) {
  const auto pass = static_cast<std::uint32_t>(passes_.size());
  const std::uint32_t size = orders_.size(pass);
  Pass& made = passes_.emplace_back();
  made.block = block;
  made.nodes.reserve((size / block + 1) * kNodesPerBlock);
  for (std::uint32_t begin = 0; begin < size; begin += std::min(block, size - begin)) {
    const Node node{begin, begin + std::min(block, size - begin)};
    const auto index = static_cast<std::uint32_t>(made.nodes.size());
    made.nodes.push_back(node);
    if (total == Total::even && node.end == size) break;
    asked_.push_back({pass, index});
    ranges_.push_back({pass, node.begin, node.end});
  }
  made.last_inferred = total == Total::even;
  asked_blocks_ = true;
}

void CascadeSearch::ask_shuffled_pass() {
  const std::size_t pass = passes_.size();
  if (pass == kShuffledPasses) {
    stage_ = Stage::confirming;
    return;
  }
  const std::uint64_t block = std::uint64_t{block_} * (pass == 1 ? schedule_.second : schedule_.third);
  if (block < orders_.bits())
    ask_blocks(static_cast<std::uint32_t>(block), Total::even);
  else
    passes_.emplace_back();  // one block: its parity is known
}

void CascadeSearch::ask_confirmations() {
  if (calm_ >= schedule_.confirmations) {
    stage_ = Stage::done;
    return;
  }
  for (std::uint32_t made = 0; made < schedule_.confirmations_per_round;) {
    const auto pass = static_cast<std::uint32_t>(passes_.size());
    if (pass == kMaximumPasses) {
      stage_ = Stage::gave_up;
      ranges_.clear();
      return;
    }
    if (orders_.size(pass) == 0) {
      passes_.emplace_back();
      continue;
    }
    ask_blocks(orders_.bits(), Total::unknown);
    ++made;
  }
}

std::span<const std::uint32_t> CascadeSearch::learn(const PublicBits& residual) {
  corrections_.clear();
  found_.clear();
  if (asked_blocks_) {
    learn_blocks(residual);
  } else {
    for (std::size_t i = 0; i < asked_.size(); ++i) learn_split(asked_[i], residual.get(i));
  }
  correct_found();
  return corrections_;
}

void CascadeSearch::learn_blocks(const PublicBits& residual) {
  bool total = false;
  for (std::size_t i = 0; i < asked_.size(); ++i) {
    set_odd(asked_[i], residual.get(i));
    total ^= residual.get(i);
  }
  const auto last = static_cast<std::uint32_t>(passes_.size()) - 1;
  if (passes_[last].last_inferred) set_odd({last, static_cast<std::uint32_t>(passes_[last].nodes.size()) - 1}, total);
  if (stage_ != Stage::confirming) return;
  calm_ = residual.popcount() == 0 ? calm_ + static_cast<std::uint32_t>(asked_.size()) : 0;
}

void CascadeSearch::learn_split(NodeId id, bool left_odd) {
  auto& nodes = passes_[id.pass].nodes;
  const Node parent = nodes[id.node];
  const auto left = static_cast<std::uint32_t>(nodes.size());
  const std::uint32_t middle = parent.begin + parent.size() / 2;
  nodes.push_back({parent.begin, middle});
  nodes.push_back({middle, parent.end});
  nodes[id.node].child = left;
  set_odd({id.pass, left}, left_odd);
  set_odd({id.pass, left + 1}, parent.odd != left_odd);
}

void CascadeSearch::set_odd(NodeId id, bool odd) {
  Node& node = at(id);
  node.odd = odd;
  if (!odd) return;
  if (node.size() == 1) {
    found_.push_back(id);
  } else if (!node.listed) {
    node.listed = true;
    open_.push_back(id);
  }
}

void CascadeSearch::correct_found() {
  for (const NodeId id : found_) {
    if (!at(id).odd) continue;  // the same error, found in two passes at once
    const std::uint32_t position = orders_.position(id.pass, at(id).begin);
    corrections_.push_back(position);
    for (std::uint32_t pass = 0; pass < passes_.size(); ++pass) turn_over(pass, position);
  }
}

void CascadeSearch::turn_over(std::uint32_t pass, std::uint32_t position) {
  if (passes_[pass].nodes.empty()) return;
  const auto place = orders_.place(pass, position);
  if (!place) return;
  const auto& nodes = passes_[pass].nodes;
  std::uint32_t leaf = *place / passes_[pass].block;
  while (nodes[leaf].child != 0) leaf = nodes[leaf].child + (*place < nodes[nodes[leaf].child].end ? 0 : 1);
  Node& node = at({pass, leaf});
  node.odd = !node.odd;
  // A single position that becomes odd again contradicts earlier answers; verification will say so.
  if (!node.odd || node.size() == 1 || node.listed) return;
  node.listed = true;
  open_.push_back({pass, leaf});
}

}  // namespace nicol::distillation::detail
