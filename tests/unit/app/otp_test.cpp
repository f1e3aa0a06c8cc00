// SPDX-License-Identifier: Apache-2.0
// One-time-pad files: what comes back, what is refused, and that no bit serves twice whatever is killed when.
#include "controller/app/otp/otp.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "drivers/hal/random.hpp"
#include "tests/unit/keystore/store_bench.hpp"

namespace nicol::app {
namespace {

namespace fs = std::filesystem;
using keystore::Interval;
using keystore::KeyStore;
using keystore::Marks;
using keystore::Origin;
using keystore::Pool;
using keystore::test::add_key;
using keystore::test::Bench;
using keystore::test::code_of;
using keystore::test::status;
using sifting::Side;

const OtpPolicy kAllow{.non_production = NonProduction::allow, .fault = {}};
constexpr std::uint64_t kPadBits = 1u << 21;

std::string contents(const fs::path& file) {
  std::ifstream f(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(f), {}};
}
void write_file(const fs::path& file, const std::string& bytes) { std::ofstream(file, std::ios::binary) << bytes; }

std::string message(std::size_t size) {
  std::string text(size, '\0');
  CounterStream stream({.seed = 5, .index = size});
  stream.fill(std::as_writable_bytes(std::span(text)));
  return text;
}

/// Alice and Bob with the same one-time pads, and files between them.
struct Pair {
  Bench bench;
  std::unique_ptr<KeyStore> alice = bench.open("alice"), bob = bench.open("bob");
  fs::path plain = bench.root() / "plain", sealed = bench.root() / "sealed", opened = bench.root() / "opened";

  explicit Pair(std::uint64_t pad_bits = kPadBits) {
    for (KeyStore* store : {alice.get(), bob.get()})
      add_key(*store, 1, {.pools = {0, 0, pad_bits, pad_bits}, .delivery = 0});
  }
  Result<OtpReport> encrypt(const std::string& text) {
    write_file(plain, text);
    return otp_encrypt(*alice, Side::alice, plain, sealed, kAllow);
  }
  Result<OtpReport> decrypt() { return otp_decrypt(*bob, Side::bob, sealed, opened, kAllow); }
};

TEST(Otp, BringsFilesOfEverySizeBack) {
  Pair pair;
  for (const std::size_t size : {0u, 1u, 15u, 16u, 17u, 32767u, 32768u, 32769u, 100'000u}) {
    const std::string text = message(size);
    const auto sent = pair.encrypt(text);
    ASSERT_TRUE(sent.ok()) << describe(sent.error());
    EXPECT_EQ(sent->interval.size(), 8 * size + kOtpTagBits);
    const auto got = pair.decrypt();
    ASSERT_TRUE(got.ok()) << describe(got.error());
    EXPECT_EQ(contents(pair.opened), text);
    EXPECT_EQ(got->interval, sent->interval);
  }
}

TEST(Otp, GoesBothWaysFromDifferentPools) {
  Pair pair;
  write_file(pair.plain, "from Bob");
  const auto sent = otp_encrypt(*pair.bob, Side::bob, pair.plain, pair.sealed, kAllow);
  ASSERT_TRUE(sent.ok());
  EXPECT_EQ(sent->pool, Pool::otp_ba);
  ASSERT_TRUE(otp_decrypt(*pair.alice, Side::alice, pair.sealed, pair.opened, kAllow).ok());
  EXPECT_EQ(contents(pair.opened), "from Bob");
}

TEST(Otp, XorsTheMessageWithThePoolsOwnBits) {
  Pair pair;
  ASSERT_TRUE(pair.encrypt(std::string(64, '\0')).ok());
  const std::string file = contents(pair.sealed).substr(43, 64);
  for (std::size_t k = 0; k < 512; ++k)
    ASSERT_EQ(((static_cast<unsigned char>(file[k / 8]) >> (k % 8)) & 1) != 0, keystore::test::key_bit(1, 256 + k));
}

TEST(Otp, WritesFilesForTheirOwnerAlone) {
  Pair pair;
  ASSERT_TRUE(pair.encrypt("secret").ok());
  ASSERT_TRUE(pair.decrypt().ok());
  for (const fs::path& file : {pair.sealed, pair.opened}) {
    struct stat s {};
    ASSERT_EQ(::stat(file.c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 07777, 0600u) << file;
  }
}

TEST(Otp, OpensAFileOnce) {
  Pair pair;
  ASSERT_TRUE(pair.encrypt("once").ok());
  ASSERT_TRUE(pair.decrypt().ok());
  fs::remove(pair.opened);
  EXPECT_EQ(code_of(pair.decrypt()), Code::refused);
  EXPECT_FALSE(fs::exists(pair.opened));
}

TEST(Otp, OpensFilesInAnyOrder) {
  Pair pair;
  ASSERT_TRUE(pair.encrypt("first").ok());
  fs::rename(pair.sealed, pair.bench.root() / "kept");
  ASSERT_TRUE(pair.encrypt("second").ok());
  ASSERT_TRUE(pair.decrypt().ok());
  EXPECT_EQ(contents(pair.opened), "second");
  fs::rename(pair.bench.root() / "kept", pair.sealed);
  ASSERT_TRUE(pair.decrypt().ok());
  EXPECT_EQ(contents(pair.opened), "first");
}

TEST(Otp, OpensAFileMadeBeforeTheNodesMet) {
  Pair pair;
  ASSERT_TRUE(pair.encrypt("on the road").ok());
  ASSERT_TRUE(pair.bob->advance_marks(pair.alice->marks(), 384).ok());
  ASSERT_TRUE(pair.decrypt().ok());
  EXPECT_EQ(contents(pair.opened), "on the road");
}

TEST(Otp, NeverEncryptsTwoFilesWithTheSameBits) {
  Pair pair;
  const auto first = pair.encrypt("one"), second = pair.encrypt("two");
  EXPECT_EQ(second->interval.begin, first->interval.end);
}

TEST(Otp, RefusesAFileWithAnyByteChangedAndSpendsItsBits) {
  Pair pair;
  for (std::size_t at = 0;; ++at) {
    ASSERT_TRUE(pair.encrypt("tamper with me").ok());
    const std::string good = contents(pair.sealed);
    if (at >= good.size()) break;
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    write_file(pair.sealed, bad);
    ASSERT_FALSE(pair.decrypt().ok()) << "byte " << at;
    ASSERT_FALSE(fs::exists(pair.opened));
    if (at < 43) continue;
    write_file(pair.sealed, good);
    ASSERT_EQ(code_of(pair.decrypt()), Code::refused) << "a second try at byte " << at;
  }
}

TEST(Otp, NamesTamperingByItsCode) {
  Pair pair;
  ASSERT_TRUE(pair.encrypt("tamper with me").ok());
  std::string bad = contents(pair.sealed);
  bad.back() = static_cast<char>(bad.back() ^ 0x80);
  write_file(pair.sealed, bad);
  EXPECT_EQ(code_of(pair.decrypt()), Code::authentication);
}

TEST(Otp, RefusesACutFileWithNothingSpent) {
  Pair pair;
  ASSERT_TRUE(pair.encrypt("cut me").ok());
  const std::string good = contents(pair.sealed);
  for (std::size_t size = 0; size < good.size(); ++size) {
    write_file(pair.sealed, good.substr(0, size));
    ASSERT_EQ(code_of(pair.decrypt()), Code::bad_input) << size << " bytes";
  }
  write_file(pair.sealed, good + "x");
  EXPECT_EQ(code_of(pair.decrypt()), Code::bad_input);
  EXPECT_EQ(pair.bob->marks(), Marks{});
  write_file(pair.sealed, good);
  EXPECT_TRUE(pair.decrypt().ok());
}

TEST(Otp, RefusesTheWrongDirectionWithNothingSpent) {
  Pair pair;
  ASSERT_TRUE(pair.encrypt("to Bob").ok());
  const auto own = otp_decrypt(*pair.alice, Side::alice, pair.sealed, pair.opened, kAllow);
  ASSERT_EQ(code_of(own), Code::refused);
  EXPECT_NE(own.error().message.find("direction"), std::string::npos);
  EXPECT_TRUE(pair.decrypt().ok());
}

TEST(Otp, RefusesAFileOfAnotherPreSharedKeyWithNothingSpent) {
  Pair pair, stranger;
  ASSERT_TRUE(stranger.encrypt("not yours").ok());
  EXPECT_EQ(code_of(otp_decrypt(*pair.bob, Side::bob, stranger.sealed, pair.opened, kAllow)), Code::refused);
  EXPECT_EQ(pair.bob->marks(), Marks{});
}

TEST(Otp, SaysHowManyBitsAreMissing) {
  Pair pair(1024);
  const auto sent = pair.encrypt(std::string(200, 'x'));
  ASSERT_EQ(code_of(sent), Code::exhausted);
  EXPECT_NE(sent.error().message.find(std::to_string(1600 + 256 - 1024) + " are missing"), std::string::npos)
      << sent.error().message;
  EXPECT_FALSE(fs::exists(pair.sealed));
  EXPECT_EQ(status(*pair.alice, Pool::otp_ab).available(), 1024u);
}

TEST(Otp, RefusesSimulatedPadsUnlessAllowed) {
  Pair pair;
  write_file(pair.plain, "text");
  EXPECT_EQ(code_of(otp_encrypt(*pair.alice, Side::alice, pair.plain, pair.sealed, {})), Code::refused);
  ASSERT_TRUE(pair.encrypt("text").ok());
  EXPECT_EQ(code_of(otp_decrypt(*pair.bob, Side::bob, pair.sealed, pair.opened, {})), Code::refused);
}

TEST(Otp, MarksWhatItHandsOutWithItsOrigin) {
  Pair pair;
  EXPECT_EQ(pair.encrypt("text")->origin, Origin::simulated);
}

TEST(Otp, SpendsNothingWhenTheOutputCannotBeMade) {
  Pair pair;
  write_file(pair.plain, "text");
  EXPECT_FALSE(otp_encrypt(*pair.alice, Side::alice, pair.plain, pair.bench.root() / "no/such/folder", kAllow).ok());
  EXPECT_EQ(pair.alice->marks(), Marks{});
}

TEST(Otp, LeavesTheInputsOfAFolderOrNothingAlone) {
  Pair pair;
  EXPECT_EQ(code_of(otp_encrypt(*pair.alice, Side::alice, pair.bench.root(), pair.sealed, kAllow)), Code::bad_input);
  EXPECT_EQ(code_of(otp_encrypt(*pair.alice, Side::alice, pair.bench.root() / "none", pair.sealed, kAllow)),
            Code::not_found);
}

TEST(Otp, LeavesNoFileAsideAfterAFailure) {
  Pair pair(1024);
  (void)pair.encrypt(std::string(2000, 'x'));
  for (const auto& entry : fs::directory_iterator(pair.bench.root()))
    EXPECT_EQ(entry.path().string().find("otp-tmp"), std::string::npos) << entry.path();
}

// ---- kills ----

struct Killed {
  bool killed = false;
  std::string point;
};

/// Runs `work` on a store of its own in a child that dies at the nth boundary, the store's and the file's counted
/// alike.
template <class F>
Killed killed_at(const Bench& bench, const std::string& node, int nth, F&& work) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    int count = 0;
    const keystore::FaultPoint fault = [&](std::string_view point) {
      if (++count != nth) return;
      if (::write(ends[1], point.data(), point.size()) < 0) ::_exit(9);
      ::kill(::getpid(), SIGKILL);
    };
    auto store = bench.try_open(node, fault);
    if (!store) ::_exit(8);
    work(**store, OtpPolicy{.non_production = NonProduction::allow, .fault = fault});
    ::_exit(0);
  }
  ::close(ends[1]);
  char point[128];
  const ssize_t n = ::read(ends[0], point, sizeof point);
  ::close(ends[0]);
  int outcome = 0;
  ::waitpid(child, &outcome, 0);
  EXPECT_TRUE(WIFSIGNALED(outcome) || WEXITSTATUS(outcome) == 0) << WEXITSTATUS(outcome);
  return {.killed = WIFSIGNALED(outcome), .point = n > 0 ? std::string(point, static_cast<std::size_t>(n)) : ""};
}

TEST(OtpKilled, WhileEncryptingBurnsBitsAndNeverReusesThem) {
  for (int nth = 1;; ++nth) {
    Pair pair(1u << 20);
    pair.alice.reset();
    write_file(pair.plain, message(70'000));
    const Killed k = killed_at(pair.bench, "alice", nth, [&](KeyStore& store, const OtpPolicy& policy) {
      if (!otp_encrypt(store, Side::alice, pair.plain, pair.sealed, policy)) ::_exit(7);
    });
    pair.alice = pair.bench.open("alice");
    const bool reserved = pair.alice->marks()[2] != 0;
    if (k.point.starts_with("otp.")) {
      EXPECT_TRUE(reserved) << k.point;
    }
    if (fs::exists(pair.sealed)) {
      ASSERT_TRUE(pair.decrypt().ok()) << k.point;
      EXPECT_EQ(contents(pair.opened), message(70'000));
    }
    const auto next = pair.encrypt("again");
    ASSERT_TRUE(next.ok()) << k.point << ": " << describe(next.error());
    EXPECT_EQ(next->interval.begin, reserved ? 8u * 70'000 + kOtpTagBits : 0u) << k.point;
    ASSERT_TRUE(pair.decrypt().ok()) << k.point;
    EXPECT_EQ(contents(pair.opened), "again");
    if (!k.killed) break;
  }
}

TEST(OtpKilled, WhileDecryptingGivesTheWholeFileOrNoneAndNoSecondTry) {
  for (int nth = 1;; ++nth) {
    Pair pair(1u << 20);
    ASSERT_TRUE(pair.encrypt(message(70'000)).ok());
    pair.bob.reset();
    const Killed k = killed_at(pair.bench, "bob", nth, [&](KeyStore& store, const OtpPolicy& policy) {
      if (!otp_decrypt(store, Side::bob, pair.sealed, pair.opened, policy)) ::_exit(7);
    });
    if (fs::exists(pair.opened)) {
      EXPECT_EQ(contents(pair.opened), message(70'000)) << k.point;
    }
    pair.bob = pair.bench.open("bob");
    const bool spent = pair.bob->marks()[2] != 0;
    EXPECT_EQ(pair.decrypt().ok(), !spent) << k.point;
    if (k.point.starts_with("otp.")) {
      EXPECT_TRUE(spent) << k.point;
    }
    if (!k.killed) break;
  }
}

}  // namespace
}  // namespace nicol::app
