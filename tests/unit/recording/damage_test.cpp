// SPDX-License-Identifier: Apache-2.0
// Every byte changed and every length cut: refused by name, or said to be cut short; never read as something else.
#include "tests/unit/recording/fixture.hpp"

namespace nicol {
namespace {

using recording::Entry;
using test::bytes_of;
using test::Payload;
using DamagedRecording = test::RecordingTest;

std::string complaint(const std::filesystem::path& file, const recording::SealSecret& key) {
  const auto whole = recording::survey(file, key);
  if (!whole) return whole.error().message;
  return whole->value_or(std::string());
}

TEST_F(DamagedRecording, IsWholeAsLongAsNobodyTouchesIt) {
  write_small();
  EXPECT_EQ(complaint(file(), key()), "");
}

TEST_F(DamagedRecording, NamesTheFieldOfTheHeader) {
  write_small();
  const Payload good = content();
  const std::vector<std::pair<std::size_t, std::string>> fields{
      {0, "header, magic"},       {8, "header, version"},  {10, "header, seal"},     {11, "header, node"},
      {12, "header, operations"}, {16, "header, memory"},  {20, "header, checksum"}, {36, "header, checksum"},
      {60, "header, checksum"},   {76, "header, checksum"}};
  for (const auto& [at, name] : fields) {
    Payload bad = good;
    bad[at] = static_cast<std::uint8_t>(bad[at] ^ 0x10);
    overwrite(bad);
    EXPECT_NE(complaint(file(), key()).find(name), std::string::npos) << at << ": " << complaint(file(), key());
  }
}

TEST_F(DamagedRecording, IsRefusedWhicheverBitWasFlipped) {
  write_small();
  const Payload good = content();
  const auto secret = key();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Payload bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1u << (bit % 8)));
    overwrite(bad);
    const std::string said = complaint(file(), secret);
    EXPECT_TRUE(said.find("header, ") != std::string::npos || said.find("chunk 0") != std::string::npos)
        << "bit " << bit << ": " << said;
  }
}

TEST_F(DamagedRecording, SaysWhereItWasCut) {
  {
    auto writer = begin();
    writer->put(Entry::call, {bytes_of("first")});
    writer->flush();
    writer->put(Entry::call, {bytes_of("second")});
    writer->finish();
  }
  const Payload good = content();
  const auto secret = key();
  for (std::size_t size = 0; size < good.size(); ++size) {
    overwrite(Payload(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
    const std::string said = complaint(file(), secret);
    const bool named = size < recording::kHeaderBytes ? said.find("header, length") != std::string::npos
                                                      : said.find("cut short at chunk") != std::string::npos;
    EXPECT_TRUE(named) << size << " bytes: " << said;
  }
}

TEST_F(DamagedRecording, WithChunksInAnotherOrderIsRefused) {
  {
    auto writer = begin();
    for (const char* text : {"aaaa", "bbbb", "cccc"}) {
      writer->put(Entry::call, {bytes_of(text)});
      writer->flush();
    }
    writer->finish();
  }
  Payload bad = content();
  constexpr std::ptrdiff_t kChunk = 4 + 17 + 5 + 4;
  const auto second = bad.begin() + recording::kHeaderBytes + kChunk;
  std::swap_ranges(second, second + kChunk, second + kChunk);
  overwrite(bad);
  EXPECT_NE(complaint(file(), key()).find("chunk 1: its seal is broken"), std::string::npos);
}

TEST_F(DamagedRecording, WithSomethingAfterTheEndIsRefused) {
  write_small();
  Payload bad = content();
  bad.push_back(0);
  overwrite(bad);
  EXPECT_NE(complaint(file(), key()).find("bytes after the end mark"), std::string::npos);
}

TEST_F(DamagedRecording, NamesAnEntryOfNoKind) {
  auto writer = begin();
  writer->put(static_cast<Entry>(77), {bytes_of("x")});
  writer->finish();
  EXPECT_NE(complaint(file(), key()).find("entry 0, kind: 77"), std::string::npos);
}

}  // namespace
}  // namespace nicol
