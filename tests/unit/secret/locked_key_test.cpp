// SPDX-License-Identifier: Apache-2.0
// A locked key as a value: birth, moves, scopes, splitting, comparing, the end.
#include <atomic>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

#include "tests/unit/secret/backing_fixture.hpp"

namespace nicol::secret {
namespace {

class LockedKeyOn : public WithBacking {};
NICOL_BOTH_BACKINGS(LockedKeyOn);

static_assert(!std::is_copy_constructible_v<LockedKey> && !std::is_copy_assignable_v<LockedKey>);
static_assert(std::is_nothrow_move_constructible_v<LockedKey> && std::is_nothrow_move_assignable_v<LockedKey>);

TEST_P(LockedKeyOn, HasTheBackingAskedFor) { EXPECT_EQ(LockedKey(32).backing(), GetParam()); }

TEST_P(LockedKeyOn, IsZeroAtBirthUnlessAskedOtherwise) { EXPECT_TRUE(same_bytes(LockedKey(5000), std::byte{0})); }

TEST_P(LockedKeyOn, IsZeroAtBirthAlsoInPagesOfAnEarlierKey) {
  for (std::size_t size = 20000; size > 16000; size -= 400) {
    LockedKey(size, Birth::random).wipe();
    EXPECT_TRUE(same_bytes(LockedKey(size - 300), std::byte{0})) << size;
  }
}

TEST_P(LockedKeyOn, IsRandomAtBirthWhenAskedTo) {
  const LockedKey key(1 << 16, Birth::random);
  std::vector<std::size_t> counts(256);
  key.with_read([&](std::span<const std::byte> data) {
    for (const std::byte b : data) ++counts[static_cast<std::size_t>(b)];
  });
  for (const std::size_t count : counts) EXPECT_NEAR(static_cast<double>(count), 256.0, 130.0);  // 8 sigma
}

TEST_P(LockedKeyOn, TwoRandomBirthsDiffer) {
  EXPECT_FALSE(LockedKey(32, Birth::random).equal_ct(LockedKey(32, Birth::random)));
}

TEST_P(LockedKeyOn, KeepsWhatIsWrittenInEverySize) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{31}, std::size_t{4064}, std::size_t{4065},
                                 std::size_t{4096}, std::size_t{100000}}) {
    LockedKey key(size);
    fill(key, std::byte{0xa5});
    EXPECT_EQ(key.size(), size);
    EXPECT_TRUE(same_bytes(key, std::byte{0xa5})) << size;
  }
}

TEST_P(LockedKeyOn, MayBeManyMebibytes) {
  const std::size_t size = std::size_t{6} << 20;
  if (locked_usage().limit < size + (std::size_t{1} << 20)) GTEST_SKIP() << "RLIMIT_MEMLOCK too small";
  LockedKey key(size);
  fill(key, std::byte{1});
  EXPECT_TRUE(same_bytes(key, std::byte{1}));
}

TEST_P(LockedKeyOn, ScopesHandBackWhatTheCallableReturns) {
  LockedKey key(8);
  EXPECT_EQ(key.with_read([](std::span<const std::byte> data) { return data.size(); }), 8U);
}

TEST_P(LockedKeyOn, AMoveLeavesTheSourceEmptyAndTheTargetWithTheKey) {
  LockedKey source(8);
  fill(source, std::byte{7});
  LockedKey target = std::move(source);
  EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(source.size(), 0U);
  EXPECT_TRUE(same_bytes(target, std::byte{7}));
}

TEST_P(LockedKeyOn, MoveAssignmentEndsTheOldKey) {
  const std::size_t before = locked_usage().held;
  LockedKey target(8), source(8);
  fill(source, std::byte{9});
  target = std::move(source);
  EXPECT_TRUE(same_bytes(target, std::byte{9}));
  target.wipe();
  EXPECT_EQ(locked_usage().held, before);
}

TEST_P(LockedKeyOn, AMoveInsideAScopeIsClosedOnTheNewOwner) {
  LockedKey source(8), target;
  source.with_write([&](std::span<std::byte> data) {
    target = std::move(source);
    data[0] = std::byte{3};
  });
  target.freeze();
  target.with_read([](std::span<const std::byte> data) { EXPECT_EQ(data[0], std::byte{3}); });
}

TEST_P(LockedKeyOn, UseAfterWipeThrows) {
  LockedKey key(8);
  key.wipe();
  EXPECT_THROW(key.with_read([](auto) {}), std::logic_error);
  EXPECT_THROW(key.with_write([](auto) {}), std::logic_error);
}

TEST_P(LockedKeyOn, WipeIsIdempotent) {
  LockedKey key(8);
  key.wipe();
  key.wipe();
  EXPECT_TRUE(key.empty());
}

TEST_P(LockedKeyOn, AWipeInsideItsOwnScopeIsSurvived) {
  LockedKey key(8);
  key.with_write([&](std::span<std::byte>) { key.wipe(); });
  EXPECT_TRUE(key.empty());
}

TEST_P(LockedKeyOn, AReadScopeInsideAWriteScopeStaysWritable) {
  LockedKey key(8);
  key.with_write([&](std::span<std::byte> data) {
    key.with_read([&](std::span<const std::byte>) { data[0] = std::byte{1}; });
    data[1] = std::byte{1};
  });
  key.with_read([](std::span<const std::byte> data) { EXPECT_EQ(data[0], data[1]); });
}

TEST_P(LockedKeyOn, AWriteScopeInsideAReadScopeWorks) {
  LockedKey key(8);
  key.with_read([&](std::span<const std::byte> outer) {
    fill(key, std::byte{4});
    EXPECT_EQ(outer[7], std::byte{4});
  });
}

TEST_P(LockedKeyOn, ManyThreadsReadAtOnce) {
  LockedKey key(64);
  fill(key, std::byte{0x3c});
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> readers;
    for (int t = 0; t < 4; ++t)
      readers.emplace_back([&] {
        for (int i = 0; i < 2000; ++i) wrong += same_bytes(key, std::byte{0x3c}) ? 0 : 1;
      });
  }
  EXPECT_EQ(wrong, 0);
}

TEST_P(LockedKeyOn, ManyThreadsMakeAndEndKeysAtOnce) {
  const std::size_t before = locked_usage().held;
  {
    std::vector<std::jthread> makers;
    for (int t = 0; t < 4; ++t)
      makers.emplace_back([] {
        for (int i = 0; i < 100; ++i) LockedKey key(100, Birth::random);
      });
  }
  EXPECT_EQ(locked_usage().held, before);
}

TEST_P(LockedKeyOn, AFrozenKeyIsReadAndNotWritten) {
  LockedKey key(8);
  fill(key, std::byte{5});
  key.freeze();
  EXPECT_THROW(key.with_write([](auto) {}), std::logic_error);
  EXPECT_TRUE(same_bytes(key, std::byte{5}));
}

TEST_P(LockedKeyOn, AFrozenKeyCanStillBeWiped) {
  LockedKey key(8);
  key.freeze();
  key.wipe();
  EXPECT_TRUE(key.empty());
}

TEST_P(LockedKeyOn, AFrozenKeyIsNotSplit) {
  LockedKey key(8);
  key.freeze();
  EXPECT_THROW((void)key.take_front(4), std::logic_error);
}

std::byte pattern(std::size_t i) { return static_cast<std::byte>(i * 7 % 251); }

TEST_P(LockedKeyOn, TakeFrontSplitsInOrder) {
  LockedKey key(5000);
  key.with_write([](std::span<std::byte> data) {
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = pattern(i);
  });
  const LockedKey front = key.take_front(1234);
  EXPECT_EQ(front.size(), 1234U);
  EXPECT_EQ(key.size(), 5000U - 1234U);
  front.with_read([](std::span<const std::byte> data) { EXPECT_EQ(data[1233], pattern(1233)); });
  key.with_read([](std::span<const std::byte> data) {
    EXPECT_EQ(data[0], pattern(1234));
    EXPECT_EQ(data.back(), pattern(4999));
  });
}

TEST_P(LockedKeyOn, TakenBytesAreGoneFromTheRest) {
  LockedKey key(64);
  fill(key, std::byte{0xee});
  const LockedKey front = key.take_front(32);
  // What stood before the data is canary now: 32 bytes of 0xee there by chance is impossible.
  const bool left = key.with_read([](std::span<const std::byte> data) {
    bool all = true;
    for (std::size_t i = 1; i <= 32; ++i) all = all && *(data.data() - i) == std::byte{0xee};
    return all;
  });
  EXPECT_FALSE(left);
}

TEST_P(LockedKeyOn, TakingAllLeavesNothing) {
  LockedKey key(16);
  const LockedKey all = key.take_front(16);
  EXPECT_TRUE(key.empty());
  EXPECT_EQ(all.size(), 16U);
}

TEST_P(LockedKeyOn, TakingNothingGivesAnEmptyKey) {
  LockedKey key(16);
  EXPECT_TRUE(key.take_front(0).empty());
  EXPECT_EQ(key.size(), 16U);
}

TEST_P(LockedKeyOn, TakingTooMuchThrowsAndTakesNothing) {
  LockedKey key(16);
  EXPECT_THROW((void)key.take_front(17), std::length_error);
  EXPECT_EQ(key.size(), 16U);
}

TEST_P(LockedKeyOn, AKeyTakenApartToItsEndWipesWithoutAlarm) {
  LockedKey key(4096, Birth::random);
  while (!key.empty()) (void)key.take_front(key.size() > 100 ? 100 : key.size());
  EXPECT_TRUE(key.empty());
}

TEST_P(LockedKeyOn, EqualityLooksAtEveryByte) {
  LockedKey a(77), b(77);
  EXPECT_TRUE(a.equal_ct(b));
  for (std::size_t i = 0; i < 77; ++i) {
    b.with_write([&](std::span<std::byte> data) { data[i] = std::byte{0x80}; });
    EXPECT_FALSE(a.equal_ct(b)) << i;
    b.with_write([&](std::span<std::byte> data) { data[i] = std::byte{0}; });
  }
}

TEST_P(LockedKeyOn, KeysOfDifferentSizesAreUnequal) { EXPECT_FALSE(LockedKey(8).equal_ct(LockedKey(9))); }
TEST_P(LockedKeyOn, AKeyEqualsItself) {
  const LockedKey key(8, Birth::random);
  EXPECT_TRUE(key.equal_ct(key));
}

TEST(LockedKeyBugs, AKeyOfNoBytesIsABug) { EXPECT_THROW((void)LockedKey::create(0), std::logic_error); }
TEST(LockedKeyBugs, AnEmptyKeyCannotBeOpened) {
  EXPECT_THROW(LockedKey().with_read([](auto) {}), std::logic_error);
}

}  // namespace
}  // namespace nicol::secret
