// SPDX-License-Identifier: Apache-2.0
#include "controller/recording/seal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "controller/keystore/files.hpp"

namespace nicol::recording {
namespace {

constexpr std::string_view kPurpose = "nicol.recording.stream.1";

const unsigned char* raw(std::span<const std::byte> s) { return reinterpret_cast<const unsigned char*>(s.data()); }
unsigned char* raw(std::span<std::byte> s) { return reinterpret_cast<unsigned char*>(s.data()); }

Result<void> sodium_ready() {
  if (sodium_init() < 0) return Error{Code::internal, "libsodium did not start", "", 0, {}};
  return {};
}

/// 32 bytes that stand for the secret: the key file itself, or Argon2id of the passphrase.
Result<secret::LockedKey> root_of(const SealSecret& secret, const Salt& salt, PassphraseCost cost) {
  auto root = secret::LockedKey::create(kSealKeyBytes);
  if (!root) return root;
  const int made = secret.bytes.with_read([&](std::span<const std::byte> from) {
    return root->with_write([&](std::span<std::byte> to) {
      if (secret.kind == SealKind::key_file)
        return std::copy(from.begin(), from.end(), to.begin()) == to.end() ? 0 : -1;
      return crypto_pwhash(raw(to), to.size(), reinterpret_cast<const char*>(from.data()), from.size(), salt.data(),
                           cost.operations, std::size_t{cost.memory_kib} * 1024, crypto_pwhash_ALG_ARGON2ID13);
    });
  });
  if (made == 0) return root;
  return Error{
      Code::exhausted, fmt::format("the passphrase needs {} KiB of memory to try", cost.memory_kib), "", 0, {}};
}

}  // namespace

Result<void> make_seal_key(const std::filesystem::path& file) {
  const keystore::Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.open()) return keystore::file_error("cannot make the seal key", file);
  const auto key = secret::LockedKey::create(kSealKeyBytes, secret::Birth::random);
  if (!key) return key.error();
  if (auto written = keystore::write_all(fd.get(), *key, file); !written) return written;
  return keystore::sync_file(fd.get(), file);
}

Result<SealSecret> read_seal_key(const std::filesystem::path& file) {
  const keystore::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.open()) return keystore::file_error("opening the seal key", file, Code::bad_input);
  if (auto ours = keystore::check_private_file(fd.get(), file); !ours) return std::move(ours).error();
  auto key = keystore::read_locked(fd.get(), kSealKeyBytes, file);
  if (!key) return std::move(key).error();
  if (key->size() != kSealKeyBytes)
    return Error{Code::bad_input,
                 fmt::format("{}: a seal key holds {} bytes, this file {}", file.string(), kSealKeyBytes, key->size()),
                 "",
                 0,
                 {}};
  return SealSecret{SealKind::key_file, *std::move(key)};
}

Result<SealSecret> read_passphrase(int descriptor) {
  auto room = secret::LockedKey::create(kLongestPassphrase + 1);
  if (!room) return std::move(room).error();
  std::size_t used = 0;
  bool ended = false;
  while (!ended && used <= kLongestPassphrase) {
    const ssize_t n = room->with_write([&](std::span<std::byte> to) {
      const ssize_t got = ::read(descriptor, to.data() + used, 1);
      ended = got == 0 || (got == 1 && to[used] == std::byte{'\n'});
      return got;
    });
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return keystore::file_error("cannot read the passphrase from", fmt::format("descriptor {}", descriptor));
    if (!ended) ++used;
  }
  if (used == 0 || used > kLongestPassphrase)
    return Error{Code::bad_input, fmt::format("a passphrase has 1 to {} bytes", kLongestPassphrase), "", 0, {}};
  return SealSecret{SealKind::passphrase, room->take_front(used)};
}

Result<secret::LockedKey> stream_key(const SealSecret& secret, const Salt& salt, PassphraseCost cost) {
  if (auto ready = sodium_ready(); !ready) return std::move(ready).error();
  const auto root = root_of(secret, salt, cost);
  if (!root) return root.error();
  auto key = secret::LockedKey::create(kSealKeyBytes);
  if (!key) return key;
  root->with_read([&](std::span<const std::byte> from) {
    key->with_write([&](std::span<std::byte> to) {
      crypto_generichash_state hash;
      crypto_generichash_init(&hash, raw(from), from.size(), to.size());
      crypto_generichash_update(&hash, reinterpret_cast<const unsigned char*>(kPurpose.data()), kPurpose.size());
      crypto_generichash_update(&hash, salt.data(), salt.size());
      crypto_generichash_final(&hash, raw(to), to.size());
      sodium_memzero(&hash, sizeof hash);
    });
  });
  key->freeze();
  return key;
}

}  // namespace nicol::recording
