// SPDX-License-Identifier: Apache-2.0
// Verdicts remembered until the peer confirmed them, the pads that a settlement needs after a restart, and how far rows
// of records have come.
#include <fmt/format.h>

#include <algorithm>

#include "controller/keystore/store_impl.hpp"

namespace nicol::keystore {
namespace {

Error refused(std::string message) { return {.code = Code::refused, .message = std::move(message)}; }

}  // namespace

bool KeyStore::Impl::remembers(const Ledger& l, const KeyId& id) const {
  return std::ranges::any_of(l.remembered, [&](const Remembered& r) { return r.id == id; });
}

// Once per key: Alice names the same pads when she remembers a block and when she puts its key.
Result<void> KeyStore::Impl::keep_pads(Ledger& next, const KeyId& owner, const Settlement& settlement) const {
  if (remembers(ledger, owner)) return {};
  const std::array<OwnedPad, 2> pads{OwnedPad{owner, Pool::auth_ba, settlement.query_ba},
                                     OwnedPad{owner, Pool::auth_ab, settlement.answer_ab}};
  for (const OwnedPad& pad : pads) {
    if (pad.interval.size() == 0) continue;
    if (!open_in(pad.pool).contains(pad.interval))
      return refused(fmt::format("settlement bits {}..{} of pool {} are in no reservation of this run",
                                 pad.interval.begin, pad.interval.end, to_string(pad.pool)));
    next.pads.push_back(pad);
  }
  if (next.pads.size() > kMostPads) return refused("too many settlements are waiting");
  return {};
}

void KeyStore::Impl::release_pads(Ledger& next, const KeyId& owner) const {
  const auto it = owners.find(owner);
  const bool waiting = it != owners.end() && it->second.info.state == KeyState::pending;
  if (waiting || remembers(next, owner)) return;
  std::erase_if(next.pads, [&](const OwnedPad& pad) { return pad.owner == owner; });
}

Result<void> KeyStore::Impl::remember(const KeyId& id, std::optional<Verdict::Kind> verdict,
                                      const Settlement& settlement) {
  if (auto good = alive(); !good) return good;
  Ledger next = ledger;
  const auto it = std::ranges::find_if(next.remembered, [&](const Remembered& r) { return r.id == id; });
  if (it == next.remembered.end()) {
    if (next.remembered.size() >= kMostRemembered)
      return refused(fmt::format("{} verdicts wait for the peer to confirm them", kMostRemembered));
    if (const Owner* own = pending(); own == nullptr || own->info.id != id)
      if (auto kept = keep_pads(next, id, settlement); !kept) return kept;
    next.remembered.push_back({id, verdict, settlement});
    return commit(std::move(next));
  }
  if (it->settlement != settlement) return refused("the settlement bits of a block never change");
  if (it->verdict == verdict) return {};
  if (it->verdict) return refused("a verdict never changes");
  it->verdict = verdict;
  return commit(std::move(next));
}

Result<void> KeyStore::Impl::forget(const KeyId& id) {
  if (auto good = alive(); !good) return good;
  if (!remembers(ledger, id)) return {};
  Ledger next = ledger;
  std::erase_if(next.remembered, [&](const Remembered& r) { return r.id == id; });
  release_pads(next, id);
  const std::vector<OwnedPad> before = ledger.pads;
  if (auto done = commit(std::move(next)); !done) return done;
  if (ledger.pads.size() == before.size()) return {};
  for (const OwnedPad& pad : before)
    if (pad.owner == id) open_in(pad.pool).remove(pad.interval);
  erase_all_used();
  return {};
}

Result<void> KeyStore::Impl::advance_record_head(const RecordHead& head) {
  if (auto good = alive(); !good) return good;
  if (head.row.empty() || head.row.size() > kLongestRow || head.forgotten > head.count)
    return refused(fmt::format("\"{}\", {} of {} forgotten: no row of records", head.row, head.forgotten, head.count));
  Ledger next = ledger;
  const auto it = std::ranges::find(next.heads, head.row, &RecordHead::row);
  if (it == next.heads.end()) {
    if (next.heads.size() >= kMostHeads) return refused(fmt::format("a store keeps {} rows of records", kMostHeads));
    next.heads.push_back(head);
    return commit(std::move(next));
  }
  if (head.count < it->count || head.forgotten < it->forgotten || (head.count == it->count && head.id != it->id))
    return refused(fmt::format("row {} has come to record {} and does not go back", head.row, it->count));
  if (head.count == it->count && head.forgotten == it->forgotten) return {};
  *it = head;
  return commit(std::move(next));
}

}  // namespace nicol::keystore
