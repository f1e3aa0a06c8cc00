// SPDX-License-Identifier: Apache-2.0
// Epoch numbers, and epoch files whose bits were packed by hand (as text, bit by bit, by another program).
#include "drivers/files/epoch.hpp"

#include <fmt/format.h>

#include "drivers/files/epoch_store.hpp"
#include "tests/unit/files/temporary_files.hpp"

namespace nicol::files {
namespace {

using Events = std::vector<FileEvent>;

constexpr std::uint32_t kEpoch = 0xb2331bef;
/// 17 bits of difference, 4 of pattern: 5/1, 0x12345/8, an escape with 0x20000/2, the end mark.
const std::string kPacked = le32({0x00028c8d, 0x16000000, 0x00400004, 0x00010000});
const std::string kClicks = le32({0x102, kEpoch, 3, 17, 4, 0}) + kPacked;
/// Time 0x89abcdef, pattern 4, in the 17 low bits 0x11bef of the epoch; then a dummy one tick later.
const std::string kRaw = le32({0x101, kEpoch, 2, 49, 4, 0x8df7c4d5, 0xe6f78004, 0x8df7c4d5, 0xe6f80010, 0, 0});

TEST(Epoch, CountsHalfSecondsOfUnixTime) {
  EXPECT_EQ(epoch_at(0), 0u);
  EXPECT_EQ(epoch_at(1), 1u);  // 2^29 ns fit once into a second
  EXPECT_EQ(epoch_at(1'600'000'000), 0xb1a2bc2eu);
  EXPECT_EQ(epoch_at(1'605'000'000), 0xb230d7f8u);
}

TEST(Epoch, TakesItsLowBitsFromTheTagger) {
  EXPECT_EQ(extended_epoch(1'605'000'000, 0x0d7fa), 0xb230d7fau);
  EXPECT_EQ(extended_epoch(1'605'000'000, 0x0d7f0), 0xb230d7f0u);
}

TEST(Epoch, GoesOnWhenTheTaggerHasWrappedAndTheClockHasNot) {
  // The clock is in the last quarter of 2^17 epochs, the tagger in the first.
  const std::uint64_t late = ((std::uint64_t{0xb231ff00} << 20) + 1'953'124) / 1'953'125;
  ASSERT_EQ(epoch_at(late) & ~1u, 0xb231ff00u);
  EXPECT_EQ(extended_epoch(late, 0x00005), 0xb2320005u);
}

TEST(Epoch, GoesBackWhenTheClockHasWrappedAndTheTaggerHasNot) {
  const std::uint64_t early = ((std::uint64_t{0xb2320010} << 20) + 1'953'124) / 1'953'125;
  EXPECT_EQ(extended_epoch(early, 0x1fff0), 0xb231fff0u);  // overlap 12
  EXPECT_EQ(extended_epoch(early, 0x17ff0), 0xb2317ff0u);  // overlap 8
}

TEST(Epoch, NamesItsFile) {
  EXPECT_EQ(epoch_file_name(kEpoch), "b2331bef");
  EXPECT_EQ(epoch_file_name(5), "00000005");
  EXPECT_EQ(epoch_of_file_name("b2331bef"), kEpoch);
}

TEST(Epoch, KnowsNoOtherNames) {
  for (const char* name : {"b2331be", "b2331bef0", "B2331BEF", "b2331beg", "", "0xb2331b"})
    EXPECT_EQ(epoch_of_file_name(name), std::nullopt) << name;
}

class EpochFiles : public TemporaryFiles {};

TEST_F(EpochFiles, ReadsPackedClicks) {
  const auto events = read_bytes(kClicks, FileFormat::epoch);
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_EQ(*events, (Events{click(5, 1), click(5 + 0x12345, 8), click(5 + 0x12345 + 0x20000, 2)}));
}

TEST_F(EpochFiles, ReadsRawEvents) {
  const auto events = read_bytes(kRaw, FileFormat::epoch_raw);
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_EQ(*events, (Events{click(0x89abcdef, 4), dummy(0x89abcdf0)}));
}

TEST_F(EpochFiles, SaysWhichEpochTickZeroIs) {
  const auto file = TagFile::open(write("bytes", kClicks), FileFormat::epoch);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->origin_epoch(), kEpoch);
  EXPECT_EQ(file->tick(), (TickLength{125, 1}));
}

TEST_F(EpochFiles, GivesAChannelABasisWhereOnlyTheBasisIsSent) {
  // 3 bits of difference, 1 of basis: 2/0, 3/1, end: 0100 0111 0010
  const auto events = read_bytes(le32({2, 7, 2, 3, 1, 1, 0x47200000}), FileFormat::epoch);
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_EQ(*events, (Events{click(2, 1), click(5, 2)}));
}

TEST_F(EpochFiles, ReadsAFolderInTheOrderOfItsEpochs) {
  write("b2331bf0", le32({0x102, kEpoch + 1, 3, 17, 4, 0}) + kPacked);
  write("b2331bef", kClicks);
  write("notes.txt", "not an epoch");
  const auto events = read(dir_, FileFormat::epoch);
  ASSERT_TRUE(events) << events.error().message;
  ASSERT_EQ(events->size(), 6u);
  EXPECT_EQ((*events)[0].ticks, 5);
  EXPECT_EQ((*events)[3].ticks, (std::int64_t{1} << 32) + 5);
}

TEST_F(EpochFiles, SaysThatAMissingEpochIsALoss) {
  write("b2331bef", kClicks);
  write("b2331bf2", le32({0x102, kEpoch + 3, 3, 17, 4, 0}) + kPacked);
  const auto events = read(dir_, FileFormat::epoch);
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 7u);
  EXPECT_EQ((*events)[3], loss(std::int64_t{1} << 32, 0));
}

TEST_F(EpochFiles, RefusesAFolderWithoutEpochs) {
  write("notes.txt", "not an epoch");
  EXPECT_EQ(read(dir_, FileFormat::epoch).error().code, Code::bad_input);
}

TEST_F(EpochFiles, RefusesAFileThatIsNamedAsAnotherEpoch) {
  write("b2331bee", kClicks);
  const auto events = read(dir_, FileFormat::epoch);
  ASSERT_FALSE(events);
  EXPECT_NE(events.error().message.find("b2331bee: byte 4:"), std::string::npos) << events.error().message;
}

TEST_F(EpochFiles, NamesTheFormatOfAFileOfAnotherType) {
  const auto events = read_bytes(kRaw, FileFormat::epoch);
  ASSERT_FALSE(events);
  EXPECT_NE(events.error().message.find("epoch-raw"), std::string::npos) << events.error().message;
}

TEST_F(EpochFiles, RefusesNoEpochFile) { expect_refused(le32({9, 0, 0, 0}), FileFormat::epoch, "byte 0:"); }
TEST_F(EpochFiles, RefusesMoreEntriesThanTheHeaderSays) {
  EXPECT_FALSE(read_bytes(le32({0x102, kEpoch, 2, 17, 4, 0}) + kPacked, FileFormat::epoch));
}
TEST_F(EpochFiles, RefusesFewerEntriesThanTheHeaderSays) {
  EXPECT_FALSE(read_bytes(le32({0x102, kEpoch, 4, 17, 4, 0}) + kPacked, FileFormat::epoch));
}
TEST_F(EpochFiles, RefusesWhatFollowsTheEndMark) { expect_refused(kClicks + "abcd", FileFormat::epoch, "byte 40:"); }
TEST_F(EpochFiles, RefusesAnEventOfAnotherEpoch) {
  expect_refused(le32({0x101, kEpoch + 1, 1, 49, 4, 0x8df7c4d5, 0xe6f78004, 0, 0}), FileFormat::epoch_raw, "byte 20:");
}
TEST_F(EpochFiles, RefusesATimeBeyondItsEpoch) {
  // Two escapes of 0xffffffff: 3 bits, 32 bits, no pattern.
  const auto events = read_bytes(le32({2, 7, 2, 3, 0, 0, 0x1fffffff, 0xe3ffffff, 0xfc800000}), FileFormat::epoch);
  ASSERT_FALSE(events);
  EXPECT_NE(events.error().message.find("beyond the end of the epoch"), std::string::npos) << events.error().message;
}
TEST_F(EpochFiles, RefusesEntriesOfNoWidth) {
  expect_refused(le32({2, 7, 2, 1, 4, 0, 0}), FileFormat::epoch, "byte 0:");
  expect_refused(le32({2, 7, 2, 31, 4, 0, 0}), FileFormat::epoch, "byte 0:");
}

TEST_F(EpochFiles, AreWrittenAsTheyAreRead) {
  const TagFileShape shape{{125, 1}, std::vector(4, hal::ChannelRole::detector), kEpoch};
  ASSERT_TRUE(write_events(dir_ / "out", FileFormat::epoch, shape,
                           {click(5, 1), click(5 + 0x12345, 8), click(5 + 0x12345 + 0x20000, 2)}));
  EXPECT_EQ(content(dir_ / "out" / "b2331bef"), kClicks);
  ASSERT_TRUE(write_events(dir_ / "raw", FileFormat::epoch_raw, shape, {click(0x89abcdef, 4), dummy(0x89abcdf0)}));
  EXPECT_EQ(content(dir_ / "raw" / "b2331bef"), kRaw);
}

TEST_F(EpochFiles, HaveOneForEveryEpochBetweenFirstAndLast) {
  const TagFileShape shape{{125, 1}, std::vector(4, hal::ChannelRole::detector)};
  ASSERT_TRUE(write_events(dir_ / "out", FileFormat::epoch, shape, {click(5, 1), click(3 * kEpochTicks, 1)}));
  for (const char* name : {"00000000", "00000001", "00000002", "00000003"})
    EXPECT_TRUE(std::filesystem::exists(dir_ / "out" / name)) << name;
}

TEST_F(EpochFiles, SendDifferencesOfZeroAndOneAsTwoAndThreeWithoutDrift) {
  const TagFileShape shape{{125, 1}, std::vector(4, hal::ChannelRole::detector)};
  ASSERT_TRUE(
      write_events(dir_ / "out", FileFormat::epoch, shape, {click(0, 1), click(101, 1), click(102, 1), click(500, 1)}));
  EXPECT_EQ(*read(dir_ / "out", FileFormat::epoch), (Events{click(2, 1), click(101, 1), click(104, 1), click(500, 1)}));
}

// --- types 3, 4 and 7

std::vector<std::uint64_t> all_of(Result<EpochStore> store) {
  std::vector<std::uint64_t> all;
  EXPECT_TRUE(store) << store.error().message;
  while (store) {
    const auto value = store->next();
    EXPECT_TRUE(value) << value.error().message;
    if (!value || !*value) break;
    all.push_back(**value);
  }
  return all;
}

const std::string kSift = le32({0x103, kEpoch, 5, 8, 0x21841248, 0xff000000});
const std::string kReply = le32({0x104, kEpoch, 4, 17, 1, 0x00010000, 0x70003400, 0x0000061a, 0x7a000080});
const std::string kKey = le32({7, kEpoch, 12, 37, 0xa5f000ff, 0x80000000});

TEST_F(EpochFiles, HoldTheServiceBytesOfASiftStore) {
  EXPECT_EQ(all_of(EpochStore::open(write("s", kSift))), (std::vector<std::uint64_t>{0x21, 0x84, 0x12, 0x48, 0xff}));
}
TEST_F(EpochFiles, HoldTheIndicesOfAReply) {
  EXPECT_EQ(all_of(EpochStore::open(write("r", kReply))), (std::vector<std::uint64_t>{0, 1, 5, 200'000}));
}
TEST_F(EpochFiles, HoldTheBitsOfAFinalKey) {
  const auto bits = all_of(EpochStore::open(write("k", kKey)));
  ASSERT_EQ(bits.size(), 37u);
  const std::string text = "1010010111110000000000001111111110000";
  for (std::size_t k = 0; k < 37; ++k) EXPECT_EQ(bits[k], static_cast<std::uint64_t>(text[k] - '0')) << k;
}
TEST_F(EpochFiles, TakeAFinalKeyForTheirOwnerAlone) {
  const std::uint8_t key[] = {0xA5, 0x0F, 0x00, 0xFF, 0x81};
  EpochHeader header;
  header.type = EpochFileType::key;
  header.epoch = kEpoch;
  header.epochs = 12;
  header.length = 37;
  ASSERT_TRUE(write_epoch_key(dir_ / "k", header, key));
  EXPECT_EQ(content(dir_ / "k"), kKey);
  EXPECT_EQ(std::filesystem::status(dir_ / "k").permissions(), std::filesystem::perms(0600));
}
TEST_F(EpochFiles, RefuseEveryCutOfAStore) {
  for (const std::string& whole : {kSift, kReply, kKey})
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
      auto store = EpochStore::open(write("cut", whole.substr(0, cut)));
      Result<std::optional<std::uint64_t>> value = std::optional<std::uint64_t>(0);
      while (store && value && *value) value = store->next();
      const Error error = store ? (value ? Error{} : value.error()) : store.error();
      EXPECT_EQ(error.code, Code::bad_input) << cut;
      EXPECT_NE(error.message.find(fmt::format("cut: byte {}:", cut)), std::string::npos) << error.message;
    }
}
TEST_F(EpochFiles, AreNoStoreWhereTheyHoldTimes) {
  EXPECT_EQ(EpochStore::open(write("t", kClicks)).error().code, Code::bad_input);
}

}  // namespace
}  // namespace nicol::files
