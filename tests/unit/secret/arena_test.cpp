// SPDX-License-Identifier: Apache-2.0
// Locked scratch is aligned, zero, wiped after use; key slots are taken, written, released and wiped.
#include "controller/secret/arena.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace nicol::secret {
namespace {

TEST(Arena, GivesAlignedZeroedSpans) {
  auto arena = std::move(Arena::create(10000)).value();
  arena.use([](Arena::Frame& frame) {
    for (int i = 0; i < 5; ++i) {
      const auto bytes = frame.bytes(3);
      const auto words = frame.words(33);
      const auto halves = frame.words32(7);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % 64, 0U);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(words.data()) % 64, 0U);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(halves.data()) % 64, 0U);
      EXPECT_EQ(std::accumulate(words.begin(), words.end(), std::uint64_t{0}), 0U);
      std::fill(words.begin(), words.end(), ~std::uint64_t{0});
      std::fill(bytes.begin(), bytes.end(), std::uint8_t{0xff});
      EXPECT_EQ(std::accumulate(halves.begin(), halves.end(), std::uint64_t{0}), 0U);
    }
  });
}

TEST(Arena, WipesWhatWasTakenWhenTheUseEnds) {
  auto arena = std::move(Arena::create(4096)).value();
  for (int round = 0; round < 3; ++round)
    arena.use([](Arena::Frame& frame) {
      const auto words = frame.words(512);
      EXPECT_TRUE(std::all_of(words.begin(), words.end(), [](std::uint64_t w) { return w == 0; }));
      std::fill(words.begin(), words.end(), 1);
    });
}

TEST(Arena, WipesAfterAnException) {
  auto arena = std::move(Arena::create(64)).value();
  EXPECT_THROW(arena.use([](Arena::Frame& frame) {
    frame.words(8)[7] = 1;
    throw std::runtime_error("stop");
  }),
               std::runtime_error);
  EXPECT_EQ(arena.use([](Arena::Frame& frame) { return frame.words(8)[7]; }), 0U);
}

TEST(Arena, RefusesMoreThanItHasAndNamesNeedAndCapacity) {
  auto arena = std::move(Arena::create(1000)).value();
  EXPECT_EQ(arena.capacity(), 1024U);
  try {
    arena.use([](Arena::Frame& frame) { (void)frame.words(129); });
    FAIL() << "no exception";
  } catch (const std::length_error& error) {
    EXPECT_NE(std::string(error.what()).find("1088"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("1024"), std::string::npos) << error.what();
  }
  EXPECT_THROW(arena.use([](Arena::Frame& frame) { (void)frame.words(SIZE_MAX / 4); }), std::length_error);
}

TEST(Arena, ASecondUseAtOnceIsABug) {
  auto arena = std::move(Arena::create(64)).value();
  arena.use([&](Arena::Frame&) { EXPECT_THROW(arena.use([](Arena::Frame&) {}), std::logic_error); });
  arena.use([](Arena::Frame&) {});
}

TEST(Slab, HandsOutEverySlotOnce) {
  auto slab = std::move(Slab::create(32, 100)).value();
  std::set<std::size_t> seen;
  for (int i = 0; i < 100; ++i) seen.insert(*slab.take());
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_EQ(*seen.rbegin(), 99U);
  const auto full = slab.take();
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, Code::not_found);
}

TEST(Slab, ReleaseWipesItsSlotAlone) {
  auto slab = std::move(Slab::create(16, 4)).value();
  for (int i = 0; i < 4; ++i) (void)slab.take();
  slab.batch([](std::span<std::byte> all, std::size_t) { std::fill(all.begin(), all.end(), std::byte{1}); });
  slab.release(2);
  slab.batch([](std::span<std::byte> all, std::size_t slot_bytes) {
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], i / slot_bytes == 2 ? std::byte{0} : std::byte{1});
  });
  EXPECT_EQ(*slab.take(), 2U);
}

TEST(Slab, ReleasesManySlotsInOneScope) {
  auto slab = std::move(Slab::create(8, 1000)).value();
  std::vector<std::size_t> taken;
  for (int i = 0; i < 1000; ++i) taken.push_back(*slab.take());
  slab.batch([](std::span<std::byte> all, std::size_t) { std::fill(all.begin(), all.end(), std::byte{1}); });
  slab.release(taken);
  slab.batch([](std::span<std::byte> all, std::size_t) {
    EXPECT_TRUE(std::all_of(all.begin(), all.end(), [](std::byte b) { return b == std::byte{0}; }));
  });
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(slab.take().ok());
}

TEST(Slab, ReleasingAFreeSlotIsABug) {
  auto slab = std::move(Slab::create(8, 2)).value();
  EXPECT_THROW(slab.release(0), std::logic_error);
  const std::size_t slot = *slab.take();
  slab.release(slot);
  EXPECT_THROW(slab.release(slot), std::logic_error);
  EXPECT_THROW(slab.release(2), std::logic_error);
}

TEST(Slab, ASlotReleasedTwiceInOneBatchIsFreeOnce) {
  auto slab = std::move(Slab::create(8, 2)).value();
  const std::size_t slot = *slab.take();
  slab.release(std::vector<std::size_t>{slot, slot});
  EXPECT_NE(*slab.take(), *slab.take());
  EXPECT_FALSE(slab.take().ok());
}

}  // namespace
}  // namespace nicol::secret
