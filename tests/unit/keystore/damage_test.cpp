// SPDX-License-Identifier: Apache-2.0
// Files cut, changed or put back: refused by name, or outvoted by the other copy; never bits used twice.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "tests/unit/keystore/store_bench.hpp"

namespace {
bool syncs_fail = false;
}  // namespace

// Seen by the whole test program in place of the C library's.
extern "C" int fsync(int fd) {
  errno = EIO;
  return syncs_fail ? -1 : static_cast<int>(::syscall(SYS_fsync, fd));
}
extern "C" int fdatasync(int fd) {
  errno = EIO;
  return syncs_fail ? -1 : static_cast<int>(::syscall(SYS_fdatasync, fd));
}

namespace nicol::keystore::test {
namespace {

constexpr Split kSplit{.pools = {64, 128, 256, 512}, .delivery = 1000};

std::string contents(const fs::path& file) {
  std::ifstream f(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(f), {}};
}
void overwrite(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

/// A state with marks at (640, 64, 96, 40): whatever is done to its files, no mark may come back lower.
struct Used {
  Bench bench;
  fs::path store = bench.state() / "store";
  Used() {
    const auto s = bench.open();
    add_key(*s, 1, kSplit);
    EXPECT_TRUE(s->reserve(Pool::auth_ab, 640).ok());
    EXPECT_TRUE(s->reserve(Pool::auth_ba, 64).ok());
    EXPECT_TRUE(s->take_otp(Pool::otp_ab, 96).ok());
    EXPECT_TRUE(s->take_otp(Pool::otp_ba, 40).ok());
  }
  /// True when the store opened.
  bool opens_without_reuse() const {
    const auto s = bench.try_open();
    if (!s.ok()) return false;
    EXPECT_EQ((*s)->marks(), (Marks{640, 64, 96, 40}));
    return true;
  }
};

// Flips one bit of every byte of the file in use (a big file: every 37th past its start), one at a time.
template <class F>
void for_each_flip(const fs::path& file, std::size_t used, F&& check) {
  const std::string good = contents(file);
  for (std::size_t at = 0; at < good.size(); at += at < used ? 1 : 3701) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    overwrite(file, bad);
    check(at);
    if (testing::Test::HasFailure()) return;
  }
  overwrite(file, good);
}

TEST(MarksCopy, MayBeChangedAnywhereWhileTheOtherIsWhole) {
  const Used used;
  const std::string other = contents(used.store / "marks.1");
  for_each_flip(used.store / "marks.0", 300, [&](std::size_t at) {
    EXPECT_TRUE(used.opens_without_reuse()) << "byte " << at;
    overwrite(used.store / "marks.1", other);
  });
}

TEST(MarksCopy, MayBeCutAnywhereWhileTheOtherIsWhole) {
  const Used used;
  const std::string good = contents(used.store / "marks.1"), other = contents(used.store / "marks.0");
  for (std::size_t size = 0; size < 300; size += 7) {
    overwrite(used.store / "marks.1", good.substr(0, size));
    overwrite(used.store / "marks.0", other);
    ASSERT_TRUE(used.opens_without_reuse()) << size << " bytes";
  }
}

TEST(MarksCopy, IsWholeAgainAfterTheNextStart) {
  const Used used;
  overwrite(used.store / "marks.0", "gone");
  ASSERT_TRUE(used.opens_without_reuse());
  overwrite(used.store / "marks.1", "gone");
  EXPECT_TRUE(used.opens_without_reuse());
}

TEST(MarksCopy, ThatIsDamagedIsWrittenBeforeTheGoodOne) {
  for (const auto& [name, first_point] :
       {std::pair{"marks.0", "marks.first.write"}, {"marks.1", "marks.second.write"}}) {
    const Used used;
    overwrite(used.store / name, "gone");
    std::vector<std::string> points;
    used.bench.open("alice", [&](std::string_view point) { points.emplace_back(point); });
    ASSERT_FALSE(points.empty());
    EXPECT_EQ(points.front(), first_point);
  }
}

TEST(MarksCopy, PutBackFromAnOlderDayIsOutvoted) {
  const Bench bench;
  const fs::path store = bench.state() / "store";
  std::string old;
  {
    const auto s = bench.open();
    ASSERT_TRUE(s->reserve(Pool::auth_ab, 64).ok());
    old = contents(store / "marks.0");
    ASSERT_TRUE(s->reserve(Pool::auth_ab, 64).ok());
  }
  for (const char* name : {"marks.0", "marks.1"}) {
    overwrite(store / name, old);
    EXPECT_EQ(bench.open()->marks()[0], 128u) << name;
  }
}

TEST(Marks, BothUnreadableAreDeadAndSaidToBe) {
  const Used used;
  overwrite(used.store / "marks.0", "gone");
  overwrite(used.store / "marks.1", "");
  const auto store = used.bench.try_open();
  ASSERT_EQ(code_of(store), Code::checksum);
  EXPECT_NE(store.error().message.find("dead"), std::string::npos);
  EXPECT_EQ(contents(used.store / "marks.0"), "gone");
}

TEST(Marks, BothMissingAreNotMadeAnew) {
  const Used used;
  fs::remove(used.store / "marks.0");
  fs::remove(used.store / "marks.1");
  EXPECT_EQ(code_of(used.bench.try_open()), Code::checksum);
  EXPECT_FALSE(fs::exists(used.store / "marks.0"));
}

TEST(KeyFileOnDisk, ChangedAnywhereIsRefused) {
  const Used used;
  for_each_flip(used.store / "keys/01010101-0101-0101-0101-010101010101.rec", 100'000,
                [&](std::size_t at) { EXPECT_FALSE(used.bench.try_open().ok()) << "byte " << at; });
}

TEST(KeyFileOnDisk, UnderAnotherKeysNameIsRefused) {
  const Used used;
  fs::copy_file(used.store / "keys/01010101-0101-0101-0101-010101010101.rec",
                used.store / "keys/02020202-0202-0202-0202-020202020202.rec");
  EXPECT_EQ(code_of(used.bench.try_open()), Code::checksum);
}

TEST(SealedBits, ChangedAnywhereAreRefusedNotHandedOut) {
  const Used used;
  const fs::path file = used.store / "keys/01010101-0101-0101-0101-010101010101.bits";
  const std::string good = contents(file);
  const std::size_t header = 77, delivery = good.size() - 125 - 16;
  for (std::size_t at = 0; at < good.size(); at = at + 5 >= header && at < delivery ? delivery : at + 5) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    overwrite(file, bad);
    EXPECT_FALSE(used.bench.open()->deliver(id_of(1)).ok()) << "byte " << at;
  }
  overwrite(file, good);
  EXPECT_TRUE(used.bench.open()->deliver(id_of(1)).ok());
}

TEST(SealedBits, OfOneKeyDoNotOpenAsAnothers) {
  const Bench bench;
  const auto store = bench.open();
  add_key(*store, 1, kSplit);
  add_key(*store, 2, kSplit);
  const fs::path keys = bench.state() / "store/keys";
  fs::copy_file(keys / "01010101-0101-0101-0101-010101010101.bits", keys / "02020202-0202-0202-0202-020202020202.bits",
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(code_of(store->deliver(id_of(2))), Code::checksum);
}

TEST(SealedBits, DamagedInAPoolAreBurntNotRetried) {
  const Used used;
  const fs::path file = used.store / "keys/01010101-0101-0101-0101-010101010101.bits";
  const std::string good = contents(file);
  overwrite(file, good.substr(0, 90));
  const auto store = used.bench.open();
  EXPECT_EQ(code_of(store->take_otp(Pool::otp_ab, 8)), Code::checksum);
  overwrite(file, good);
  EXPECT_EQ(store->take_otp(Pool::otp_ab, 8)->interval.begin, 104u);
}

TEST(StoreFiles, MissingOrChangedAreRefused) {
  for (const char* name : {"store.key", "root"}) {
    const Used used;
    const std::string good = contents(used.store / name);
    for_each_flip(used.store / name, 300,
                  [&](std::size_t at) { EXPECT_FALSE(used.bench.try_open().ok()) << name << " byte " << at; });
    overwrite(used.store / name, good.substr(0, good.size() - 1));
    EXPECT_FALSE(used.bench.try_open().ok()) << name;
    fs::remove(used.store / name);
    EXPECT_FALSE(used.bench.try_open().ok()) << name;
    EXPECT_FALSE(fs::exists(used.store / name));
  }
}

TEST(StoreFiles, OfTheStoreKeyMustBePrivate) {
  const Used used;
  fs::permissions(used.store / "store.key", fs::perms(0644));
  EXPECT_EQ(code_of(used.bench.try_open()), Code::bad_input);
}

TEST(FailedSync, ClosesThePoolsUntilARestart) {
  const Bench bench;
  auto store = bench.open();
  syncs_fail = true;
  const auto reserved = store->reserve(Pool::auth_ab, 64);
  syncs_fail = false;
  EXPECT_EQ(code_of(reserved), Code::hardware_fault);
  EXPECT_EQ(code_of(store->reserve(Pool::auth_ab, 64)), Code::io);
  EXPECT_EQ(code_of(store->take_otp(Pool::otp_ab, 64)), Code::io);
  EXPECT_EQ(code_of(store->next_block()), Code::io);
  EXPECT_EQ(code_of(store->put(pending_key(1, 64), {.pools = {}, .delivery = 64}, {})), Code::io);
  store.reset();
  EXPECT_TRUE(bench.open()->reserve(Pool::auth_ab, 64).ok());
}

TEST(FailedSync, OfADeliveryHandsNothingOut) {
  const Bench bench;
  const auto store = bench.open();
  add_key(*store, 1, kSplit);
  syncs_fail = true;
  const auto key = store->deliver(id_of(1));
  syncs_fail = false;
  EXPECT_EQ(code_of(key), Code::hardware_fault);
}

/// A small file system of our own.
class SmallDisk {
 public:
  explicit SmallDisk(const fs::path& at) : at_(at) {
    fs::create_directory(at_);
    mounted_ = ::mount("nicol-test", at_.c_str(), "tmpfs", 0, "size=512k,mode=0700") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

 private:
  fs::path at_;
  bool mounted_ = false;
};

void fill_up(const fs::path& folder) {
  std::ofstream filler(folder / "filler", std::ios::binary);
  const std::string part(4096, 'x');
  while (filler.write(part.data(), 4096).flush()) {
  }
}

TEST(FullDisk, StillMovesMarksButTakesNoNewKey) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can mount a small disk";
  const Bench bench;
  const SmallDisk disk(bench.state());
  if (!disk.mounted()) GTEST_SKIP() << "mounting is not allowed here";
  const auto store = bench.open();
  add_key(*store, 1, kSplit);
  fill_up(bench.state());
  const auto put = store->put(pending_key(2, 40'000), {.pools = {}, .delivery = 40'000}, {});
  ASSERT_EQ(code_of(put), Code::io);
  EXPECT_NE(put.error().message.find("No space"), std::string::npos) << put.error().message;
  EXPECT_FALSE(store->pending().has_value());
  EXPECT_EQ(*store->reserve(Pool::auth_ab, 64), (Interval{0, 64}));
  fs::remove(bench.state() / "filler");
  EXPECT_TRUE(store->put(pending_key(2, 40'000), {.pools = {}, .delivery = 40'000}, {}).ok());
}

TEST(FullDisk, KeepsAKeyThatCannotBeMarkedDelivered) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can mount a small disk";
  const Bench bench;
  const SmallDisk disk(bench.state());
  if (!disk.mounted()) GTEST_SKIP() << "mounting is not allowed here";
  const auto store = bench.open();
  add_key(*store, 1, kSplit);
  fill_up(bench.state());
  EXPECT_EQ(code_of(store->deliver(id_of(1))), Code::io);
  fs::remove(bench.state() / "filler");
  EXPECT_TRUE(store->deliver(id_of(1)).ok());
}

}  // namespace
}  // namespace nicol::keystore::test
