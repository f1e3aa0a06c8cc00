// SPDX-License-Identifier: Apache-2.0
// The pre-shared key: what makes it refused, and that two nodes get the same from it.
#include <sys/stat.h>

#include "tests/unit/keystore/store_bench.hpp"

namespace nicol::keystore::test {
namespace {

std::vector<bool> all(const secret::LockedKey& key) { return bits_of(key, 8 * key.size()); }

void flip_byte(const fs::path& file, std::uint64_t at) {
  std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
  f.seekg(static_cast<std::streamoff>(at));
  const int old = f.get();
  f.seekp(static_cast<std::streamoff>(at));
  f.put(static_cast<char>(old ^ 0x10));
}

TEST(PresharedKey, IsWrittenForItsOwnerAlone) {
  const Bench bench;
  struct stat s {};
  ASSERT_EQ(::stat(bench.psk().c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 07777, 0600u);
}

TEST(PresharedKey, IsNeverOverwritten) {
  const Bench bench;
  EXPECT_EQ(code_of(write_preshared_key(bench.psk(), {})), Code::refused);
}

TEST(PresharedKey, RefusesAPlanOfBrokenBytes) {
  const Bench bench;
  EXPECT_EQ(code_of(write_preshared_key(bench.root() / "odd", {.plan = {.auth_high_water = 100}})), Code::bad_input);
  EXPECT_FALSE(fs::exists(bench.root() / "odd"));
}

TEST(PresharedKey, GivesBothNodesTheSameKeysAndPools) {
  const Bench bench;
  const auto alice = bench.open("alice"), bob = bench.open("bob");
  EXPECT_EQ(alice->preshared_fingerprint(), bob->preshared_fingerprint());
  EXPECT_TRUE(alice->session_keys().alpha_ab.equal_ct(bob->session_keys().alpha_ab));
  EXPECT_TRUE(alice->session_keys().service_key.equal_ct(bob->session_keys().service_key));
  EXPECT_FALSE(alice->session_keys().alpha_ab.equal_ct(alice->session_keys().alpha_ba));
  for (const Pool pool : {Pool::auth_ab, Pool::auth_ba}) {
    const auto interval = alice->reserve(pool, 8192);
    ASSERT_TRUE(interval.ok());
    ASSERT_TRUE(bob->accept_reservation(pool, *interval).ok());
    EXPECT_EQ(all(*alice->take_pad(pool, *interval)), all(*bob->take_pad(pool, *interval)));
  }
}

TEST(PresharedKey, FillsTheAuthenticationPoolsToHighWater) {
  const Bench bench({.pool_class = Origin::demonstration, .plan = {.auth_high_water = 4096}});
  const auto store = bench.open();
  EXPECT_EQ(status(*store, Pool::auth_ab).available(), 4096u);
  EXPECT_EQ(status(*store, Pool::auth_ba).available(), 4096u);
  EXPECT_EQ(status(*store, Pool::otp_ab).available(), 0u);
  EXPECT_EQ(store->pool_class(), Origin::demonstration);
}

TEST(PresharedKey, DiffersEachTimeItIsMade) {
  const Bench one, other;
  EXPECT_NE(one.open()->preshared_fingerprint(), other.open()->preshared_fingerprint());
}

TEST(PresharedKey, IsRefusedWhenOthersMayReadIt) {
  const Bench bench;
  ASSERT_EQ(::chmod(bench.psk().c_str(), 0640), 0);
  const auto store = bench.try_open();
  ASSERT_EQ(code_of(store), Code::bad_input);
  EXPECT_NE(store.error().message.find("0640"), std::string::npos) << store.error().message;
  EXPECT_FALSE(fs::exists(bench.state() / "store"));
}

TEST(PresharedKey, IsRefusedWhenAnotherUserOwnsIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const Bench bench;
  ASSERT_EQ(::chown(bench.psk().c_str(), 65534, 65534), 0);
  const auto store = bench.try_open();
  ASSERT_EQ(code_of(store), Code::bad_input);
  EXPECT_NE(store.error().message.find("65534"), std::string::npos) << store.error().message;
}

TEST(PresharedKey, IsRefusedWithAnyByteChangedOrCutOff) {
  const Bench bench({.plan = {.auth_high_water = 64}});
  const auto size = fs::file_size(bench.psk());
  for (std::uint64_t at = 0; at < size; ++at) {
    flip_byte(bench.psk(), at);
    ASSERT_FALSE(bench.try_open().ok()) << "byte " << at;
    flip_byte(bench.psk(), at);
  }
  fs::resize_file(bench.psk(), size - 1);
  EXPECT_EQ(code_of(bench.try_open()), Code::bad_input);
}

TEST(PresharedKey, IsMissedByNameOnFirstUse) {
  const Bench bench;
  fs::remove(bench.psk());
  EXPECT_EQ(code_of(bench.try_open()), Code::not_found);
}

TEST(PresharedKey, MayBeGoneOnceTheStoreExists) {
  const Bench bench;
  const auto fingerprint = bench.open()->preshared_fingerprint();
  fs::remove(bench.psk());
  EXPECT_EQ(bench.open()->preshared_fingerprint(), fingerprint);
}

TEST(PresharedKey, OfAnotherMakingIsRefusedByAStore) {
  const Bench bench;
  bench.open();
  fs::remove(bench.psk());
  ASSERT_TRUE(write_preshared_key(bench.psk(), {.plan = {.auth_high_water = 8192}}).ok());
  EXPECT_EQ(code_of(bench.try_open()), Code::refused);
}

TEST(ServiceMac, DependsOnSessionDirectionAndFrame) {
  const Bench bench;
  const auto alice = bench.open("alice"), bob = bench.open("bob");
  const std::vector<std::uint8_t> session(16, 1), other(16, 2), frame{1, 2, 3}, changed{1, 2, 4};
  const auto mac = alice->service_mac(session, 0, frame);
  EXPECT_EQ(mac, bob->service_mac(session, 0, frame));
  EXPECT_NE(mac, bob->service_mac(session, 1, frame));
  EXPECT_NE(mac, bob->service_mac(other, 0, frame));
  EXPECT_NE(mac, bob->service_mac(session, 0, changed));
}

}  // namespace
}  // namespace nicol::keystore::test
