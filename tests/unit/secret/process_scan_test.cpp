// SPDX-License-Identifier: Apache-2.0
// The scanner itself: a deliberate leak is found wherever it lies, and a clean process has none.
#include "tests/support/process_scan.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <vector>

#include "controller/secret/locked_key.hpp"

namespace nicol::test {
namespace {

using secret::Birth;
using secret::LockedKey;

class ProcessScan : public testing::Test {
 protected:
  void SetUp() override {
    set_memory_policy({secret::Backing::mlock, true});
    static const bool allowed = scan_process(getpid(), {}).ok();
    if (!allowed) GTEST_SKIP() << "not allowed to read /proc/self/mem from a child";
    key_ = LockedKey(32, Birth::random);
    pattern_ = key_.with_read([](std::span<const std::byte> data) { return MaskedPattern::of(data, "key"); });
  }
  void TearDown() override { secret::set_memory_policy(secret::MemoryPolicy{}); }
  std::size_t copies(ScanOptions options = {}) const {
    return scan_process(getpid(), {&pattern_, 1}, options)->copies - 1;  // the key itself, in mlocked pages
  }
  void leak_to(void* at) const {
    key_.with_read([&](std::span<const std::byte> data) { std::memcpy(at, data.data(), data.size()); });
    __asm__ volatile("" : : "r"(at) : "memory");  // else the copy may be optimised away
  }
  static void set_memory_policy(secret::MemoryPolicy policy) { secret::set_memory_policy(policy); }

  LockedKey key_;
  MaskedPattern pattern_;
};

TEST_F(ProcessScan, FindsNothingInACleanProcess) { EXPECT_EQ(copies(), 0U); }

TEST_F(ProcessScan, FindsALeakOnTheHeapAtAnyByte) {
  std::vector<unsigned char> heap(9 * 64);
  for (std::size_t shift = 0; shift < 9; ++shift) leak_to(heap.data() + shift * 64 + shift);
  EXPECT_EQ(copies(), 9U);
  explicit_bzero(heap.data(), heap.size());
}

TEST_F(ProcessScan, FindsALeakOnTheStack) {
  std::array<unsigned char, 32> stack;
  leak_to(stack.data());
  EXPECT_EQ(copies(), 1U);
  explicit_bzero(stack.data(), stack.size());
}

TEST_F(ProcessScan, CountsEveryCopyAndNamesWhereItLies) {
  std::vector<unsigned char> heap(1000);
  for (const std::size_t at : {std::size_t{0}, std::size_t{100}, std::size_t{901}}) leak_to(heap.data() + at);
  const auto report = scan_process(getpid(), {&pattern_, 1});
  EXPECT_EQ(report->copies, 4U) << describe(*report);
  std::size_t here = 0;
  for (const ScanHit& hit : report->hits) {
    const auto at = reinterpret_cast<std::uintptr_t>(heap.data());
    here += hit.address >= at && hit.address < at + heap.size() ? 1U : 0U;
    EXPECT_FALSE(hit.mapping.empty());
  }
  EXPECT_EQ(here, 3U);
  explicit_bzero(heap.data(), heap.size());
}

TEST_F(ProcessScan, FindsALeakAcrossPagesAndReadChunks) {
  const std::size_t size = std::size_t{3} << 20;
  auto* const pages =
      static_cast<unsigned char*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (std::size_t before = 1; before < 32; before += 15) {
    for (const std::size_t border : {std::size_t{4096}, std::size_t{1} << 20, std::size_t{2} << 20})
      leak_to(pages + border - before);
    EXPECT_EQ(copies(), 3U) << before;
    explicit_bzero(pages, size);
  }
  munmap(pages, size);
}

TEST_F(ProcessScan, FindsLeaksInALargeSparseMapping) {
  const std::size_t size = std::size_t{1} << 30;
  void* const map = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(map, MAP_FAILED);
  madvise(map, size, MADV_NOHUGEPAGE);
  auto* const bytes = static_cast<unsigned char*>(map);
  const std::size_t lone_page = std::size_t{77} << 20, border = std::size_t{300} << 20;
  for (const std::size_t at : {std::size_t{5}, lone_page + 4096 - 32, border - 16, border + 4096 - 7, size - 32})
    leak_to(bytes + at);
  EXPECT_EQ(copies(), 5U);
  munmap(map, size);
}

TEST_F(ProcessScan, MakesNoPagesWhereThereWereNone) {
  const std::size_t size = std::size_t{1} << 30;
  void* const map = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(map, MAP_FAILED);
  *static_cast<volatile unsigned char*>(map) = 1;
  const auto first = scan_process(getpid(), {&pattern_, 1}), second = scan_process(getpid(), {&pattern_, 1});
  EXPECT_LT(first->bytes_read, size);
  EXPECT_LT(second->bytes_read, first->bytes_read + (std::uint64_t{64} << 20));
  munmap(map, size);
}

TEST_F(ProcessScan, AStrideLeavesOutOtherAddresses) {
  alignas(16) std::array<unsigned char, 64> stack{};
  leak_to(stack.data() + 4);
  EXPECT_EQ(copies({.stride = 4}), 1U);
  EXPECT_EQ(copies({.stride = 8}), 0U);
  explicit_bzero(stack.data(), stack.size());
}

TEST_F(ProcessScan, WindowsFindAFragment) {
  LockedKey long_key(256, Birth::random);
  const auto windows =
      long_key.with_read([](std::span<const std::byte> data) { return mask_windows(data, 16, 4, "window"); });
  std::array<unsigned char, 19> fragment{};
  long_key.with_read([&](std::span<const std::byte> data) { std::memcpy(fragment.data(), &data[101], 19); });
  long_key.wipe();
  EXPECT_EQ(*count_copies(getpid(), windows), 1U);
  explicit_bzero(fragment.data(), fragment.size());
}

TEST_F(ProcessScan, APatternIsNoCopyOfItself) {
  const std::vector<MaskedPattern> many(100, pattern_);
  EXPECT_EQ(copies(), 0U);
}

TEST_F(ProcessScan, SearchesFilesAlsoAcrossChunks) {
  const std::string path = testing::TempDir() + "nicol-scan-" + std::to_string(getpid());
  for (const std::size_t at : {std::size_t{0}, (std::size_t{1} << 20) - 5, std::size_t{1} << 21}) {
    std::ofstream file(path, std::ios::binary);
    file << std::string(at, 'x');
    for (std::size_t i = 0; i < pattern_.size(); ++i) file.put(static_cast<char>(pattern_.byte(i)));
    file.close();
    EXPECT_EQ(*count_in_file(path, {&pattern_, 1}), 1U) << at;
  }
  unlink(path.c_str());
}

TEST_F(ProcessScan, AProcessThatIsNotThereIsAnError) { EXPECT_FALSE(scan_process(-1, {&pattern_, 1}).ok()); }

TEST(MaskedPattern, RefusesWhatWouldMatchByChance) {
  const std::array<std::byte, 15> few{};
  EXPECT_THROW((void)MaskedPattern::of(few), std::length_error);
}

TEST(MaskedPattern, SurvivesPacking) {
  std::array<std::byte, 20> some{};
  some[3] = std::byte{77};
  const MaskedPattern pattern = MaskedPattern::unpacked(MaskedPattern::of(some).packed());
  ASSERT_EQ(pattern.size(), 20U);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(pattern.byte(i), i == 3 ? 77 : 0);
}

}  // namespace
}  // namespace nicol::test
