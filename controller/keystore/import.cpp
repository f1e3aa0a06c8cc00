// SPDX-License-Identifier: Apache-2.0
// First use: the pre-shared key becomes a store, in a folder aside that is renamed into place when it is whole, so that
// a crash leaves either no store or a complete one. A store that exists is never made again over the same bits.
#include <fcntl.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstring>

#include "controller/keystore/store_impl.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::keystore {
namespace {

constexpr std::array<std::uint8_t, 9> kStoreKeyHead{'N', 'I', 'C', 'O', 'L', 'K', 'E', 'Y', 1};
constexpr std::uint32_t kRootMagic = 0x5243494e;  // "NICR"
constexpr std::uint8_t kRootVersion = 1;
const std::string kStoreKey = "store.key", kRoot = "root";

template <class A, class I>
void visit(A& a, I& identity) {
  a.choice(identity.pool_class, Origin::replayed);
  a(identity.plan.auth_high_water, identity.plan.otp_share, identity.fingerprint);
}

Error damaged(const std::filesystem::path& path) {
  return {.code = Code::checksum,
          .message = fmt::format("{} is damaged, and is not repaired: this store is lost", path.string())};
}

Result<void> write_store_key(const Folder& folder) {
  auto key = secret::LockedKey::create(kStoreKeyHead.size() + kStoreKeyBytes, secret::Birth::random);
  if (!key) return std::move(key).error();
  key->with_write([&](std::span<std::byte> s) { std::memcpy(s.data(), kStoreKeyHead.data(), kStoreKeyHead.size()); });
  return folder.replace(kStoreKey, "import.store-key",
                        [&](int fd) { return write_all(fd, *key, folder.path() / kStoreKey); });
}

Result<void> write_root(const Folder& folder, const Sealer& sealer, const PresharedKey& psk) {
  Writer w;
  w(kRootMagic, kRootVersion);
  const Identity identity{psk.plan.pool_class, psk.plan.plan, psk.fingerprint};
  visit(w, identity);
  Nonce nonce;
  os_random_fill(std::as_writable_bytes(std::span(nonce)));
  w(nonce);
  Bytes file = std::move(w).take();
  const Bytes sealed = psk.file.with_read(
      [&](std::span<const std::byte> s) { return sealer.seal(s.subspan(psk.roots, kRootBytes), nonce, file); });
  file.insert(file.end(), sealed.begin(), sealed.end());
  return folder.replace(kRoot, "import.root", file);
}

Result<void> write_pools(const Folder& keys, const Sealer& sealer, const PresharedKey& psk) {
  BitsHeader header;
  os_random_fill(std::as_writable_bytes(std::span(header.nonce)));
  header.bits[0] = header.bits[1] = psk.plan.plan.auth_high_water;
  auto file = psk.file.with_read([&](std::span<const std::byte> s) {
    const auto pools = s.subspan(psk.pools);
    return seal_bits(sealer, header, [&](std::uint64_t first, std::uint64_t count, std::span<std::byte> out) {
      copy_bits(pools, first, out, 0, count);
    });
  });
  if (!file) return std::move(file).error();
  return keys.replace(kPresharedBits, "import.bits", *file);
}

Result<void> fill(const Folder& fresh, const Folder& keys, const PresharedKey& psk) {
  if (auto done = write_store_key(fresh); !done) return done;
  auto sealer = read_store_key(fresh);
  if (!sealer) return std::move(sealer).error();
  if (auto done = write_root(fresh, *sealer, psk); !done) return done;
  if (auto done = write_pools(keys, *sealer, psk); !done) return done;
  Ledger first;
  first.pool(Pool::auth_ab).end = first.pool(Pool::auth_ba).end = psk.plan.plan.auth_high_water;
  if (auto done = MarksFile::create(fresh, *sealer, first); !done) return done;
  if (auto done = keys.sync(); !done) return done;
  return fresh.sync();
}

void remove_unfinished(const Folder& home) {
  if (!home.contains("store.new")) return;
  if (auto keys = Folder::open(home.path() / "store.new" / "keys", {})) std::move(*keys).destroy_all("import.leftover");
  if (auto fresh = Folder::open(home.path() / "store.new", {})) std::move(*fresh).destroy_all("import.leftover");
}

}  // namespace

Result<void> import_preshared_key(const Folder& home, const std::filesystem::path& psk_file) {
  auto psk = read_preshared_key(psk_file);
  if (!psk) return std::move(psk).error();
  remove_unfinished(home);
  auto fresh = Folder::open(home.path() / "store.new", home.fault());
  if (!fresh) return std::move(fresh).error();
  auto keys = Folder::open(home.path() / "store.new" / "keys", home.fault());
  if (!keys) return std::move(keys).error();
  if (auto done = fill(*fresh, *keys, *psk); !done) {
    remove_unfinished(home);
    return done;
  }
  home.at("import", "commit");
  if (::renameat(home.fd(), "store.new", home.fd(), "store") != 0)
    return file_error("cannot rename to", home.path() / "store");
  home.at("import", "rename");
  if (auto done = home.sync(); !done) return done;
  home.at("import", "dirsync");
  return {};
}

Result<Sealer> read_store_key(const Folder& store) {
  const std::filesystem::path path = store.path() / kStoreKey;
  auto file = store.open_file(kStoreKey, O_RDONLY);
  if (!file) return std::move(file).error();
  if (auto priv = check_private_file(file->get(), path); !priv) return std::move(priv).error();
  auto whole = read_locked(file->get(), kStoreKeyHead.size() + kStoreKeyBytes, path);
  if (!whole) return std::move(whole).error();
  const bool good = whole->with_read([](std::span<const std::byte> s) {
    return s.size() == kStoreKeyHead.size() + kStoreKeyBytes &&
           std::memcmp(s.data(), kStoreKeyHead.data(), kStoreKeyHead.size()) == 0;
  });
  if (!good) return damaged(path);
  (void)whole->take_front(kStoreKeyHead.size());
  return Sealer::create(std::move(whole).value());
}

Result<Root> read_root(const Folder& store, const Sealer& sealer) {
  const std::filesystem::path path = store.path() / kRoot;
  auto bytes = store.read(kRoot, 4096);
  if (!bytes) return std::move(bytes).error();
  constexpr std::size_t kSealed = kRootBytes + kSealOverhead;
  if (bytes->size() < kSealed) return damaged(path);
  const auto head = std::span<const std::uint8_t>(*bytes).first(bytes->size() - kSealed);
  Reader r(head);
  std::uint32_t magic = 0;
  std::uint8_t version = 0;
  Root root;
  Nonce nonce;
  r(magic, version);
  if (r.ok() && magic == kRootMagic && version > kRootVersion)
    return Error{.code = Code::not_supported,
                 .message = fmt::format("{} has format {}, this Nicol reads {}", path.string(), version, kRootVersion)};
  visit(r, root.identity);
  r(nonce);
  if (!r.complete() || magic != kRootMagic) return damaged(path);
  auto keys = secret::LockedKey::create(kRootBytes);
  if (!keys) return std::move(keys).error();
  const auto sealed = std::span<const std::uint8_t>(*bytes).last(kSealed);
  if (!keys->with_write([&](std::span<std::byte> plain) { return sealer.open(sealed, nonce, head, plain); }))
    return damaged(path);
  root.keys.alpha_ab = keys->take_front(16);
  root.keys.alpha_ba = keys->take_front(16);
  root.keys.service_key = std::move(keys).value();
  return root;
}

}  // namespace nicol::keystore
