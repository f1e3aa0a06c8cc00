// SPDX-License-Identifier: Apache-2.0
// A key's life: PENDING -> AVAILABLE -> DELIVERED, or destroyed. Its key file is written before anything follows from
// the new state.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "controller/keystore/store_impl.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::keystore {
namespace {

Error refused(const KeyId& id, std::string_view why) {
  return {.code = Code::refused, .message = fmt::format("key {} {}", record_name(id).substr(0, 36), why)};
}

Result<void> check_key(const BitString& bits, const KeyRecord& record, const Split& split) {
  const std::uint64_t sum = std::accumulate(split.pools.begin(), split.pools.end(), split.delivery);
  if (sum == bits.size() && record.secret_bits == bits.size() && sum != 0 && record.id != kPresharedId) return {};
  return Error{.code = Code::bad_input,
               .message = fmt::format("a key of {} bits (record: {}) cannot be cut into {}", bits.size(),
                                      record.secret_bits, sum)};
}

Result<Bytes> seal(const Sealer& sealer, const BitString& bits, const KeyId& id, const Split& split) {
  BitsHeader header;
  header.owner = id.bytes;
  os_random_fill(std::as_writable_bytes(std::span(header.nonce)));
  header.bits = sections_of(split);
  return bits.with_read([&](std::span<const std::uint64_t> words) {
    const auto bytes = std::as_bytes(words);
    return seal_bits(sealer, header, [&](std::uint64_t first, std::uint64_t count, std::span<std::byte> out) {
      copy_bits(bytes, first, out, 0, count);
    });
  });
}

}  // namespace

Owner* KeyStore::Impl::find(const KeyId& id) {
  const auto it = id == kPresharedId ? owners.end() : owners.find(id);
  return it == owners.end() ? nullptr : &it->second;
}

const Owner* KeyStore::Impl::pending() const {
  const auto it = std::ranges::find_if(owners, [](const auto& o) { return o.second.info.state == KeyState::pending; });
  return it == owners.end() ? nullptr : &it->second;
}

Result<void> KeyStore::Impl::put(const BitString& bits, const KeyRecord& record, const Split& split,
                                 const Settlement& settlement) {
  if (auto good = alive(); !good) return good;
  if (auto good = check_key(bits, record, split); !good) return good;
  if (record.origin != identity.pool_class)
    return refused(record.id,
                   fmt::format("is {}, the pools are {}: they are never mixed", distillation::to_string(record.origin),
                               distillation::to_string(identity.pool_class)));
  if (const Owner* other = pending())
    return refused(record.id, fmt::format("waits: block {} is not settled", other->info.block));
  if (owners.contains(record.id)) return refused(record.id, "is in the store already");
  Ledger next = ledger;
  if (auto kept = keep_pads(next, record.id, settlement); !kept) return kept;
  const bool pads_changed = next.pads.size() != ledger.pads.size();
  auto sealed = seal(sealer, bits, record.id, split);
  if (!sealed) return std::move(sealed).error();
  const std::string name = bits_name(record.id);
  if (auto done = note(keys.replace(name, "bits", *sealed)); !done) return done;
  if (pads_changed)
    if (auto done = commit(std::move(next)); !done) return done;
  KeyFile key{.state = KeyState::pending, .split = split, .begins = {}, .settlement = settlement, .record = record};
  if (auto done = persist(key, "key"); !done) {
    if (!dead) keys.destroy(name, "bits");  // after a failed sync the key file may be there, and names them
    return done;
  }
  owners.emplace(record.id, owner_of(key));
  return {};
}

Result<void> KeyStore::Impl::settle(const KeyId& id, Verdict::Kind kind) {
  if (auto good = alive(); !good) return good;
  const bool keep = kind == Verdict::Kind::available;
  Owner* owner = find(id);
  if (owner == nullptr) {
    if (!keep) return {};  // unknown means destroyed
    return Error{.code = Code::not_found, .message = refused(id, "is not in the store").message};
  }
  if (owner->info.state == KeyState::pending) return keep ? make_available(*owner) : destroy(*owner);
  if (keep) return {};
  return refused(id, "is available and cannot be destroyed by a verdict");
}

Result<void> KeyStore::Impl::make_available(Owner& owner) {
  auto key = read_key_file(keys, sealer, record_name(owner.info.id));
  if (!key) return std::move(key).error();
  Ledger next = ledger;
  for (const Pool pool : kPools) {
    const auto p = static_cast<std::size_t>(pool);
    key->begins[p] = next.pools[p].end;
    next.pools[p].end += owner.info.split.pools[p];
  }
  key->state = KeyState::available;
  if (auto done = persist(*key, "key.available"); !done) return done;
  owner.info.state = KeyState::available;
  owner.begins = key->begins;
  release_pads(next, owner.info.id);
  return commit(std::move(next));
}

Result<void> KeyStore::Impl::destroy(Owner& owner) {
  const KeyId id = owner.info.id;
  auto key = read_key_file(keys, sealer, record_name(id));
  if (!key) return std::move(key).error();
  key->state = KeyState::destroyed;
  if (auto done = persist(*key, "key.destroyed"); !done) return done;
  keys.destroy(bits_name(id), "bits");
  keys.remove(record_name(id), "key");
  owners.erase(id);
  if (auto done = note(keys.sync()); !done) return done;
  Ledger next = ledger;
  release_pads(next, id);
  return next.pads.size() == ledger.pads.size() ? Result<void>() : commit(std::move(next));
}

Result<BitString> KeyStore::Impl::delivery_bits(const Owner& owner) {
  const KeyId& id = owner.info.id;
  auto file = BitsFile::open(keys, bits_name(id), id.bytes, sections_of(owner.info.split));
  if (!file) return std::move(file).error();
  BitString bits(owner.info.bits);
  auto read = bits.with_write([&](std::span<std::uint64_t> words) {
    return file->read(sealer, kDeliverySection, 0, owner.info.bits, std::as_writable_bytes(words), 0);
  });
  if (!read) return std::move(read).error();
  return bits;
}

Result<BitString> KeyStore::Impl::available_bits(const KeyId& id) {
  if (auto good = alive(); !good) return std::move(good).error();
  const Owner* owner = find(id);
  if (owner == nullptr || owner->info.state != KeyState::available)
    return Error{.code = Code::not_found, .message = refused(id, "is not available").message};
  return owner->info.bits == 0 ? Result<BitString>(BitString()) : delivery_bits(*owner);
}

Result<BitString> KeyStore::Impl::deliver(const KeyId& id) {
  if (auto good = alive(); !good) return std::move(good).error();
  Owner* owner = find(id);
  if (owner == nullptr) return Error{.code = Code::not_found, .message = refused(id, "is not in the store").message};
  if (owner->info.state != KeyState::available)
    return refused(id, fmt::format("is {}, only an available key is delivered, once", to_string(owner->info.state)));
  if (owner->info.bits == 0) return refused(id, "went into the pools whole, nothing is left to deliver");
  auto bits = delivery_bits(*owner);
  if (!bits) return bits;
  auto key = read_key_file(keys, sealer, record_name(id));
  if (!key) return std::move(key).error();
  key->state = KeyState::delivered;
  if (auto done = persist(*key, "key.delivered"); !done) return std::move(done).error();
  owner->info.state = KeyState::delivered;
  erase(*owner, kDeliverySection, 0, owner->erased[kDeliverySection].size());
  return bits;
}

}  // namespace nicol::keystore
