// SPDX-License-Identifier: Apache-2.0
// PTU files put together by hand, tag by tag and record by record, for each kind of hardware.
#include <bit>

#include "tests/unit/files/temporary_files.hpp"

namespace nicol::files {
namespace {

using Events = std::vector<FileEvent>;

constexpr std::uint32_t kInteger = 0x10000008, kReal = 0x20000008, kEmpty = 0xFFFF0008, kAnsi = 0x4001FFFF;
constexpr std::uint64_t kHydraV2 = 0x01010204, kHydraV1 = 0x00010204, kPicoHarp = 0x00010203;

std::string tag(std::string_view ident, std::uint32_t type, std::uint64_t value) {
  std::string padded(ident);
  padded.resize(32, '\0');
  return padded + le32({0xFFFFFFFF, type}) + le64({value});
}
std::string real_tag(std::string_view ident, double value) {
  return tag(ident, kReal, std::bit_cast<std::uint64_t>(value));
}

struct Header {
  std::uint64_t type = kHydraV2, count = 0;
  double resolution = 1e-12;
  std::string more = {};
};
std::string header(const Header& h) {
  return std::string("PQTTTR\0\0", 8) + std::string("1.0.00\0\0", 8) + tag("File_GUID", kAnsi, 40) +
         std::string(40, 'x') + tag("TTResultFormat_TTTRRecType", kInteger, h.type) + h.more +
         real_tag("MeasDesc_GlobalResolution", h.resolution) + tag("TTResult_NumberOfRecords", kInteger, h.count) +
         tag("Header_End", kEmpty, 0);
}
std::string ptu(std::initializer_list<std::uint32_t> records, Header h = {}) {
  h.count = records.size();
  return header(h) + le32(records);
}

class PtuFile : public TemporaryFiles {};

TEST_F(PtuFile, ReadsTheTestWordsOfHydraHarpV2) {
  const auto events = read_bytes(ptu({0x00000005, 0xFE000002, 0x80000010, 0x82000001}), FileFormat::ptu);
  ASSERT_TRUE(events) << events.error().message;
  const std::int64_t base = 2 * 33'554'432;
  EXPECT_EQ(*events, (Events{click(5, 1), click(base + 16, 1u << 31), dummy(base + 1, 1u << 27)}));
}

TEST_F(PtuFile, CountsAnOverflowWithoutNumberAsOne) {
  const auto events = read_bytes(ptu({0xFE000000, 0x02000001}), FileFormat::ptu);
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (Events{click(33'554'433, 2)}));
}

TEST_F(PtuFile, CountsAnOverflowOfHydraHarpV1AsOneOfItsOwnLength) {
  const auto events = read_bytes(ptu({0xFE000003, 0x06000007}, {.type = kHydraV1}), FileFormat::ptu);
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (Events{click(33'552'007, 8)}));
}

TEST_F(PtuFile, ReadsPicoHarpRecords) {
  // Channel 4 bits, time 28; channel 15 with low bits 0 is an overflow, else markers.
  const auto events = read_bytes(
      ptu({0x10000009, 0xF0000000, 0x00000003, 0xF0000122}, {.type = kPicoHarp, .resolution = 4e-12}), FileFormat::ptu);
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (Events{click(9, 2), click(210'698'243, 1), dummy(210'698'240 + 0x120, 2u << 27)}));
}

TEST_F(PtuFile, TakesEveryT2RecordTypeOfTheV2Layout) {
  for (const std::uint64_t type : {0x01010204u, 0x00010205u, 0x00010206u, 0x00010207u}) {
    const auto events = read_bytes(ptu({0xFE000001, 0x00000001}, {.type = type}), FileFormat::ptu);
    ASSERT_TRUE(events) << std::hex << type;
    EXPECT_EQ(*events, (Events{click(33'554'433, 1)})) << std::hex << type;
  }
}

TEST_F(PtuFile, TakesItsTickFromTheGlobalResolution) {
  const auto tick = [this](double seconds) {
    return TagFile::open(write("bytes", ptu({}, {.resolution = seconds})), FileFormat::ptu)->tick();
  };
  EXPECT_EQ(tick(1e-12), (TickLength{1, 1}));
  EXPECT_EQ(tick(4e-12), (TickLength{4, 1}));
  EXPECT_EQ(tick(2.5e-10), (TickLength{250, 1}));
  EXPECT_EQ(tick(3.90625e-12), (TickLength{125, 32}));
}

TEST_F(PtuFile, RefusesT3ByItsName) {
  const auto events = read_bytes(ptu({0}, {.type = 0x00010304}), FileFormat::ptu);
  ASSERT_FALSE(events);
  EXPECT_NE(events.error().message.find("T3"), std::string::npos) << events.error().message;
}

TEST_F(PtuFile, RefusesAnotherFile) { expect_refused(std::string(100, 'x'), FileFormat::ptu, "byte 0:"); }
TEST_F(PtuFile, RefusesAnUnknownRecordType) {
  const auto events = read_bytes(ptu({0}, {.type = 0x00010208}), FileFormat::ptu);
  ASSERT_FALSE(events);
  EXPECT_NE(events.error().message.find("00010208"), std::string::npos) << events.error().message;
}
TEST_F(PtuFile, RefusesATagOfUnknownType) {
  expect_refused(ptu({}, {.more = tag("Odd", 0x13000008, 0)}), FileFormat::ptu, "byte 152:");
}
TEST_F(PtuFile, RefusesAHeaderWithoutItsResolution) {
  const std::string bytes = std::string("PQTTTR\0\0", 8) + std::string(8, 0) +
                            tag("TTResultFormat_TTTRRecType", kInteger, kHydraV2) +
                            tag("TTResult_NumberOfRecords", kInteger, 0) + tag("Header_End", kEmpty, 0);
  const auto events = read_bytes(bytes, FileFormat::ptu);
  ASSERT_FALSE(events);
  EXPECT_NE(events.error().message.find("MeasDesc_GlobalResolution"), std::string::npos) << events.error().message;
}
TEST_F(PtuFile, RefusesAResolutionOfNothing) {
  EXPECT_FALSE(read_bytes(ptu({}, {.resolution = 0}), FileFormat::ptu));
  EXPECT_FALSE(read_bytes(ptu({}, {.resolution = -1e-12}), FileFormat::ptu));
}
TEST_F(PtuFile, RefusesFewerRecordsThanItsHeaderSays) {
  const std::string head = header({.count = 3});
  expect_refused(head + le32({1, 2}), FileFormat::ptu, "byte " + std::to_string(head.size() + 8) + ":");
}
TEST_F(PtuFile, RefusesMoreRecordsThanItsHeaderSays) {
  const std::string head = header({.count = 1});
  expect_refused(head + le32({1, 2}), FileFormat::ptu, "byte " + std::to_string(head.size() + 4) + ":");
}
TEST_F(PtuFile, RefusesAReservedSpecialRecord) {
  const std::string head = header({.count = 1});
  expect_refused(head + le32({0xA0000001}), FileFormat::ptu, "byte " + std::to_string(head.size()) + ":");
}
TEST_F(PtuFile, RefusesOverflowsBeyondAllTime) {
  const std::string head = header({.count = 4096});
  std::string records;
  for (int i = 0; i < 4096; ++i) records += le32({0xFFFFFFFF});
  const auto events = read_bytes(head + records, FileFormat::ptu);
  ASSERT_FALSE(events);
  EXPECT_NE(events.error().message.find("26 days"), std::string::npos) << events.error().message;
}

TEST_F(PtuFile, IsWrittenWithACountAndOverflows) {
  const TagFileShape shape{{1, 1}, std::vector(4, hal::ChannelRole::detector)};
  ASSERT_TRUE(write_events(dir_ / "out", FileFormat::ptu, shape, {click(5, 1), click(2 * 33'554'432 + 16, 4)}));
  const std::string bytes = content(dir_ / "out");
  EXPECT_EQ(bytes.substr(bytes.size() - 12), le32({0x00000005, 0xFE000002, 0x04000010}));
  EXPECT_NE(bytes.find(tag("TTResult_NumberOfRecords", kInteger, 3)), std::string::npos);
}

}  // namespace
}  // namespace nicol::files
