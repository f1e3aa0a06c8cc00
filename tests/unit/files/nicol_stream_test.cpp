// SPDX-License-Identifier: Apache-2.0
// Our own tag file: a vector made by a second program from the layout's description, and what is refused.
#include "drivers/files/nicol_stream.hpp"

#include "tests/unit/files/temporary_files.hpp"

namespace nicol::files {
namespace {

using Events = std::vector<FileEvent>;
using Roles = std::vector<hal::ChannelRole>;

std::string from_hex(std::string_view digits) {
  std::string out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16)));
  return out;
}

/// Two channels (detector, frame), tick 1000/256 ps.
const std::string kHeader =
    from_hex("4e49434f4c54414701002800e80300000000000000010000000000000200000001040000baf479e5");
/// From 2^32 on: channel 0 after 1000; 2 << 28 and 5 later channels 1 and 0 at once; 9 lost; channel 1 after 7.
const std::string kTags = from_hex(
    "3400000000000000000000000100000000000000000000000900000001000000e8030000020000d00500001000000000090000e007000010"
    "fb508f62");
/// Empty, at 2^33; then the end at 2^33 + 5.
const std::string kMark = from_hex("1c0000000100000000000000020000000d000000000000000000000000000000f0f8f631");
const std::string kEnd = from_hex("1c0000000200000005000000020000000d0000000000000000000000020000008815eb35");

constexpr std::int64_t kBase = std::int64_t{1} << 32, kSecond = kBase + 1000 + (2 << 28) + 5;

class NicolFile : public TemporaryFiles {
 protected:
  const Roles two_{hal::ChannelRole::detector, hal::ChannelRole::frame};
};

TEST_F(NicolFile, ReadsWhatTheLayoutSays) {
  const auto events = read_bytes(kHeader + kTags + kMark + kEnd, FileFormat::nicol);
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_EQ(*events, (Events{click(kBase + 1000, 1), click(kSecond, 3), loss(kSecond, 9), click(kSecond + 7, 2),
                             dummy(2 * kBase)}));
}

TEST_F(NicolFile, SaysTickAndRoles) {
  const auto file = TagFile::open(write("bytes", kHeader), FileFormat::nicol);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->tick(), (TickLength{1000, 256}));
  EXPECT_EQ(Roles(file->roles().begin(), file->roles().end()), two_);
}

TEST_F(NicolFile, IsWrittenWithTheSameHeaderAndEndMark) {
  ASSERT_TRUE(write_events(dir_ / "out", FileFormat::nicol, {{1000, 256}, two_}, {}));
  const std::string bytes = content(dir_ / "out");
  EXPECT_EQ(bytes.substr(0, 40), kHeader);
  EXPECT_EQ(bytes.size(), 40u + 4 + 28 + 4);
}

TEST_F(NicolFile, KeepsLossesDummiesAndWhatFiredTogether) {
  const Events events{click(10, 1), click(10, 2), click(10, 3), click(10, 2),        loss(10, 7),       click(10, 1),
                      dummy(20),    dummy(20),    loss(20, 0),  click(20, 3),        click(20, 3),      loss(20, 3),
                      loss(20, 0),  click(30, 1), dummy(30),    click(1LL << 50, 2), loss(1LL << 50, 1)};
  ASSERT_TRUE(write_events(dir_ / "out", FileFormat::nicol, {{1, 1}, two_}, events));
  EXPECT_EQ(*read(dir_ / "out", FileFormat::nicol), events);
}

TEST_F(NicolFile, TakesAJumpOfTheIndexForALoss) {
  // The mark's block says that 13 tags came before it.
  const auto events = read_bytes(kHeader + kMark + kEnd, FileFormat::nicol);
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (Events{loss(0, 13)}));
}

TEST_F(NicolFile, RefusesANewerVersionBeforeAllElse) {
  std::string newer = kHeader + kEnd;
  newer[8] = 2;
  newer[10] = 99;
  expect_refused(newer, FileFormat::nicol, "byte 8: format version 2");
}

TEST_F(NicolFile, RefusesABlockThatIsDamagedAnywhere) {
  const std::string good = kHeader + kTags + kEnd;
  for (std::size_t at = 44; at < 40 + kTags.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    expect_refused(bad, FileFormat::nicol, "byte 40:");
  }
}

TEST_F(NicolFile, RefusesAHeaderThatIsDamagedAnywhere) {
  for (std::size_t at = 0; at < kHeader.size(); ++at) {
    std::string bad = kHeader + kEnd;
    bad[at] = static_cast<char>(bad[at] ^ 0x41);
    EXPECT_FALSE(read_bytes(bad, FileFormat::nicol)) << at;
  }
}

TEST_F(NicolFile, RefusesToEndWithoutItsEndBlock) { expect_refused(kHeader + kTags, FileFormat::nicol, "byte 100:"); }
TEST_F(NicolFile, RefusesWhatFollowsItsEndBlock) {
  expect_refused(kHeader + kTags + kMark + kEnd + "x", FileFormat::nicol, "byte 172:");
}
TEST_F(NicolFile, RefusesABlockThatGoesBackInTime) {
  EXPECT_FALSE(read_bytes(kHeader + kMark + kTags + kEnd, FileFormat::nicol));
}

TEST_F(NicolFile, RefusesToHoldAStepBack) {
  const auto r = write_events(dir_ / "out", FileFormat::nicol, {{1, 1}, two_}, {click(10, 1), click(9, 1)});
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message.find("event 2:"), std::string::npos) << r.error().message;
}
TEST_F(NicolFile, RefusesToHoldMoreChannelsThanItsHeaderNames) {
  EXPECT_FALSE(write_events(dir_ / "out", FileFormat::nicol, {{1, 1}, two_}, {click(10, 4)}));
}
TEST_F(NicolFile, LeavesNothingBehindWhenItCannotHoldAnEvent) {
  EXPECT_FALSE(write_events(dir_ / "out", FileFormat::nicol, {{1, 1}, two_}, {click(10, 4)}));
  EXPECT_TRUE(names().empty());
}

}  // namespace
}  // namespace nicol::files
