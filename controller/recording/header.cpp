// SPDX-License-Identifier: Apache-2.0
#include "controller/recording/header.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <string>

#include "controller/keystore/sealing.hpp"

namespace nicol::recording {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic{'N', 'I', 'C', 'O', 'L', 'R', 'E', 'C'};
constexpr std::size_t kVersionAt = 8, kSealAt = 10, kNodeAt = 11, kOperationsAt = 12, kMemoryAt = 16, kSaltAt = 20,
                      kStreamAt = 36, kKeyCheckAt = 60, kCheckAt = 76;
constexpr std::array<std::uint8_t, 9> kCheckText{'k', 'e', 'y', ' ', 'c', 'h', 'e', 'c', 'k'};

void put32(HeaderBytes& to, std::size_t at, std::uint32_t v) {
  for (std::size_t i = 0; i < 4; ++i) to[at + i] = static_cast<std::uint8_t>(v >> (8 * i));
}

std::uint32_t get32(std::span<const std::uint8_t> from, std::size_t at) {
  std::uint32_t v = 0;
  for (std::size_t i = 0; i < 4; ++i) v |= static_cast<std::uint32_t>(from[at + i]) << (8 * i);
  return v;
}

std::array<std::uint8_t, kCheckBytes> checksum(std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, kCheckBytes> out{};
  crypto_generichash(out.data(), out.size(), bytes.data(), bytes.size(), nullptr, 0);
  return out;
}

Error wrong(std::string_view field, std::string_view why) {
  return {Code::bad_input, fmt::format("header, {}: {}", field, why), "", 0, {}};
}

/// The fields that have values of their own to be wrong with.
std::optional<Error> wrong_field(std::span<const std::uint8_t> bytes) {
  if (!std::equal(kMagic.begin(), kMagic.end(), bytes.begin())) return wrong("magic", "this is no Nicol recording");
  const unsigned version = bytes[kVersionAt] | static_cast<unsigned>(bytes[kVersionAt + 1]) << 8;
  if (version != kFormatVersion)
    return Error{Code::not_supported,
                 fmt::format("header, version: {} (this program reads {})", version, kFormatVersion),
                 "",
                 0,
                 {}};
  const std::uint8_t seal = bytes[kSealAt];
  if (seal != 1 && seal != 2) return wrong("seal", fmt::format("{}, expected 1 (key file) or 2 (passphrase)", seal));
  if (bytes[kNodeAt] > 1) return wrong("node", fmt::format("{}, expected 0 (alice) or 1 (bob)", bytes[kNodeAt]));
  const PassphraseCost cost{get32(bytes, kOperationsAt), get32(bytes, kMemoryAt)}, most = kHighestPassphraseCost;
  const bool phrase = seal == 2;
  if (cost.operations > most.operations || (phrase ? cost.operations < 1 : cost.operations != 0))
    return wrong("operations", fmt::format("{}", cost.operations));
  if (cost.memory_kib > most.memory_kib || (phrase ? cost.memory_kib < 8 : cost.memory_kib != 0))
    return wrong("memory", fmt::format("{} KiB", cost.memory_kib));
  const auto sum = checksum(bytes.first(kCheckAt));
  if (!std::equal(sum.begin(), sum.end(), bytes.begin() + kCheckAt))
    return wrong("checksum", "salt, stream header, key check or checksum were changed");
  return std::nullopt;
}

}  // namespace

HeaderBytes encode(const Header& h) {
  HeaderBytes out{};
  std::copy(kMagic.begin(), kMagic.end(), out.begin());
  out[kVersionAt] = kFormatVersion & 0xff;
  out[kVersionAt + 1] = kFormatVersion >> 8;
  out[kSealAt] = static_cast<std::uint8_t>(h.seal);
  out[kNodeAt] = static_cast<std::uint8_t>(h.node);
  put32(out, kOperationsAt, h.cost.operations);
  put32(out, kMemoryAt, h.cost.memory_kib);
  std::copy(h.salt.begin(), h.salt.end(), out.begin() + kSaltAt);
  std::copy(h.stream.begin(), h.stream.end(), out.begin() + kStreamAt);
  std::copy(h.key_check.begin(), h.key_check.end(), out.begin() + kKeyCheckAt);
  const auto sum = checksum(std::span(out).first(kCheckAt));
  std::copy(sum.begin(), sum.end(), out.begin() + kCheckAt);
  return out;
}

Result<Header> decode_header(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kHeaderBytes)
    return wrong("length", fmt::format("{} bytes, expected {}: cut short", bytes.size(), kHeaderBytes));
  if (auto error = wrong_field(bytes)) return *std::move(error);
  Header h;
  h.seal = static_cast<SealKind>(bytes[kSealAt]);
  h.node = static_cast<Node>(bytes[kNodeAt]);
  h.cost = {get32(bytes, kOperationsAt), get32(bytes, kMemoryAt)};
  std::copy_n(bytes.begin() + kSaltAt, kSaltBytes, h.salt.begin());
  std::copy_n(bytes.begin() + kStreamAt, kStreamHeaderBytes, h.stream.begin());
  std::copy_n(bytes.begin() + kKeyCheckAt, kCheckBytes, h.key_check.begin());
  return h;
}

std::array<std::uint8_t, kCheckBytes> key_check(const secret::LockedKey& stream_key) {
  std::array<std::uint8_t, kCheckBytes> out{};
  stream_key.with_read([&](std::span<const std::byte> key) { keystore::keyed_hash(key, kCheckText, out); });
  return out;
}

}  // namespace nicol::recording
