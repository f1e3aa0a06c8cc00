// SPDX-License-Identifier: Apache-2.0
// The store's inner steps: commits, bits read and erased.
#include "controller/keystore/store_impl.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nicol::keystore {
namespace {

constexpr Interval chunk_interval(Interval part, std::uint64_t chunk) {
  const std::uint64_t begin = part.begin + chunk * kChunkBits;
  return {begin, std::min(begin + kChunkBits, part.end)};
}

}  // namespace

Owner owner_of(const KeyFile& key) {
  Owner owner;
  owner.info = {.id = key.record.id,
                .state = key.state,
                .bits = key.split.delivery,
                .check = key.record.check,
                .origin = key.record.origin,
                .block = key.record.block,
                .split = key.split};
  owner.begins = key.begins;
  owner.settlement = key.settlement;
  owner.on_disk = true;
  const SectionBits sections = sections_of(key.split);
  for (std::size_t s = 0; s < kSections; ++s) owner.erased[s].resize(chunks_in(sections[s]));
  return owner;
}

Result<void> KeyStore::Impl::alive() const {
  if (!dead) return {};
  return Error{.code = Code::io,
               .message = fmt::format("the pools of {} are closed until a restart, because what is on the disk is "
                                      "unknown",
                                      store.path().string()),
               .device = {},
               .native_code = dead->native_code,
               .cause = {*dead}};
}

Result<void> KeyStore::Impl::note(Result<void> outcome) {
  if (!outcome && outcome.error().code == Code::hardware_fault) dead = outcome.error();
  return outcome;
}

Result<void> KeyStore::Impl::commit(Ledger next) {
  if (next.pads.size() > kMostPads || next.remembered.size() > kMostRemembered)
    return Error{.code = Code::refused, .message = "too many settlements are waiting for the peer"};
  next.generation = ledger.generation + 1;
  auto written = note(marks.write(store, sealer, next));
  if (!written) return written;
  ledger = std::move(next);
  return {};
}

Result<void> KeyStore::Impl::persist(const KeyFile& key, std::string_view what) {
  return note(write_key_file(keys, sealer, key, what));
}

void KeyStore::Impl::open_for_taking(Pool pool, Interval interval) {
  IntervalSet& set = open_in(pool);
  set.add(interval);
  if (set.parts().size() <= kMostOpenReservations) return;
  set.remove(set.parts().front());  // the oldest reservation of a long run: burnt, unless kept for a settlement
  for (const OwnedPad& pad : ledger.pads)
    if (pad.pool == pool) set.add(pad.interval);
}

PoolStatus KeyStore::Impl::status(Pool pool) const {
  const PoolMarks& p = ledger.pool(pool);
  return {.pool = pool, .mark = p.mark, .end = p.end};
}

Result<secret::LockedKey> KeyStore::Impl::load(Pool pool, Interval interval) const {
  auto bits = secret::LockedKey::create(static_cast<std::size_t>((interval.size() + 7) / 8));
  if (!bits) return std::move(bits).error();
  std::uint64_t found = 0;
  for (const auto& [id, owner] : owners) {
    const Interval part = owner.part(pool), wanted = intersection(part, interval);
    if (!owner.feeds_pools() || !owner.on_disk || wanted.size() == 0) continue;
    auto file = BitsFile::open(keys, owner.preshared() ? kPresharedBits : bits_name(id), id.bytes,
                               sections_of(owner.info.split));
    if (!file) return std::move(file).error();
    auto read = bits->with_write([&](std::span<std::byte> out) {
      return file->read(sealer, static_cast<std::size_t>(pool), wanted.begin - part.begin, wanted.size(), out,
                        wanted.begin - interval.begin);
    });
    if (!read) return std::move(read).error();
    found += wanted.size();
  }
  if (found != interval.size())
    return Error{.code = Code::checksum,
                 .message = fmt::format("{} of bits {}..{} of pool {} are missing from {}", interval.size() - found,
                                        interval.begin, interval.end, to_string(pool), keys.path().string())};
  return bits;
}

bool KeyStore::Impl::live(Pool pool, Interval interval) const {
  const PoolMarks& p = ledger.pool(pool);
  return interval.end > p.mark || p.gaps.touches(interval) || open_in(pool).touches(interval) ||
         std::ranges::any_of(ledger.pads, [&](const OwnedPad& pad) {
           return pad.pool == pool && intersection(pad.interval, interval).size() != 0;
         });
}

void KeyStore::Impl::erase(Owner& owner, std::size_t section, std::uint64_t first_chunk,
                           std::uint64_t end_chunk) noexcept {
  const SectionBits sections = sections_of(owner.info.split);
  const std::string name = owner.preshared() ? kPresharedBits : bits_name(owner.info.id);
  auto file = BitsFile::open(keys, name, owner.info.id.bytes, sections);
  auto& erased = owner.erased[section];
  for (std::uint64_t c = first_chunk; c < std::min<std::uint64_t>(end_chunk, erased.size()); ++c) {
    if (erased[c]) continue;
    const bool used = section == kDeliverySection ? owner.info.state == KeyState::delivered
                                                  : !live(static_cast<Pool>(section),
                                                          chunk_interval(owner.part(static_cast<Pool>(section)), c));
    if (!used) continue;
    if (file) file->erase_chunk(section, c);
    erased[c] = true;
  }
  const bool all =
      std::ranges::all_of(owner.erased, [](const auto& s) { return std::ranges::all_of(s, std::identity{}); });
  if (!all) return;
  keys.destroy(name, "bits");
  owner.on_disk = false;
}

void KeyStore::Impl::erase_used(Pool pool, Interval interval) noexcept {
  for (auto& [id, owner] : owners) {
    const Interval part = owner.part(pool), used = intersection(part, interval);
    if (!owner.feeds_pools() || !owner.on_disk || used.size() == 0) continue;
    erase(owner, static_cast<std::size_t>(pool), (used.begin - part.begin) / kChunkBits,
          (used.end - part.begin + kChunkBits - 1) / kChunkBits);
  }
}

void KeyStore::Impl::erase_all_used() noexcept {
  for (auto& [id, owner] : owners)
    for (std::size_t section = 0; section < kSections; ++section)
      if (owner.feeds_pools() && owner.on_disk) erase(owner, section, 0, owner.erased[section].size());
}

}  // namespace nicol::keystore
