// SPDX-License-Identifier: Apache-2.0
// SIGKILL at every boundary the store names, then what a restart finds: used bits stay used, keys stay in a legal
// state.
#include <signal.h>
#include <sys/wait.h>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "drivers/hal/random.hpp"
#include "tests/unit/keystore/store_bench.hpp"

namespace nicol::keystore::test {
namespace {

constexpr Split kSplit{.pools = {64, 64, 256, 512}, .delivery = 1000};
constexpr std::uint64_t kBits = 1896;

/// What a process told us before it was killed: each line was written after the store's call had returned.
struct Told {
  std::vector<std::pair<Pool, Interval>> used;
  std::set<std::string> done;
  std::vector<std::uint64_t> blocks;
  bool finished = false;
  std::string last_point;
};

/// The child's side of the pipe.
class Teller {
 public:
  explicit Teller(int fd) : fd_(fd) {}
  void line(const std::string& text) const {
    const std::string whole = text + "\n";
    if (::write(fd_, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size())) ::_exit(9);
  }
  void used(Pool pool, Interval i) const { line(fmt::format("used {} {} {}", static_cast<int>(pool), i.begin, i.end)); }

 private:
  int fd_;
};

Told parse(const std::string& text) {
  Told told;
  std::istringstream lines(text);
  for (std::string word; lines >> word;) {
    if (word == "used") {
      int pool = 0;
      Interval i;
      lines >> pool >> i.begin >> i.end;
      told.used.emplace_back(static_cast<Pool>(pool), i);
    } else if (word == "block") {
      lines >> told.blocks.emplace_back();
    } else if (word == "point") {
      lines >> told.last_point;
    } else if (word == "finished") {
      told.finished = true;
    } else {
      told.done.insert(word);
    }
  }
  return told;
}

/// Runs `work` in a child that kills itself at its nth fault point (never for n = 0).
template <class F>
Told run_and_kill(const Bench& bench, std::uint64_t nth, F&& work) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    const Teller tell(ends[1]);
    std::uint64_t count = 0;
    auto store = bench.try_open("alice", [&](std::string_view point) {
      if (++count != nth) return;
      tell.line("point " + std::string(point));
      ::kill(::getpid(), SIGKILL);
    });
    if (!store) ::_exit(8);
    work(**store, tell);
    tell.line("finished");
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text;
  char part[4096];
  for (ssize_t n = 0; (n = ::read(ends[0], part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int outcome = 0;
  ::waitpid(child, &outcome, 0);
  EXPECT_TRUE(WIFSIGNALED(outcome) || WEXITSTATUS(outcome) == 0) << "child ended with " << outcome;
  return parse(text);
}

/// A life of a node that touches every durable operation. Its key is number 1; number 2 dies.
void live(KeyStore& store, const Teller& tell) {
  const auto must = [](bool ok) {
    if (!ok) ::_exit(7);
  };
  const auto take = [&](Pool pool, Interval i) {
    must(store.take_pad(pool, i).ok());
    tell.used(pool, i);
  };
  const auto block = store.next_block();
  must(block.ok());
  tell.line(fmt::format("block {}", *block));
  const auto ab = store.reserve(Pool::auth_ab, 192), ba = store.reserve(Pool::auth_ba, 192);
  must(ab.ok() && ba.ok());
  const KeyStore::Settlement settlement{{ba->begin + 64, ba->end}, {ab->begin + 64, ab->end}};
  must(store.remember(id_of(1), std::nullopt, settlement).ok());
  take(Pool::auth_ab, {ab->begin, ab->begin + 64});
  must(store.put(pending_key(1, kBits), kSplit, settlement).ok());
  tell.line("put");
  take(Pool::auth_ba, {ba->begin + 64, ba->begin + 128});  // a settlement pad, durable by itself
  must(store.remember(id_of(1), Verdict::Kind::available, settlement).ok());
  tell.line("verdict");
  must(store.settle(id_of(1), available(id_of(1))).ok());
  tell.line("available");
  must(store.forget(id_of(1)).ok());
  must(store.add_epsilon(1e-10).ok());
  tell.line("epsilon");
  const auto loan = store.take_otp(Pool::otp_ab, 96);
  must(loan.ok());
  tell.used(Pool::otp_ab, loan->interval);
  must(store.take_otp_at(Pool::otp_ba, {100, 200}).ok());
  tell.used(Pool::otp_ba, {100, 200});
  must(store.take_otp_at(Pool::otp_ba, {0, 50}).ok());
  tell.used(Pool::otp_ba, {0, 50});
  must(store.deliver(id_of(1)).ok());
  tell.line("delivered");
  must(store.accept_reservation(Pool::auth_ab, {1000, 1064}).ok());
  take(Pool::auth_ab, {1000, 1064});
  must(store.put(pending_key(2, kBits), kSplit, {}).ok());
  must(store.settle(id_of(2), destroyed(id_of(2))).ok());
  tell.line("destroyed");
  must(store.advance_marks({2000, 500, 96, 300}, 384).ok());
  tell.line("advanced");
  const auto rest = store.reserve(Pool::otp_ab, 160);
  must(rest.ok());
  take(Pool::otp_ab, *rest);
}

void expect_legal_keys(KeyStore& store, const Told& told) {
  std::map<KeyId, KeyState> states;
  for (const KeyInfo& key : store.keys()) states[key.id] = key.state;
  const auto first = states.find(id_of(1));
  if (told.done.contains("delivered")) {
    ASSERT_NE(first, states.end());
    EXPECT_EQ(first->second, KeyState::delivered);
  }
  if (told.done.contains("available")) {
    ASSERT_NE(first, states.end());
    EXPECT_NE(first->second, KeyState::pending);
  }
  if (told.done.contains("put")) {
    EXPECT_NE(first, states.end());
  }
  if (told.done.contains("destroyed")) {
    EXPECT_FALSE(states.contains(id_of(2)));
  }
  const auto second = states.find(id_of(2));
  if (second != states.end()) {
    EXPECT_EQ(second->second, KeyState::pending);
  }
}

/// Every bit the restarted node can still take: each is outside what was used, and each is the bit it should be.
void expect_no_reuse(KeyStore& store, const Told& told) {
  const auto fresh = [&](Pool pool, Interval taken) {
    for (const auto& [used_pool, used] : told.used)
      if (used_pool == pool) {
        EXPECT_TRUE(taken.end <= used.begin || used.end <= taken.begin)
            << to_string(pool) << " " << taken.begin << ".." << taken.end;
      }
  };
  for (const auto& [pool, used] : told.used) {
    EXPECT_FALSE(store.take_pad(pool, used).ok());
    if (pool == Pool::otp_ba) {
      EXPECT_FALSE(store.take_otp_at(pool, used).ok());
    }
  }
  for (const Pool pool : kPools) {
    const std::uint64_t left = status(store, pool).available();
    if (left == 0) continue;
    const auto taken = store.reserve(pool, left);
    ASSERT_TRUE(taken.ok());
    fresh(pool, *taken);
    const auto bits = store.take_pad(pool, *taken);
    ASSERT_TRUE(bits.ok()) << describe(bits.error());
    if (pool == Pool::otp_ab) {
      EXPECT_EQ(bits_of(*bits, left), key_bits(1, 128 + taken->begin, left));
    }
    if (pool == Pool::otp_ba) {
      EXPECT_EQ(bits_of(*bits, left), key_bits(1, 384 + taken->begin, left));
    }
  }
}

void expect_sound_restart(const Bench& bench, const Told& told) {
  auto opened = bench.try_open();
  ASSERT_TRUE(opened.ok()) << describe(opened.error());
  KeyStore& store = **opened;
  expect_legal_keys(store, told);
  for (const std::uint64_t block : told.blocks) EXPECT_GT(*store.next_block(), block);
  if (told.done.contains("epsilon")) {
    EXPECT_GE(store.cumulative_epsilon(), 1e-10);
  }
  if (told.done.contains("advanced")) {
    EXPECT_GE(store.marks()[0], 2000u);
  }
  if (const auto pending = store.pending()) {
    const KeyId id = pending->id;
    EXPECT_TRUE(store.settle(id, id == id_of(1) ? available(id) : destroyed(id)).ok());
  }
  const bool fed = std::ranges::any_of(store.keys(), [](const KeyInfo& key) { return key.id == id_of(1); });
  for (const Pool pool : kPools) {
    const auto p = static_cast<std::size_t>(pool);
    EXPECT_EQ(store.pools()[p].end, (p < 2 ? 8192u : 0u) + (fed ? kSplit.pools[p] : 0u)) << to_string(pool);
  }
  const auto delivered = store.deliver(id_of(1));
  if (told.done.contains("delivered")) {
    EXPECT_FALSE(delivered.ok());
  }
  expect_no_reuse(store, told);
}

TEST(Kill, AtEveryBoundaryLeavesASoundStore) {
  std::set<std::string> points;
  for (std::uint64_t nth = 1;; ++nth) {
    const Bench bench;
    bench.open();
    const Told told = run_and_kill(bench, nth, live);
    if (!told.finished) points.insert(told.last_point);
    expect_sound_restart(bench, told);
    ASSERT_FALSE(HasFailure()) << "killed at point " << nth << ", " << told.last_point;
    if (told.finished) break;
  }
  for (const char* what : {"marks.first.write",    "marks.first.written",
                           "marks.first.fsync",    "marks.second.write",
                           "marks.second.written", "marks.second.fsync",
                           "bits.write",           "bits.written",
                           "bits.fsync",           "bits.rename",
                           "bits.dirsync",         "key.write",
                           "key.written",          "key.fsync",
                           "key.rename",           "key.dirsync",
                           "key.available.rename", "key.delivered.rename",
                           "key.destroyed.rename", "bits.wipe",
                           "bits.unlink",          "bits.unlinked",
                           "key.unlink",           "key.unlinked"})
    EXPECT_TRUE(points.contains(what)) << what;
}

TEST(Kill, AtEveryBoundaryOfTheFirstUseLeavesNoStoreOrAWholeOne) {
  std::set<std::string> points;
  for (std::uint64_t nth = 1;; ++nth) {
    const Bench bench({.plan = {.auth_high_water = 256}});
    const Told told = run_and_kill(bench, nth, [](KeyStore&, const Teller&) {});
    points.insert(told.last_point);
    const auto store = bench.try_open();
    ASSERT_TRUE(store.ok()) << told.last_point << ": " << describe(store.error());
    EXPECT_EQ(*(*store)->reserve(Pool::auth_ab, 256), (Interval{0, 256}));
    EXPECT_TRUE((*store)->take_pad(Pool::auth_ab, {0, 256}).ok());
    EXPECT_FALSE(fs::exists(bench.state() / "store.new"));
    if (told.finished) break;
  }
  for (const char* what : {"import.store-key.written", "import.root.fsync", "import.bits.rename",
                           "import.marks.dirsync", "import.commit", "import.rename", "import.dirsync"})
    EXPECT_TRUE(points.contains(what)) << what;
}

TEST(Kill, DuringRecoveryFromAKillIsRecoveredFromToo) {
  for (std::uint64_t first = 5; first < 200; first += 13)
    for (std::uint64_t second = 1; second < 12; second += 2) {
      const Bench bench;
      bench.open();
      Told told = run_and_kill(bench, first, live);
      run_and_kill(bench, second, [](KeyStore& store, const Teller&) { (void)store.next_block(); });
      expect_sound_restart(bench, told);
      ASSERT_FALSE(HasFailure()) << "killed at " << first << " (" << told.last_point << ") and " << second;
    }
}

/// One folder, killed again and again: over all lives, no bit is used twice and no block number given twice.
TEST(Kill, HundredsOfTimesInARowNeverUsesABitTwice) {
  const Bench bench({.plan = {.auth_high_water = 1u << 17}});
  add_key(*bench.open(), 1, {.pools = {0, 0, 1u << 16, 1u << 16}, .delivery = 0});
  std::map<Pool, std::uint64_t> frontier;
  std::uint64_t next_block = 0;
  CounterStream random({.seed = 11});
  for (int life = 0; life < 300; ++life) {
    const Told told = run_and_kill(bench, 1 + random.below(60), [&](KeyStore& store, const Teller& tell) {
      for (int i = 0; i < 4; ++i) {
        const auto pool = static_cast<Pool>((life + i) % 4);
        const auto block = store.next_block();
        const auto interval = store.reserve(pool, 64);
        if (!block.ok() || !interval.ok()) ::_exit(7);
        tell.line(fmt::format("block {}", *block));
        if (!store.take_pad(pool, *interval).ok()) ::_exit(6);
        tell.used(pool, *interval);
      }
    });
    for (const auto& [pool, used] : told.used) {
      ASSERT_GE(used.begin, frontier[pool]) << "life " << life << " in " << to_string(pool);
      frontier[pool] = used.end;
    }
    for (const std::uint64_t block : told.blocks) {
      ASSERT_GE(block, next_block);
      next_block = block + 1;
    }
  }
  EXPECT_GT(frontier[Pool::auth_ab], 64u * 50);
}

}  // namespace
}  // namespace nicol::keystore::test
