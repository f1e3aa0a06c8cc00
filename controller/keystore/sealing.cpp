// SPDX-License-Identifier: Apache-2.0
// Sealing at rest with libsodium.
#include "controller/keystore/sealing.hpp"

#include <sodium.h>

#include <cstring>

#include "controller/secret/constant_time.hpp"

namespace nicol::keystore {
namespace {

const unsigned char* bytes_of(std::span<const std::byte> s) { return reinterpret_cast<const unsigned char*>(s.data()); }
unsigned char* bytes_of(std::span<std::byte> s) { return reinterpret_cast<unsigned char*>(s.data()); }

void derive(std::span<const std::byte> key, std::string_view purpose, std::span<std::byte> out) {
  crypto_generichash(bytes_of(out), out.size(), reinterpret_cast<const unsigned char*>(purpose.data()), purpose.size(),
                     bytes_of(key), key.size());
}

}  // namespace

void keyed_hash(std::span<const std::byte> key, std::span<const std::uint8_t> message, std::span<std::uint8_t> out) {
  crypto_generichash(out.data(), out.size(), message.data(), message.size(), bytes_of(key), key.size());
}

Result<Sealer> Sealer::create(secret::LockedKey store_key) {
  if (sodium_init() < 0) return Error{.code = Code::internal, .message = "libsodium did not start"};
  auto keys = secret::LockedKey::create(2 * kStoreKeyBytes);
  if (!keys) return std::move(keys).error();
  keys->with_write([&](std::span<std::byte> out) {
    store_key.with_read([&](std::span<const std::byte> key) {
      derive(key, "nicol.store.seal", out.first(kStoreKeyBytes));
      derive(key, "nicol.store.mac", out.last(kStoreKeyBytes));
    });
  });
  keys->freeze();
  return Sealer(std::move(keys).value());
}

Bytes Sealer::seal(std::span<const std::byte> plain, const Nonce& nonce, std::span<const std::uint8_t> header) const {
  Bytes sealed(plain.size() + kSealOverhead);
  key_.with_read([&](std::span<const std::byte> key) {
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.data(), nullptr, bytes_of(plain), plain.size(), header.data(),
                                               header.size(), nullptr, nonce.data(), bytes_of(key));
  });
  return sealed;
}

bool Sealer::open(std::span<const std::uint8_t> sealed, const Nonce& nonce, std::span<const std::uint8_t> header,
                  std::span<std::byte> plain) const {
  if (sealed.size() < kSealOverhead || plain.size() != sealed.size() - kSealOverhead) return false;
  return key_.with_read([&](std::span<const std::byte> key) {
    return crypto_aead_xchacha20poly1305_ietf_decrypt(bytes_of(plain), nullptr, nullptr, sealed.data(), sealed.size(),
                                                      header.data(), header.size(), nonce.data(), bytes_of(key)) == 0;
  });
}

Mac Sealer::mac(const Purpose8& purpose, std::span<const std::uint8_t> bytes) const {
  Mac mac{};
  key_.with_read([&](std::span<const std::byte> key) {
    crypto_generichash_state state;
    const auto own = key.last(kStoreKeyBytes);
    crypto_generichash_init(&state, bytes_of(own), own.size(), mac.size());
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(purpose), sizeof(Purpose8) - 1);
    crypto_generichash_update(&state, bytes.data(), bytes.size());
    crypto_generichash_final(&state, mac.data(), mac.size());
    sodium_memzero(&state, sizeof state);
  });
  return mac;
}

bool Sealer::mac_matches(const Purpose8& purpose, std::span<const std::uint8_t> bytes,
                         std::span<const std::uint8_t> mac) const {
  return secret::equal_ct(std::span<const std::uint8_t>(this->mac(purpose, bytes)), mac);
}

void copy_bits(std::span<const std::byte> from, std::uint64_t from_bit, std::span<std::byte> to, std::uint64_t to_bit,
               std::uint64_t count) {
  if (from_bit % 8 == 0 && to_bit % 8 == 0) {
    std::memcpy(to.data() + to_bit / 8, from.data() + from_bit / 8, count / 8);
    from_bit += count / 8 * 8;
    to_bit += count / 8 * 8;
    count %= 8;
  }
  for (; count > 0; --count, ++from_bit, ++to_bit) {
    const auto bit = (from[from_bit / 8] >> (from_bit % 8)) & std::byte{1};
    to[to_bit / 8] |= bit << (to_bit % 8);
  }
}

}  // namespace nicol::keystore
