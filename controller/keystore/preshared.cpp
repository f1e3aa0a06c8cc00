// SPDX-License-Identifier: Apache-2.0
// Writing and reading the pre-shared key.
#include "controller/keystore/preshared.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "controller/keystore/files.hpp"
#include "controller/keystore/sealing.hpp"

namespace nicol::keystore {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic{'N', 'I', 'C', 'O', 'L', 'P', 'S', 'K'};
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kPublic = 8 + 1 + 1 + 8 + 8, kIdentity = 32, kChecksum = 32;
constexpr std::size_t kFixed = kPublic + kIdentity + kRootBytes + kChecksum;
constexpr std::uint64_t kMostHighWater = std::uint64_t{1} << 24;

template <class A, class P>
void visit(A& a, P& plan) {
  a.choice(plan.pool_class, Origin::replayed);
  a(plan.plan.auth_high_water, plan.plan.otp_share);
}

Bytes public_part(const PresharedKeyPlan& plan) {
  Writer w;
  w(kMagic, kVersion);
  visit(w, plan);
  return std::move(w).take();
}

std::size_t file_size(const PresharedKeyPlan& plan) { return kFixed + 2 * plan.plan.auth_high_water / 8; }

Result<void> check_plan(const PresharedKeyPlan& plan) {
  const PoolPlan& p = plan.plan;
  if (p.auth_high_water >= 8 && p.auth_high_water % 8 == 0 && p.auth_high_water <= kMostHighWater &&
      std::isfinite(p.otp_share) && p.otp_share >= 0 && p.otp_share <= 1)
    return {};
  return Error{.code = Code::bad_input,
               .message = fmt::format("auth_high_water {} must be a multiple of 8 in 8..{}, otp_share {} in 0..1",
                                      p.auth_high_water, kMostHighWater, p.otp_share)};
}

std::span<const std::byte> identity_of(std::span<const std::byte> file) { return file.subspan(kPublic, kIdentity); }

void checksum(std::span<const std::byte> file, std::span<std::uint8_t> out) {
  const auto covered = file.first(file.size() - kChecksum);
  keyed_hash(identity_of(file), {reinterpret_cast<const std::uint8_t*>(covered.data()), covered.size()}, out);
}

Result<secret::LockedKey> generate(const PresharedKeyPlan& plan) {
  auto key = secret::LockedKey::create(file_size(plan), secret::Birth::random);
  if (!key) return std::move(key).error();
  const Bytes head = public_part(plan);
  key->with_write([&](std::span<std::byte> s) {
    std::memcpy(s.data(), head.data(), head.size());
    std::array<std::uint8_t, kChecksum> sum{};
    checksum(s, sum);
    std::memcpy(s.data() + s.size() - kChecksum, sum.data(), sum.size());
  });
  return key;
}

Result<void> write_new_file(const secret::LockedKey& key, const std::filesystem::path& file) {
  const std::filesystem::path aside = file.string() + ".tmp";
  ::unlink(aside.c_str());
  const Fd fd(::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.open()) return file_error("cannot make", aside);
  auto done = write_all(fd.get(), key, aside);
  if (done) done = sync_file(fd.get(), aside);
  if (done && ::renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, file.c_str(), RENAME_NOREPLACE) != 0)
    done = file_error(errno == EEXIST ? "will not overwrite" : "cannot rename to", file,
                      errno == EEXIST ? Code::refused : Code::io);
  if (!done) ::unlink(aside.c_str());
  return done;
}

Error damaged(const std::filesystem::path& file, std::string_view why) {
  return {.code = Code::bad_input, .message = fmt::format("{} is not a whole pre-shared key: {}", file.string(), why)};
}

Result<PresharedKeyPlan> parse_public(std::span<const std::byte> s, const std::filesystem::path& file) {
  if (s.size() < kFixed) return damaged(file, fmt::format("{} bytes", s.size()));
  Bytes head(kPublic);
  std::memcpy(head.data(), s.data(), kPublic);
  Reader r(head);
  std::array<std::uint8_t, 8> magic{};
  std::uint8_t version = 0;
  r(magic, version);
  if (magic != kMagic) return damaged(file, "it does not begin as one");
  if (version > kVersion)
    return Error{.code = Code::not_supported,
                 .message = fmt::format("{} has format {}, this Nicol reads {}", file.string(), version, kVersion)};
  PresharedKeyPlan plan;
  visit(r, plan);
  if (!r.complete() || !check_plan(plan).ok()) return damaged(file, "its plan is out of range");
  if (s.size() != file_size(plan))
    return damaged(file, fmt::format("{} bytes, expected {}", s.size(), file_size(plan)));
  return plan;
}

}  // namespace

Result<void> write_preshared_key(const std::filesystem::path& file, const PresharedKeyPlan& plan) {
  if (sodium_init() < 0) return Error{.code = Code::internal, .message = "libsodium did not start"};
  if (auto good = check_plan(plan); !good) return good;
  struct stat s {};
  if (::lstat(file.c_str(), &s) == 0)
    return Error{.code = Code::refused,
                 .message = fmt::format("{} exists and is not overwritten: two nodes may depend on it", file.string())};
  auto key = generate(plan);
  if (!key) return std::move(key).error();
  if (auto written = write_new_file(*key, file); !written) return written;
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.open()) return file_error("cannot open folder", folder);
  return sync_file(fd.get(), folder);
}

Result<PresharedKey> read_preshared_key(const std::filesystem::path& file) {
  if (sodium_init() < 0) return Error{.code = Code::internal, .message = "libsodium did not start"};
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open()) return file_error("cannot open pre-shared key", file, errno == ENOENT ? Code::not_found : Code::io);
  if (auto priv = check_private_file(fd.get(), file); !priv) return std::move(priv).error();
  auto whole = read_locked(fd.get(), kFixed + 2 * kMostHighWater / 8, file);
  if (!whole) return std::move(whole).error();
  PresharedKey key;
  auto parsed = whole->with_read([&](std::span<const std::byte> s) -> Result<PresharedKeyPlan> {
    auto plan = parse_public(s, file);
    if (!plan) return plan;
    std::array<std::uint8_t, kChecksum> sum{};
    checksum(s, sum);
    if (sodium_memcmp(sum.data(), s.data() + s.size() - kChecksum, kChecksum) != 0)
      return damaged(file, "its checksum differs");
    keyed_hash(identity_of(s), public_part(*plan), key.fingerprint);
    return plan;
  });
  if (!parsed) return std::move(parsed).error();
  key.plan = *parsed;
  key.file = std::move(whole).value();
  key.roots = kPublic + kIdentity;
  key.pools = key.roots + kRootBytes;
  return key;
}

}  // namespace nicol::keystore
