// SPDX-License-Identifier: Apache-2.0
// Opening a store: the lock, the identity, the marks, every key file, and what a crash left half done.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "controller/keystore/store_impl.hpp"

namespace nicol::keystore {
namespace {

Result<Fd> lock_folder(const Folder& home) {
  auto file = home.open_file("lock", O_RDWR | O_CREAT);
  if (!file) return file;
  if (::flock(file->get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) return file_error("cannot lock", home.path() / "lock");
  return Error{.code = Code::busy, .message = fmt::format("another nicol is using {}", home.path().string())};
}

Result<void> check_preshared(const std::filesystem::path& file, const Identity& identity, const Folder& home) {
  if (file.empty() || ::access(file.c_str(), F_OK) != 0) return {};
  auto psk = read_preshared_key(file);
  if (!psk) return std::move(psk).error();
  if (psk->fingerprint == identity.fingerprint) return {};
  return Error{.code = Code::refused,
               .message = fmt::format("{} is not the pre-shared key that {} was made from; a store keeps one for life",
                                      file.string(), home.path().string())};
}

Owner preshared_owner(const Identity& identity, bool on_disk) {
  KeyFile key;
  key.state = KeyState::available;
  key.split.pools[0] = key.split.pools[1] = identity.plan.auth_high_water;
  Owner owner = owner_of(key);
  owner.on_disk = on_disk;
  return owner;
}

}  // namespace

Result<void> KeyStore::Impl::load_keys() {
  owners.emplace(kPresharedId, preshared_owner(identity, keys.contains(kPresharedBits)));
  auto names = keys.names();
  if (!names) return std::move(names).error();
  for (const std::string& name : *names)
    if (name.ends_with(".rec"))
      if (auto loaded = load_key(name); !loaded) return loaded;
  drop_leftovers(*names);
  if (auto pruned = prune_pads(); !pruned) return pruned;
  for (const OwnedPad& pad : ledger.pads) open_in(pad.pool).add(pad.interval);
  erase_all_used();
  return {};
}

Result<void> KeyStore::Impl::load_key(const std::string& name) {
  auto key = read_key_file(keys, sealer, name);
  if (!key) return std::move(key).error();
  const KeyId id = key->record.id;
  if (key->state == KeyState::destroyed) return finish_destroyed(id);
  Owner owner = owner_of(*key);
  owner.on_disk = keys.contains(bits_name(id));
  if (owner.feeds_pools())
    for (const Pool pool : kPools) ledger.pool(pool).end = std::max(ledger.pool(pool).end, owner.part(pool).end);
  if (key->state == KeyState::pending && pending() != nullptr)
    return Error{.code = Code::checksum,
                 .message = fmt::format("{} holds two pending keys: a file was put back", keys.path().string())};
  owners.emplace(id, std::move(owner));
  return {};
}

Result<void> KeyStore::Impl::finish_destroyed(const KeyId& id) {
  if (keys.contains(bits_name(id))) keys.destroy(bits_name(id), "bits");
  keys.remove(record_name(id), "key");
  return keys.sync();
}

// Bits whose key file was never written, and files that were never renamed.
void KeyStore::Impl::drop_leftovers(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const bool aside = name.ends_with(".tmp");
    const bool orphan = name.ends_with(".bits") && name != kPresharedBits &&
                        std::ranges::none_of(owners, [&](const auto& o) { return bits_name(o.first) == name; });
    if ((aside || orphan) && keys.contains(name)) keys.destroy(name, "leftover");
  }
}

Result<void> KeyStore::Impl::prune_pads() {
  Ledger next = ledger;
  for (const OwnedPad& pad : ledger.pads) release_pads(next, pad.owner);
  return next.pads.size() == ledger.pads.size() ? Result<void>() : commit(std::move(next));
}

KeyStore::KeyStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KeyStore::~KeyStore() = default;

Result<std::unique_ptr<KeyStore>> KeyStore::open(const std::filesystem::path& directory,
                                                 const std::filesystem::path& psk_file, StoreOptions options) {
  auto home = Folder::open(directory, options.fault);
  if (!home) return std::move(home).error();
  auto lock = lock_folder(*home);
  if (!lock) return std::move(lock).error();
  if (!home->contains("store"))
    if (auto made = import_preshared_key(*home, psk_file); !made) return std::move(made).error();
  auto folder = Folder::open(directory / "store", options.fault);
  if (!folder) return std::move(folder).error();
  auto keys = Folder::open(directory / "store" / "keys", options.fault);
  if (!keys) return std::move(keys).error();
  auto sealer = read_store_key(*folder);
  if (!sealer) return std::move(sealer).error();
  auto root = read_root(*folder, *sealer);
  if (!root) return std::move(root).error();
  if (auto same = check_preshared(psk_file, root->identity, *home); !same) return std::move(same).error();
  auto marks = MarksFile::open(*folder, *sealer);
  if (!marks) return std::move(marks).error();
  auto impl = std::make_unique<Impl>(std::move(*lock), std::move(*folder), std::move(*keys), std::move(*sealer),
                                     root->identity, std::move(root->keys), std::move(*marks));
  if (auto loaded = impl->load_keys(); !loaded) return std::move(loaded).error();
  return std::unique_ptr<KeyStore>(new KeyStore(std::move(impl)));
}

}  // namespace nicol::keystore
