// SPDX-License-Identifier: Apache-2.0
#include "controller/service/replayed_bits.hpp"

#include <array>
#include <stdexcept>

namespace nicol::service {
namespace {

using detection::Basis;
using detection::index;

/// Entry by entry of what Bob announced: where bases agree the next bit of that basis stands.
struct Order {
  std::vector<std::int64_t> places;
  std::vector<std::uint32_t> bits;  // of the rectilinear ones followed by the diagonal ones
};
Order order_of(const sifting::DetectionList& list, const sifting::BasesReply& reply,
               const sifting::SiftedBlock& block) {
  Order order;
  std::array<std::size_t, 2> next{0, block.size(Basis::rectilinear)};
  std::size_t kept = 0;
  for (std::size_t entry = 0; entry < list.slots.size(); ++entry) {
    if (!reply.kept.get(entry)) continue;
    const bool hers = reply.bases.get(kept++), his = list.bases.get(entry);
    if (hers != his) continue;
    order.places.push_back(static_cast<std::int64_t>(list.slots[entry]));
    order.bits.push_back(static_cast<std::uint32_t>(next[index(hers ? Basis::diagonal : Basis::rectilinear)]++));
  }
  return order;
}

}  // namespace

ReplayedBits replayed_bits(std::uint64_t block_index, const sifting::DetectionList& list,
                           const sifting::BasesReply& reply, const sifting::SiftedBlock& block) {
  Order order = order_of(list, reply, block);
  const auto both = secret::BitString::concat(block.bits(Basis::rectilinear), block.bits(Basis::diagonal));
  if (order.bits.size() != both.size()) throw std::logic_error("sifted bits that are not those of the list");
  return {block.side(), block_index, std::move(order.places), both.permuted(order.bits)};
}

}  // namespace nicol::service
