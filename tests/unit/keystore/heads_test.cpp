// SPDX-License-Identifier: Apache-2.0
// How far a row of records has come: kept like the marks, and never back.
#include "controller/keystore/store_impl.hpp"
#include "tests/unit/keystore/store_bench.hpp"

namespace nicol::keystore::test {
namespace {

RecordHead head(std::uint64_t count, std::uint64_t forgotten = 0) {
  RecordHead h{"delays", count, forgotten, {}};
  h.id.fill(static_cast<std::uint8_t>(count));
  return h;
}

void expect_kept(const Bench& bench, const RecordHead& h) {
  const auto all = bench.open()->record_heads();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].row, h.row);
  EXPECT_EQ(all[0].count, h.count);
  EXPECT_EQ(all[0].forgotten, h.forgotten);
  EXPECT_EQ(all[0].id, h.id);
}

TEST(RecordHead, OutlivesTheProcess) {
  const Bench bench;
  for (const std::uint64_t n : {1U, 2U, 3U}) EXPECT_TRUE(bench.open()->advance_record_head(head(n)).ok());
  expect_kept(bench, head(3));
}

TEST(RecordHead, OutlivesEitherCopyOfTheMarks) {
  const Bench bench;
  ASSERT_TRUE(bench.open()->advance_record_head(head(2)).ok());
  for (const char* copy : {"marks.0", "marks.1"}) {
    std::ofstream(bench.state() / "store" / copy, std::ios::trunc) << "gone";
    expect_kept(bench, head(2));
  }
}

TEST(RecordHead, NeverGoesBack) {
  const Bench bench;
  const auto store = bench.open();
  ASSERT_TRUE(store->advance_record_head(head(5, 2)).ok());
  EXPECT_EQ(code_of(store->advance_record_head(head(4, 2))), Code::refused);
  EXPECT_EQ(code_of(store->advance_record_head(head(5, 1))), Code::refused);
  RecordHead other = head(5, 2);
  other.id.fill(9);
  EXPECT_EQ(code_of(store->advance_record_head(other)), Code::refused);
}

TEST(RecordHead, IsOfOneOfAtMostSixtyFourNamedRows) {
  const Bench bench;
  const auto store = bench.open();
  EXPECT_EQ(code_of(store->advance_record_head({"", 1, 0, {}})), Code::refused);
  EXPECT_EQ(code_of(store->advance_record_head({std::string(65, 'x'), 1, 0, {}})), Code::refused);
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(store->advance_record_head({std::to_string(i), 1, 0, {}}).ok());
  EXPECT_EQ(code_of(store->advance_record_head({"64", 1, 0, {}})), Code::refused);
}

/// What a Nicol before record heads wrote: the same without the empty list at the end.
void write_version_1(const fs::path& store) {
  const auto folder = Folder::open(store, {});
  const auto sealer = read_store_key(*folder);
  for (const char* name : {"marks.0", "marks.1"}) {
    Bytes bytes = *folder->read(name, std::size_t{1} << 16);
    const std::size_t length = bytes[5] + (std::size_t{bytes[6]} << 8) - 4;
    bytes[4] = 1;
    bytes[5] = static_cast<std::uint8_t>(length);
    bytes[6] = static_cast<std::uint8_t>(length >> 8);
    bytes.resize(9 + length);
    const Mac mac = sealer->mac("marks...", bytes);
    bytes.insert(bytes.end(), mac.begin(), mac.end());
    std::ofstream(store / name, std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
}

TEST(RecordHead, IsUnknownToMarksOfVersionOneWhichStillServe) {
  const Bench bench;
  const Marks marks = [&] {
    const auto store = bench.open();
    EXPECT_TRUE(store->reserve(Pool::auth_ab, 640).ok());
    return store->marks();
  }();
  write_version_1(bench.state() / "store");
  const auto store = bench.open();
  EXPECT_EQ(store->marks(), marks);
  EXPECT_TRUE(store->record_heads().empty());
  EXPECT_TRUE(store->advance_record_head(head(1)).ok());
}

}  // namespace
}  // namespace nicol::keystore::test
