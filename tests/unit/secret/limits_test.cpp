// SPDX-License-Identifier: Apache-2.0
// Refusing rather than holding a key unlocked, saying why, and telling what is held.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "controller/secret/bit_string.hpp"
#include "controller/secret/mapping.hpp"
#include "tests/support/child_process.hpp"
#include "tests/unit/secret/backing_fixture.hpp"

namespace nicol::secret {
namespace {

using test::run_in_child;

// Without privileges (they lift the limit) and with this many bytes to lock.
bool become_ordinary(rlim_t limit) {
  const rlimit memlock{limit, limit};
  if (setrlimit(RLIMIT_MEMLOCK, &memlock) != 0) return false;
  return geteuid() != 0 || setresuid(65534, 65534, 65534) == 0;
}

class LimitsOn : public WithBacking {};
NICOL_BOTH_BACKINGS(LimitsOn);

TEST_P(LimitsOn, WithNothingToLockEveryKeyIsRefused) {
  const auto end = run_in_child([] {
    if (!become_ordinary(0)) return 9;
    const auto key = LockedKey::create(32);
    return !key.ok() && key.error().code == Code::locked_memory ? 7 : 1;
  });
  EXPECT_EQ(end.exit_code, 7);
}

TEST_P(LimitsOn, AnExhaustedLimitRefusesTheNextKeyAndKeepsTheOthers) {
  const auto end = run_in_child([] {
    if (!become_ordinary(64 << 10)) return 9;
    std::vector<LockedKey> keys;
    for (int i = 0; i < 100; ++i) {
      auto key = LockedKey::create(32);
      if (!key.ok()) break;
      fill(*key, std::byte{1});
      keys.push_back(std::move(key).value());
    }
    if (keys.size() != 16) return 1;
    for (const LockedKey& key : keys)
      if (!same_bytes(key, std::byte{1})) return 2;
    keys.pop_back();
    return LockedKey::create(32).ok() ? 7 : 3;
  });
  EXPECT_EQ(end.exit_code, 7);
}

TEST_P(LimitsOn, PagesOfEndedKeysDoNotStandInTheWay) {
  const auto end = run_in_child([] {
    if (!become_ordinary(64 << 10)) return 9;
    for (const std::size_t size : {std::size_t{40000}, std::size_t{100}, std::size_t{60000}, std::size_t{20000}})
      if (!LockedKey::create(size).ok()) return 1;
    return locked_usage().held == 0 ? 7 : 2;
  });
  EXPECT_EQ(end.exit_code, 7) << end.errors;
}

TEST_P(LimitsOn, TheRefusalNamesNeedLimitAndRemedies) {
  const auto end = run_in_child([] {
    if (!become_ordinary(65536)) return 9;
    const LockedKey held(32);
    const auto key = LockedKey::create(std::size_t{1} << 20);
    if (!key.ok()) std::fputs(key.error().message.c_str(), stderr);
    return 7;
  });
  EXPECT_EQ(end.exit_code, 7);
  for (const char* part : {"1052672", "65536", "4096 bytes held", "ulimit -l", "LimitMEMLOCK=", "setcap"})
    EXPECT_NE(end.errors.find(part), std::string::npos) << part << " in: " << end.errors;
}

TEST_P(LimitsOn, InsideThePipelineTheRefusalIsAnException) {
  const auto end = run_in_child([] {
    if (!become_ordinary(65536)) return 9;
    try {
      const BitString bits(std::size_t{1} << 24);
    } catch (const LockedMemoryError& error) {
      std::fputs(error.what(), stderr);
      return 7;
    }
    return 1;
  });
  EXPECT_EQ(end.exit_code, 7);
  EXPECT_NE(end.errors.find("65536"), std::string::npos) << end.errors;
}

TEST_P(LimitsOn, UsageCountsPagesAndWhatIsLeft) {
  const auto end = run_in_child([] {
    if (!become_ordinary(65536)) return 9;
    const LockedUsage before = locked_usage();
    const LockedKey key(detail::page_size());  // and its canary: two pages
    const LockedUsage after = locked_usage();
    if (before.held != 0 || before.limit != 65536) return 1;
    return after.held == 2 * detail::page_size() && after.limit == 65536 - after.held ? 7 : 2;
  });
  EXPECT_EQ(end.exit_code, 7);
}

TEST_P(LimitsOn, TheLimitIsRaisedOnlyForThePrivileged) {
  if (geteuid() != 0) GTEST_SKIP() << "needs CAP_IPC_LOCK";
  EXPECT_EQ(locked_usage().limit, SIZE_MAX);
}

TEST_P(LimitsOn, AnImpossibleSizeIsRefused) {
  EXPECT_FALSE(LockedKey::create(SIZE_MAX / 2).ok());
  EXPECT_FALSE(LockedKey::create(std::size_t{1} << 47).ok());
}

TEST_P(LimitsOn, WithoutDescriptorsSecretMemoryIsRefusedNotReplaced) {
  if (!secret_memory()) GTEST_SKIP() << "mlock needs no descriptor";
  const auto end = run_in_child([] {
    set_memory_policy({Backing::memfd_secret, true});
    const rlimit none{3, 3};
    setrlimit(RLIMIT_NOFILE, &none);
    const auto key = LockedKey::create(32);
    return !key.ok() && key.error().code == Code::exhausted ? 7 : 1;
  });
  EXPECT_EQ(end.exit_code, 7);
}

TEST_P(LimitsOn, TheProbeSaysWhatAKeyWouldGetAndKeepsNothing) {
  const std::size_t before = locked_usage().held;
  EXPECT_EQ(*probe_backing(), GetParam());
  EXPECT_EQ(locked_usage().held, before);
}

TEST_P(LimitsOn, NoWarningWhereThePreferredBackingIsThere) { EXPECT_EQ(memory_warning(), ""); }

TEST(MemoryPolicy, PrefersSecretMemoryAndAcceptsMlock) {
  EXPECT_EQ(memory_policy().preferred, Backing::memfd_secret);
  EXPECT_TRUE(memory_policy().allow_mlock_instead);
}

TEST(MemoryPolicy, ABackingSaysItsName) {
  EXPECT_EQ(to_string(Backing::memfd_secret), "memfd_secret");
  EXPECT_EQ(to_string(Backing::mlock), "mlock");
}

}  // namespace
}  // namespace nicol::secret
