// SPDX-License-Identifier: Apache-2.0
// Greeting: magic, side, ephemeral X25519 public key, keyed BLAKE2b of the three. Then one secretstream header a
// direction, and records {length u32, ciphertext}, the length authenticated with the record.
#include "controller/keystore/sealed_stream.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "controller/keystore/files.hpp"
#include "controller/keystore/sealing.hpp"

namespace nicol::keystore {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic{'N', 'I', 'C', 'O', 'L', 'S', 'S', '1'};
constexpr std::size_t kKeyBytes = 32, kPublicBytes = crypto_scalarmult_BYTES, kMacBytes = 32, kLengthBytes = 4;
constexpr std::size_t kSignedBytes = kMagic.size() + 1 + kPublicBytes;
constexpr std::size_t kGreetingBytes = kSignedBytes + kMacBytes;
constexpr std::size_t kHeaderBytes = crypto_secretstream_xchacha20poly1305_HEADERBYTES;
constexpr std::size_t kOverhead = crypto_secretstream_xchacha20poly1305_ABYTES;

using State = crypto_secretstream_xchacha20poly1305_state;
using Public = std::array<std::uint8_t, kPublicBytes>;

const unsigned char* raw(std::span<const std::byte> s) { return reinterpret_cast<const unsigned char*>(s.data()); }

std::array<std::uint8_t, kLengthBytes> length_of(std::size_t n) {
  std::array<std::uint8_t, kLengthBytes> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(n >> (8 * i));
  return out;
}

std::size_t length_in(std::span<const std::uint8_t> b) {
  return std::size_t{b[0]} | std::size_t{b[1]} << 8 | std::size_t{b[2]} << 16 | std::size_t{b[3]} << 24;
}

Error refused(std::string_view what) { return {Code::authentication, std::string(what), "", 0, {}}; }

}  // namespace

/// Everything secret lies in one locked key: pre-shared key | ephemeral secret | both secretstream states.
struct SealedStream::Impl {
  struct Secrets {
    std::array<unsigned char, kKeyBytes> shared{}, ephemeral{};
    State out{}, in{};
  };
  Impl(secret::LockedKey key, StreamSide which) : secrets(std::move(key)), side(which) {}

  secret::LockedKey secrets;
  StreamSide side;
  Public own{}, peers{};
  enum class Phase : std::uint8_t { greeting, header, records, broken } phase = Phase::greeting;
  bool greeted = false, header_sent = false;
  Bytes kept;
  std::optional<Error> trouble;

  template <class F>
  auto with(F f) {
    decltype(f(std::declval<Secrets&>())) result{};
    secrets.with_write([&](std::span<std::byte> bytes) { result = f(*reinterpret_cast<Secrets*>(bytes.data())); });
    return result;
  }

  std::array<std::uint8_t, kSignedBytes> signed_part(StreamSide who, const Public& key) const {
    std::array<std::uint8_t, kSignedBytes> out{};
    std::copy(kMagic.begin(), kMagic.end(), out.begin());
    out[kMagic.size()] = static_cast<std::uint8_t>(who);
    std::copy(key.begin(), key.end(), out.begin() + kMagic.size() + 1);
    return out;
  }
  std::array<std::uint8_t, kMacBytes> mac_of(std::span<const std::uint8_t> part) {
    return with([&](Secrets& s) {
      std::array<std::uint8_t, kMacBytes> mac{};
      keyed_hash(std::as_bytes(std::span(s.shared)), part, mac);
      return mac;
    });
  }

  /// Key of the direction that `from` sends in.
  static bool derive(const Secrets& s, const Impl& i, StreamSide from, std::span<unsigned char, kKeyBytes> out) {
    std::array<unsigned char, kPublicBytes> common{};
    if (crypto_scalarmult(common.data(), s.ephemeral.data(), i.peers.data()) != 0) return false;
    const Public& callers = i.side == StreamSide::caller ? i.own : i.peers;
    const Public& listeners = i.side == StreamSide::caller ? i.peers : i.own;
    const auto direction = static_cast<unsigned char>(from);
    crypto_generichash_state hash;
    crypto_generichash_init(&hash, s.shared.data(), s.shared.size(), out.size());
    crypto_generichash_update(&hash, kMagic.data(), kMagic.size());
    crypto_generichash_update(&hash, common.data(), common.size());
    crypto_generichash_update(&hash, callers.data(), callers.size());
    crypto_generichash_update(&hash, listeners.data(), listeners.size());
    crypto_generichash_update(&hash, &direction, 1);
    crypto_generichash_final(&hash, out.data(), out.size());
    sodium_memzero(common.data(), common.size());
    sodium_memzero(&hash, sizeof hash);
    return true;
  }

  Result<void> fail(std::string_view what) {
    phase = Phase::broken;
    trouble = refused(what);
    return *trouble;
  }
  StreamSide other() const { return side == StreamSide::caller ? StreamSide::listener : StreamSide::caller; }

  Result<void> take_greeting() {
    const std::span<const std::uint8_t> got(kept);
    std::copy_n(got.begin() + kMagic.size() + 1, kPublicBytes, peers.begin());
    const auto expected = mac_of(signed_part(other(), peers));
    const auto part = signed_part(other(), peers);
    const bool same = std::equal(part.begin(), part.end(), got.begin()) &&
                      sodium_memcmp(expected.data(), got.data() + kSignedBytes, kMacBytes) == 0;
    kept.erase(kept.begin(), kept.begin() + kGreetingBytes);
    if (!same) return fail("the other computer does not hold this key file");
    greeted = true;
    phase = Phase::header;
    return {};
  }

  Result<void> take_header() {
    const bool good = with([&](Secrets& s) {
      std::array<unsigned char, kKeyBytes> key{};
      const bool derived = derive(s, *this, other(), key);
      const bool begun =
          derived && crypto_secretstream_xchacha20poly1305_init_pull(&s.in, kept.data(), key.data()) == 0;
      sodium_memzero(key.data(), key.size());
      return begun;
    });
    kept.erase(kept.begin(), kept.begin() + kHeaderBytes);
    if (!good) return fail("the other computer's public key is none");
    phase = Phase::records;
    return {};
  }

  /// False when more bytes are needed.
  Result<bool> take_record(Bytes& plain) {
    if (kept.size() < kLengthBytes) return false;
    const std::size_t length = length_in(kept);
    if (length < kOverhead || length > kMostPlain + kOverhead) return fail("a record of impossible length").error();
    if (kept.size() < kLengthBytes + length) return false;
    const std::size_t before = plain.size();
    plain.resize(before + length - kOverhead);
    const bool good = with([&](Secrets& s) {
      unsigned char tag = 0;
      return crypto_secretstream_xchacha20poly1305_pull(&s.in, plain.data() + before, nullptr, &tag,
                                                        kept.data() + kLengthBytes, length, kept.data(),
                                                        kLengthBytes) == 0;
    });
    if (!good) {
      plain.resize(before);
      return fail("a record was changed, replayed, left out or put in another order").error();
    }
    kept.erase(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(kLengthBytes + length));
    return true;
  }

  void seal_one(std::span<const std::uint8_t> plain, Bytes& out) {
    const auto length = length_of(plain.size() + kOverhead);
    out.insert(out.end(), length.begin(), length.end());
    const std::size_t at = out.size();
    out.resize(at + plain.size() + kOverhead);
    (void)with([&](Secrets& s) {
      return crypto_secretstream_xchacha20poly1305_push(&s.out, out.data() + at, nullptr, plain.data(), plain.size(),
                                                        length.data(), length.size(), 0);
    });
  }
};

SealedStream::SealedStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SealedStream::SealedStream(SealedStream&&) noexcept = default;
SealedStream& SealedStream::operator=(SealedStream&&) noexcept = default;
SealedStream::~SealedStream() = default;

Result<SealedStream> SealedStream::open(const std::filesystem::path& key_file, StreamSide side) {
  const Fd fd(::open(key_file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.open()) return file_error("opening the key file", key_file);
  if (auto mine = check_private_file(fd.get(), key_file); !mine) return std::move(mine).error();
  auto key = read_locked(fd.get(), kKeyBytes, key_file);
  if (!key) return std::move(key).error();
  return create(*std::move(key), side);
}

Result<SealedStream> SealedStream::create(secret::LockedKey key, StreamSide side) {
  if (sodium_init() < 0) return Error{Code::internal, "libsodium did not start", "", 0, {}};
  if (key.size() != kKeyBytes)
    return Error{
        Code::bad_input, fmt::format("a key file holds {} bytes, this one {}", kKeyBytes, key.size()), "", 0, {}};
  auto secrets = secret::LockedKey::create(sizeof(Impl::Secrets));
  if (!secrets) return std::move(secrets).error();
  auto impl = std::make_unique<Impl>(*std::move(secrets), side);
  (void)impl->with([&](Impl::Secrets& s) {
    key.with_read([&](std::span<const std::byte> bytes) { std::memcpy(s.shared.data(), raw(bytes), kKeyBytes); });
    randombytes_buf(s.ephemeral.data(), s.ephemeral.size());
    return crypto_scalarmult_base(impl->own.data(), s.ephemeral.data());
  });
  return SealedStream(std::move(impl));
}

Bytes SealedStream::greeting() const {
  const auto part = impl_->signed_part(impl_->side, impl_->own);
  const auto mac = impl_->mac_of(part);
  Bytes out(part.begin(), part.end());
  out.insert(out.end(), mac.begin(), mac.end());
  return out;
}

bool SealedStream::ready() const { return impl_->greeted && impl_->phase != Impl::Phase::broken; }

Result<Bytes> SealedStream::seal(std::span<const std::uint8_t> plain) {
  if (!ready()) return refused("nobody who holds the key file has greeted yet");
  Bytes out;
  if (!impl_->header_sent) {
    out.resize(kHeaderBytes);
    const bool good = impl_->with([&](Impl::Secrets& s) {
      std::array<unsigned char, kKeyBytes> key{};
      const bool derived = Impl::derive(s, *impl_, impl_->side, key);
      if (derived) crypto_secretstream_xchacha20poly1305_init_push(&s.out, out.data(), key.data());
      sodium_memzero(key.data(), key.size());
      return derived;
    });
    if (!good) return impl_->fail("the other computer's public key is none").error();
    impl_->header_sent = true;
  }
  while (!plain.empty()) {
    const auto part = plain.first(std::min(plain.size(), kMostPlain));
    impl_->seal_one(part, out);
    plain = plain.subspan(part.size());
  }
  return out;
}

Result<void> SealedStream::open(std::span<const std::uint8_t> bytes, Bytes& plain) {
  Impl& i = *impl_;
  if (i.phase == Impl::Phase::broken) return *i.trouble;
  i.kept.insert(i.kept.end(), bytes.begin(), bytes.end());
  if (i.phase == Impl::Phase::greeting) {
    if (i.kept.size() < kGreetingBytes) return {};
    if (auto ok = i.take_greeting(); !ok) return ok;
  }
  if (i.phase == Impl::Phase::header) {
    if (i.kept.size() < kHeaderBytes) return {};
    if (auto ok = i.take_header(); !ok) return ok;
  }
  while (true) {
    const auto taken = i.take_record(plain);
    if (!taken) return taken.error();
    if (!*taken) return {};
  }
}

}  // namespace nicol::keystore
