// SPDX-License-Identifier: Apache-2.0
// Calibration records on disk: whatever is taken away, changed or put back is noticed, and a crash is none of these.
#include "controller/service/calibration_records.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/service/record_bench.hpp"

namespace nicol::service::test {
namespace {

namespace fs = std::filesystem;

class CalibrationRecordsOnDisk : public testing::Test {
 protected:
  /// Makes so many records of "delays".
  void make(int count) {
    auto store = bench_.store();
    auto records = bench_.open(*store);
    for (int i = 0; i < count; ++i) bench_.add(records, "delays", 1000 + i);
  }
  fs::path file(int number) const { return bench_.file("delays", number); }
  /// What opening says; empty: it opens.
  std::string refusal() {
    auto store = bench_.store();
    const auto records = CalibrationRecords::open(bench_.state(), *store);
    return records ? std::string() : describe(records.error());
  }
  std::size_t count() {
    auto store = bench_.store();
    return bench_.open(*store).all().size();
  }
  RecordBench bench_;
};

#define EXPECT_SAYS(what) EXPECT_NE(refusal().find(what), std::string::npos) << refusal()

TEST_F(CalibrationRecordsOnDisk, AreReadAgainAsTheyWere) {
  make(3);
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(count(), 3U);
}

TEST_F(CalibrationRecordsOnDisk, MissTheirNewest) {
  make(3);
  fs::remove(file(3));
  EXPECT_SAYS("made 3 records of delays, and those after number 2 are missing");
}

TEST_F(CalibrationRecordsOnDisk, MissAllOfThem) {
  make(2);
  fs::remove_all(bench_.state() / "calibrations");
  EXPECT_SAYS("made 2 records of delays, and those after number 0 are missing");
  EXPECT_SAYS("nicol calibrate forget");
}

TEST_F(CalibrationRecordsOnDisk, MissOneInTheRow) {
  make(3);
  fs::remove(file(2));
  EXPECT_SAYS("delays-0003.json: the record before it");
}

TEST_F(CalibrationRecordsOnDisk, MissTheirFirst) {
  make(3);
  fs::remove(file(1));
  EXPECT_SAYS("delays-0002.json: the record before it");
}

TEST_F(CalibrationRecordsOnDisk, NoticeOneByte) {
  make(1);
  std::fstream f(file(1), std::ios::in | std::ios::out);
  std::string text{std::istreambuf_iterator<char>(f), {}};
  f.seekp(static_cast<std::streamoff>(text.find("1000")));
  f << '2';
  f.close();
  EXPECT_SAYS("delays-0001.json: was changed");
}

TEST_F(CalibrationRecordsOnDisk, NoticeThatAnotherStoreMadeThem) {
  make(1);
  const std::string mine = bench_.read(file(1));
  RecordBench other;
  {
    auto store = other.store();
    auto records = other.open(*store);
    other.add(records, "delays", 1000);
  }
  std::ofstream(file(1), std::ios::trunc) << other.read(other.file("delays", 1));
  EXPECT_SAYS("delays-0001.json: was changed, or belongs to another node");
}

/// In a child that dies at this boundary of the store's marks.
void die_at(RecordBench& bench, const std::string& boundary) {
  const pid_t child = ::fork();
  if (child == 0) {
    bool armed = false;
    auto store = bench.store([&](std::string_view at) {
      if (armed && at == boundary) ::_exit(0);
    });
    auto records = bench.open(*store);
    armed = true;
    bench.add(records, "delays", 2000);
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_F(CalibrationRecordsOnDisk, OpenAfterACrashBetweenRecordAndHead) {
  for (const int before : {0, 2})
    for (const char* boundary : {"marks.first.write", "marks.first.written", "marks.second.write"}) {
      RecordBench bench;
      {
        auto store = bench.store();
        auto records = bench.open(*store);
        for (int i = 0; i < before; ++i) bench.add(records, "delays", 1000 + i);
      }
      die_at(bench, boundary);
      {
        auto store = bench.store();
        auto records = bench.open(*store);
        EXPECT_EQ(records.all().size(), static_cast<std::size_t>(before) + 1) << boundary;
        bench.add(records, "delays", 3000);
      }
      fs::remove(bench.file("delays", before + 2));
      auto store = bench.store();
      EXPECT_FALSE(CalibrationRecords::open(bench.state(), *store).ok()) << boundary;
    }
}

TEST_F(CalibrationRecordsOnDisk, RefuseTwoRecordsMoreThanTheNodeMade) {
  make(1);
  const auto keep = bench_.state().parent_path() / "keep";
  fs::copy(bench_.state(), keep, fs::copy_options::recursive);
  make(2);
  for (const char* marks : {"marks.0", "marks.1"})
    fs::copy_file(keep / "store" / marks, bench_.state() / "store" / marks, fs::copy_options::overwrite_existing);
  EXPECT_SAYS("holds 3 records of delays, and this node made 1");
}

TEST_F(CalibrationRecordsOnDisk, BeginAnewWhereAPersonGaveThemUp) {
  make(3);
  fs::remove(file(2));
  {
    auto store = bench_.store();
    const auto aside = CalibrationRecords::forget(bench_.state(), *store, 77);
    ASSERT_TRUE(aside.ok());
    EXPECT_EQ(aside->filename(), "calibrations-forgotten-77");
    EXPECT_TRUE(fs::exists(*aside / "delays-0003.json"));
  }
  EXPECT_EQ(count(), 0U);
  make(2);
  EXPECT_TRUE(fs::exists(file(4)) && fs::exists(file(5)));
  EXPECT_EQ(count(), 2U);
  fs::remove(file(5));
  EXPECT_SAYS("made 5 records of delays, and those after number 4 are missing");
}

TEST_F(CalibrationRecordsOnDisk, DoNotTakeForgottenOnesBack) {
  make(1);
  {
    auto store = bench_.store();
    ASSERT_TRUE(CalibrationRecords::forget(bench_.state(), *store, 77).ok());
  }
  fs::rename(bench_.state() / "calibrations-forgotten-77", bench_.state() / "calibrations");
  EXPECT_SAYS("delays-0001.json: the record before it");
}

}  // namespace
}  // namespace nicol::service::test
