// SPDX-License-Identifier: Apache-2.0
// One-time pads end to end: what Alice encrypts with bits that light made opens on Bob, once; and never are bits used
// twice or half a plaintext left, whatever is killed when.
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <set>
#include <sstream>

#include "tests/integration/kill_switch.hpp"

namespace nicol::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFirstBitAt = 8 + 3 + 16;  // in the file's header
const std::string kMessage = "meet me under the prism";
constexpr std::uint64_t kBits = 256 + 8 * 23;  // what it costs

/// Both state folders as two blocks of light left them: every test works on a copy of its own.
class OneTimePad : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    LinkUnderTest::Options options;
    options.block_slots = 20'000'000;
    link_ = new LinkUnderTest(options);
    Program alice = link_->start(Side::alice, {"--blocks", "2"}), bob = link_->start(Side::bob, {"--blocks", "2"});
    ASSERT_EQ(alice.wait().exit, 0);
    ASSERT_EQ(bob.wait().exit, 0);
  }
  static void TearDownTestSuite() {
    delete link_;
    link_ = nullptr;
  }

  class Copy {
   public:
    Copy() {
      fs::copy(link_->file("link"), folder_ / "link", fs::copy_options::recursive);
      write_file(file("plain"), kMessage);
    }
    fs::path file(const std::string& name) const { return folder_ / name; }
    std::vector<std::string> arguments(Side side, const char* action, const char* input, const char* output) const {
      const char* config = side == Side::alice ? "link/alice.toml" : "link/bob.toml";
      return {"otp",      action,
              "--config", file(config).string(),
              "--input",  file(input).string(),
              "--output", file(output).string()};
    }
    Outcome encrypt(Side side, const char* output) const { return nicol(arguments(side, "encrypt", "plain", output)); }
    Outcome decrypt(Side side, const char* input, const char* output = "opened") const {
      return nicol(arguments(side, "decrypt", input, output));
    }
    /// The same program with a place to die, or to log the places.
    Outcome mortal(std::vector<std::string> arguments, const std::string& environment) const {
      As as;
      as.environment = {environment};
      return Program(mortal_program(), std::move(arguments), std::move(as)).wait();
    }
    std::set<std::string> points_of(const std::vector<std::string>& arguments) const {
      EXPECT_EQ(mortal(arguments, "NICOL_FAULT_LOG=" + file("points").string()).exit, 0);
      std::istringstream log(read_file(file("points")));
      std::set<std::string> points;
      for (std::string point; std::getline(log, point);) points.insert(point);
      return points;
    }
    bool exists(const char* name) const { return fs::exists(file(name)); }
    std::uint64_t first_bit(const char* name) const {
      std::uint64_t bit = 0;
      std::memcpy(&bit, read_file(file(name)).data() + kFirstBitAt, sizeof bit);
      return bit;
    }

   private:
    Folder folder_;
  };

  static void expect_refused(const Outcome& o, int exit, const Copy& copy, const char* output = "opened") {
    EXPECT_EQ(o.exit, exit) << o.err;
    EXPECT_FALSE(copy.exists(output));
  }
  static void expect_opens(const Copy& copy, Side side, const char* input, const char* output = "opened") {
    const Outcome o = copy.decrypt(side, input, output);
    EXPECT_EQ(o.exit, 0) << o.err;
    EXPECT_EQ(read_file(copy.file(output)), kMessage);
  }
  static inline LinkUnderTest* link_ = nullptr;
};

TEST_F(OneTimePad, ThatAliceEncryptsOpensAtBob) {
  const Copy c;
  ASSERT_EQ(c.encrypt(Side::alice, "secret").exit, 0);
  EXPECT_EQ(read_file(c.file("secret")).find(kMessage), std::string::npos);
  expect_opens(c, Side::bob, "secret");
}

TEST_F(OneTimePad, ThatBobEncryptsOpensAtAlice) {
  const Copy c;
  ASSERT_EQ(c.encrypt(Side::bob, "secret").exit, 0);
  expect_opens(c, Side::alice, "secret");
}

TEST_F(OneTimePad, OpensOnlyOnce) {
  const Copy c;
  ASSERT_EQ(c.encrypt(Side::alice, "secret").exit, 0);
  expect_opens(c, Side::bob, "secret");
  expect_refused(c.decrypt(Side::bob, "secret", "again"), 1, c, "again");
}

TEST_F(OneTimePad, TakesOtherBitsForTheSameFile) {
  const Copy c;
  ASSERT_EQ(c.encrypt(Side::alice, "first").exit, 0);
  ASSERT_EQ(c.encrypt(Side::alice, "second").exit, 0);
  EXPECT_GE(c.first_bit("second"), c.first_bit("first") + kBits);
  expect_opens(c, Side::bob, "second", "opened2");
  expect_opens(c, Side::bob, "first", "opened1");
}

TEST_F(OneTimePad, DoesNotOpenAtItsOwnSenderAndLosesNothingByTheTry) {
  const Copy c;
  ASSERT_EQ(c.encrypt(Side::alice, "secret").exit, 0);
  expect_refused(c.decrypt(Side::alice, "secret"), 1, c);
  expect_opens(c, Side::bob, "secret");
}

TEST_F(OneTimePad, ThatIsCutIsRefusedAndTheWholeFileStillOpens) {
  const Copy c;
  ASSERT_EQ(c.encrypt(Side::alice, "secret").exit, 0);
  const std::string whole = read_file(c.file("secret"));
  for (const std::size_t size : {std::size_t{0}, std::size_t{20}, whole.size() - 1}) {
    write_file(c.file("cut"), whole.substr(0, size));
    expect_refused(c.decrypt(Side::bob, "cut"), 2, c);
  }
  expect_opens(c, Side::bob, "secret");
}

/// A tag's pad serves one try.
TEST_F(OneTimePad, ThatIsTamperedWithIsRefusedAndItsBitsAreSpent) {
  const Copy c;
  ASSERT_EQ(c.encrypt(Side::alice, "secret").exit, 0);
  std::string changed = read_file(c.file("secret"));
  changed.at(changed.size() - 20) ^= 1;
  write_file(c.file("changed"), changed);
  expect_refused(c.decrypt(Side::bob, "changed"), 3, c);
  expect_refused(c.decrypt(Side::bob, "secret"), 1, c);
}

TEST_F(OneTimePad, WhoseSenderIsKilledAnywhereNeverUsesABitTwice) {
  const Copy probe;
  const auto points = probe.points_of(probe.arguments(Side::alice, "encrypt", "plain", "secret"));
  ASSERT_TRUE(points.contains("otp.reserved") && points.contains("otp.rename"));
  for (const std::string& point : points) {
    SCOPED_TRACE(point);
    const Copy c;
    ASSERT_EQ(c.mortal(c.arguments(Side::alice, "encrypt", "plain", "killed"), "NICOL_FAULT=" + point + ":1").exit,
              128 + SIGKILL);
    ASSERT_EQ(c.encrypt(Side::alice, "secret").exit, 0);
    const bool reserved = point.starts_with("otp.");
    EXPECT_GE(c.first_bit("secret"), reserved ? kBits : 0);
    EXPECT_TRUE(!c.exists("killed") || c.first_bit("secret") >= c.first_bit("killed") + kBits);
    expect_opens(c, Side::bob, "secret");
    if (c.exists("killed")) expect_opens(c, Side::bob, "killed", "opened killed");
  }
}

TEST_F(OneTimePad, WhoseReceiverIsKilledAnywhereLeavesNoHalfPlaintextAndOpensAtMostOnceMore) {
  const Copy probe;
  ASSERT_EQ(probe.encrypt(Side::alice, "secret").exit, 0);
  const auto points = probe.points_of(probe.arguments(Side::bob, "decrypt", "secret", "opened"));
  ASSERT_TRUE(points.contains("otp.rename"));
  bool some_were_spent = false;
  for (const std::string& point : points) {
    SCOPED_TRACE(point);
    const Copy c;
    ASSERT_EQ(c.encrypt(Side::alice, "secret").exit, 0);
    ASSERT_EQ(c.mortal(c.arguments(Side::bob, "decrypt", "secret", "killed"), "NICOL_FAULT=" + point + ":1").exit,
              128 + SIGKILL);
    const bool whole = c.exists("killed");
    EXPECT_TRUE(!whole || read_file(c.file("killed")) == kMessage);
    const Outcome again = c.decrypt(Side::bob, "secret");
    some_were_spent = some_were_spent || again.exit != 0;
    EXPECT_EQ(again.exit == 0, c.exists("opened")) << again.err;
    EXPECT_FALSE(whole && again.exit == 0) << "opened twice";
    if (point.starts_with("otp.")) expect_refused(again, 1, c);
    expect_refused(c.decrypt(Side::bob, "secret", "third"), 1, c, "third");
  }
  EXPECT_TRUE(some_were_spent);
}

}  // namespace
}  // namespace nicol::test
