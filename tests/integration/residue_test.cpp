// SPDX-License-Identifier: Apache-2.0
// After a run no copy of any key it made is left in the whole process, on either backing; a leak would be found.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "controller/app/setup.hpp"
#include "controller/secret/locked_key.hpp"
#include "tests/integration/link_run.hpp"
#include "tests/integration/program.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/process_scan.hpp"

namespace nicol::test {
namespace {

constexpr std::size_t kWindow = 16, kStep = 24;

/// The keys of a store as patterns: fragments of the delivered bits at each of the eight bit alignments they may have
/// had as part of a longer string.
std::vector<MaskedPattern> patterns_of(keystore::KeyStore& store) {
  std::vector<MaskedPattern> out;
  for (const auto& key : store.keys()) {
    if (key.bits < 1024) continue;
    const auto delivered = store.deliver(key.id);
    if (!delivered) throw std::runtime_error(describe(delivered.error()));
    for (std::size_t shift = 0; shift < 8; ++shift) {
      const auto shifted = delivered->bits().slice(shift, 1024 - 8);
      shifted.with_read([&](std::span<const std::uint64_t> words) {
        auto fragments = mask_windows(std::as_bytes(words).first(120), kWindow, kStep);
        out.insert(out.end(), std::make_move_iterator(fragments.begin()), std::make_move_iterator(fragments.end()));
      });
    }
  }
  return out;
}

/// The store of the child, read through a copy: the original is locked by its owner.
std::vector<MaskedPattern> patterns_in(const Folder& run, const Folder& copy) {
  std::filesystem::copy(run / "alice", copy / "alice", std::filesystem::copy_options::recursive);
  auto store = keystore::KeyStore::open(copy / "alice", run / "preshared.key", {});
  if (!store) throw std::runtime_error(describe(store.error()));
  return patterns_of(**store);
}

/// Two nodes make key and stay up.
void be_a_run(int ready, const Folder& folder, secret::Backing backing) {
  secret::set_memory_policy({backing, backing == secret::Backing::mlock});
  LinkRunOptions o;
  o.scenario = small_teaching(60'000);
  o.blocks = 2;
  LiveLink link(o, folder);
  link.run(o.blocks);
  if (write(ready, "!", 1) != 1) _exit(1);
  for (;;) pause();
}

class Residue : public testing::TestWithParam<secret::Backing> {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "reading another process's memory needs root";
  }
};

TEST_P(Residue, OfAKeyIsNowhereInTheProcessThatMadeIt) {
  const Folder run, copy;
  const HeldChild child([&](int ready) { be_a_run(ready, run, GetParam()); });
  ASSERT_EQ(child.read(1).size(), 1U) << "the run ended early";
  const auto patterns = patterns_in(run, copy);
  ASSERT_GT(patterns.size(), 50U);
  const auto report = scan_process(child.pid(), patterns);
  ASSERT_TRUE(report.ok()) << describe(report.error());
  EXPECT_EQ(report->copies, 0U) << describe(*report);
  EXPECT_GT(report->bytes_read, 10'000'000U);
}

/// The control: a program that puts one delivered key where no key belongs.
void leak_a_key(int ready, const Folder& copy, const Folder& run) {
  auto store = keystore::KeyStore::open(copy / "alice", run / "preshared.key", {});
  if (!store) _exit(1);
  const auto key = (*store)->deliver((*store)->keys().at(0).id);
  std::vector<std::uint64_t> heap;
  key->bits().with_read([&](std::span<const std::uint64_t> words) { heap.assign(words.begin(), words.end()); });
  if (heap.empty() || write(ready, "!", 1) != 1) _exit(1);
  for (;;) pause();
}

TEST_P(Residue, OfALeakedKeyIsFoundByTheSameScan) {
  const Folder run, copy, second;
  std::vector<MaskedPattern> patterns;
  {
    const HeldChild child([&](int ready) { be_a_run(ready, run, GetParam()); });
    ASSERT_EQ(child.read(1).size(), 1U) << "the run ended early";
    patterns = patterns_in(run, copy);
  }
  std::filesystem::copy(run / "alice", second / "alice", std::filesystem::copy_options::recursive);
  const HeldChild leaking([&](int ready) { leak_a_key(ready, second, run); });
  ASSERT_EQ(leaking.read(1).size(), 1U);
  const auto report = scan_process(leaking.pid(), patterns);
  ASSERT_TRUE(report.ok()) << describe(report.error());
  EXPECT_GT(report->copies, 0U);
}

INSTANTIATE_TEST_SUITE_P(Backings, Residue, testing::Values(secret::Backing::memfd_secret, secret::Backing::mlock),
                         [](const auto& p) { return std::string(to_string(p.param)); });

}  // namespace
}  // namespace nicol::test
