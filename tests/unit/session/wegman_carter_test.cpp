// SPDX-License-Identifier: Apache-2.0
// Tags of the classical channel against the cases of the GCM specification and the shared vectors; kernels against
// each other.
#include "controller/session/wegman_carter.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "drivers/hal/random.hpp"

namespace nicol::session {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes from_hex(const std::string& hex) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}
std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string hex;
  for (const std::uint8_t b : bytes) hex += fmt::format("{:02x}", b);
  return hex;
}
std::span<const std::uint8_t, 16> block(const Bytes& bytes) {
  return std::span<const std::uint8_t, 16>(bytes.data(), 16);
}

secret::LockedKey locked(std::span<const std::uint8_t> bytes) {
  secret::LockedKey key(bytes.size());
  key.with_write([&](std::span<std::byte> s) { std::memcpy(s.data(), bytes.data(), bytes.size()); });
  return key;
}
Bytes random_bytes(std::size_t size, std::uint64_t index) {
  Bytes bytes(size);
  CounterStream stream({.seed = 7, .index = index});
  stream.fill(std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

// GHASH bit by bit, as SP 800-38D section 6.3 and 6.4 write it.
Bytes ghash_by_definition(const Bytes& key, Bytes message) {
  const std::uint64_t bits = message.size() * 8;
  message.resize((message.size() + 15) / 16 * 16);
  for (int i = 0; i < 8; ++i) message.push_back(0);
  for (int i = 7; i >= 0; --i) message.push_back(static_cast<std::uint8_t>(bits >> (8 * i)));
  Bytes y(16);
  for (std::size_t at = 0; at < message.size(); at += 16) {
    Bytes z(16), v = key;
    for (std::size_t i = 0; i < 16; ++i) y[i] ^= message[at + i];
    for (std::size_t i = 0; i < 128; ++i) {
      if ((y[i / 8] >> (7 - i % 8)) & 1)
        for (std::size_t k = 0; k < 16; ++k) z[k] ^= v[k];
      const bool odd = v[15] & 1;
      for (std::size_t k = 15; k > 0; --k) v[k] = static_cast<std::uint8_t>((v[k] >> 1) | (v[k - 1] << 7));
      v[0] = static_cast<std::uint8_t>((v[0] >> 1) ^ (odd ? 0xe1 : 0));
    }
    y = z;
  }
  return y;
}

std::string name(GhashKernel kernel) {
  return kernel == GhashKernel::portable ? "portable" : kernel == GhashKernel::pclmul ? "pclmul" : "vpclmul";
}

struct SpecCase {
  const char *key, *message, *hash;
};
// McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, cases 1 to 3: those without associated data.
constexpr SpecCase kSpecCases[] = {
    {"66e94bd4ef8a2c3b884cfa59ca342b2e", "", "00000000000000000000000000000000"},
    {"66e94bd4ef8a2c3b884cfa59ca342b2e", "0388dace60b6a392f328c2b971b2fe78", "f38cbb1ad69223dcc3457ae5b6b0f885"},
    {"b83b533708bf535d0aa6e52980d53b78",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac97"
     "3d58e091473f5985",
     "7f1b32b81b820d02614f8895ac1d4eac"},
};

TEST(Ghash, GivesTheCasesOfTheGcmSpecificationInEveryKernel) {
  for (const GhashKernel kernel : available_ghash_kernels())
    for (const SpecCase& c : kSpecCases)
      EXPECT_EQ(to_hex(ghash(block(from_hex(c.key)), from_hex(c.message), kernel)), c.hash) << name(kernel);
}

TEST(Ghash, EqualsItsDefinitionInEveryKernelAtEveryLength) {
  for (std::size_t size = 0; size < 1100; size += size < 160 ? 1 : 37) {
    const Bytes key = random_bytes(16, size), message = random_bytes(size, 1'000'000 + size);
    const std::string expected = to_hex(ghash_by_definition(key, message));
    for (const GhashKernel kernel : available_ghash_kernels())
      ASSERT_EQ(to_hex(ghash(block(key), message, kernel)), expected) << name(kernel) << ", " << size << " bytes";
  }
}

TEST(Ghash, HashesKeysOfOneBitAsItsDefinitionDoes) {
  const Bytes message = random_bytes(600, 3);
  for (std::size_t bit = 0; bit < 128; ++bit) {
    Bytes key(16);
    key[bit / 8] = static_cast<std::uint8_t>(1u << (bit % 8));
    const std::string expected = to_hex(ghash_by_definition(key, message));
    for (const GhashKernel kernel : available_ghash_kernels())
      ASSERT_EQ(to_hex(ghash(block(key), message, kernel)), expected) << name(kernel) << ", key bit " << bit;
  }
}

TEST(Ghash, KernelsAgreeOnALongMessage) {
  const Bytes key = random_bytes(16, 1), message = random_bytes((1u << 20) + 5, 2);
  const auto expected = ghash(block(key), message, GhashKernel::portable);
  for (const GhashKernel kernel : available_ghash_kernels())
    EXPECT_EQ(ghash(block(key), message, kernel), expected) << name(kernel);
}

TEST(Ghash, TellsTrailingZerosApart) {
  const Bytes key = random_bytes(16, 1);
  EXPECT_NE(ghash(block(key), Bytes{1, 2, 3}), ghash(block(key), Bytes{1, 2, 3, 0}));
}

TEST(Ghash, TellsLeadingZeroBlocksApart) {
  const Bytes key = random_bytes(16, 1), message = random_bytes(16, 2);
  Bytes longer(16);
  longer.insert(longer.end(), message.begin(), message.end());
  EXPECT_NE(ghash(block(key), message), ghash(block(key), longer));
}

TEST(RunningHash, IsTheSameHoweverTheFramesAreCut) {
  const Bytes key = random_bytes(16, 4), pad = random_bytes(16, 5), message = random_bytes(3000, 6);
  const auto alpha = locked(key), locked_pad = locked(pad);
  const auto expected = one_time_mac(block(key), block(pad), message);
  CounterStream cuts({.seed = 9});
  for (int repeat = 0; repeat < 20; ++repeat) {
    RunningHash hash(alpha);
    for (std::size_t at = 0; at < message.size();) {
      const std::size_t size = std::min<std::size_t>(message.size() - at, cuts.below(repeat < 10 ? 40 : 1200));
      hash.append(std::span(message).subspan(at, size));
      at += size;
    }
    ASSERT_EQ(hash.bytes(), message.size());
    ASSERT_EQ(hash.tag(locked_pad, 128), expected);
  }
}

TEST(RunningHash, GoesOnAfterATag) {
  const Bytes key = random_bytes(16, 4), pad = random_bytes(16, 5), message = random_bytes(777, 6);
  const auto alpha = locked(key), locked_pad = locked(pad);
  RunningHash hash(alpha);
  hash.append(std::span(message).first(100));
  EXPECT_EQ(hash.tag(locked_pad, 128), one_time_mac(block(key), block(pad), std::span(message).first(100)));
  hash.append(std::span(message).subspan(100));
  EXPECT_EQ(hash.tag(locked_pad, 128), one_time_mac(block(key), block(pad), message));
}

TEST(RunningHash, HasATagBeforeTheFirstFrame) {
  const Bytes key = random_bytes(16, 4), pad = random_bytes(16, 5);
  EXPECT_EQ(RunningHash(locked(key)).tag(locked(pad), 128), one_time_mac(block(key), block(pad), Bytes{}));
}

TEST(RunningHash, TruncatesToTheFirstBytes) {
  const Bytes key = random_bytes(16, 4), pad = random_bytes(8, 5);
  RunningHash hash(locked(key));
  hash.append(Bytes{1, 2, 3});
  const auto whole = hash.tag(locked(Bytes(16)), 128);
  const auto tag = hash.tag(locked(pad), 64);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(tag[i], whole[i] ^ pad[i]);
  for (std::size_t i = 8; i < 16; ++i) EXPECT_EQ(tag[i], 0);
}

TEST(RunningHash, VerifiesItsOwnTagAndNoOtherBit) {
  const auto alpha = locked(random_bytes(16, 4)), pad = locked(random_bytes(8, 5));
  RunningHash hash(alpha);
  hash.append(random_bytes(99, 6));
  const auto tag = hash.tag(pad, 64);
  const Bytes good(tag.begin(), tag.begin() + 8);
  EXPECT_TRUE(hash.verify(good, pad, 64));
  for (std::size_t bit = 0; bit < 64; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    EXPECT_FALSE(hash.verify(bad, pad, 64)) << "bit " << bit;
  }
}

TEST(RunningHash, RefusesATagOfTheWrongLength) {
  const auto pad = locked(random_bytes(16, 5));
  const RunningHash hash(locked(random_bytes(16, 4)));
  const auto tag = hash.tag(pad, 64);
  EXPECT_FALSE(hash.verify({}, pad, 64));
  EXPECT_FALSE(hash.verify(std::span(tag).first(7), pad, 64));
  EXPECT_FALSE(hash.verify(tag, pad, 64));
}

TEST(RunningHash, ThrowsWhenThePadIsShorterThanTheTag) {
  const RunningHash hash(locked(random_bytes(16, 4)));
  EXPECT_THROW((void)hash.tag(locked(Bytes(8)), 128), std::invalid_argument);
}

TEST(ForgeryBound, CountsBlocksOfTheLongerMessageAndTheLengthBlock) {
  EXPECT_DOUBLE_EQ(forgery_bound(0, 64), 1.0 / 18446744073709551616.0);
  EXPECT_DOUBLE_EQ(forgery_bound(1, 64), 2.0 / 18446744073709551616.0);
  EXPECT_NEAR(forgery_bound(1u << 20, 64), 3.6e-15, 0.05e-15);
  EXPECT_NEAR(forgery_bound(1u << 20, 128), 1.9e-34, 0.05e-34);
}

// ---- the shared vectors ----

Bytes digest(const EVP_MD* function, std::span<const std::uint8_t> in, std::size_t size) {
  Bytes out(size);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestInit_ex(context, function, nullptr);
  EVP_DigestUpdate(context, in.data(), in.size());
  if (function == EVP_shake128())
    EVP_DigestFinalXOF(context, out.data(), size);
  else
    EVP_DigestFinal_ex(context, out.data(), nullptr);
  EVP_MD_CTX_free(context);
  return out;
}

// The vectors' own frames are big-endian: the hash takes bytes as they come.
Bytes vector_frame(const nlohmann::json& v) {
  Bytes frame{'Q', 'K', 'D', 'A', 1};
  const auto append_big = [&](std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) frame.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  };
  const Bytes session = from_hex(v["session"]);
  frame.insert(frame.end(), session.begin(), session.end());
  append_big(v["direction"], 1);
  append_big(v["seq"], 8);
  append_big(v["mtype"], 2);
  append_big(v["payload_len"], 8);
  const std::string label = v["payload_shake128_label"];
  const std::size_t size = v["payload_len"];
  if (size == 0) return frame;
  const Bytes payload =
      digest(EVP_shake128(), {reinterpret_cast<const std::uint8_t*>(label.data()), label.size()}, size);
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

TEST(RunningHash, GivesTheSharedVectorsOfTags) {
  std::ifstream file(NICOL_SHARED_DIR "/data/wcmac_vectors.json");
  if (!file) GTEST_SKIP() << "shared vectors are not here";
  const nlohmann::json vectors = nlohmann::json::parse(file)["wcmac"];
  ASSERT_FALSE(vectors.empty());
  for (const nlohmann::json& v : vectors) {
    const Bytes frame = vector_frame(v);
    const std::string label = v["payload_shake128_label"];
    ASSERT_EQ(to_hex(digest(EVP_sha256(), frame, 32)), v["frame_sha256"].get<std::string>()) << label;
    RunningHash hash(locked(from_hex(v["alpha"])));
    hash.append(frame);
    const unsigned bits = v["t"];
    const auto tag = hash.tag(locked(from_hex(v["otp"])), bits);
    EXPECT_EQ(to_hex(std::span(tag).first(bits / 8)), v["tag"].get<std::string>()) << label;
    EXPECT_DOUBLE_EQ(forgery_bound(frame.size(), bits), v["eps"].get<double>()) << label;
  }
}

}  // namespace
}  // namespace nicol::session
