// SPDX-License-Identifier: Apache-2.0
// A state folder with a store, to keep calibration records in; gone afterwards.
#pragma once

#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "controller/service/calibration_records.hpp"

namespace nicol::service::test {

class RecordBench {
 public:
  RecordBench() {
    std::string name = (std::filesystem::temp_directory_path() / "nicol-records-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    root_ = name;
    if (const auto made = keystore::write_preshared_key(root_ / "psk", {}); !made)
      throw std::runtime_error(describe(made.error()));
  }
  ~RecordBench() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  RecordBench(const RecordBench&) = delete;
  RecordBench& operator=(const RecordBench&) = delete;

  std::filesystem::path state() const { return root_ / "bob"; }
  std::filesystem::path file(const std::string& routine, int number) const {
    return state() / "calibrations" / fmt::format("{}-{:04}.json", routine, number);
  }
  static std::string read(const std::filesystem::path& file) {
    std::ifstream f(file);
    return {std::istreambuf_iterator<char>(f), {}};
  }
  std::unique_ptr<keystore::KeyStore> store(keystore::FaultPoint fault = {}) const {
    return expect(keystore::KeyStore::open(state(), root_ / "psk", {.plan = {}, .fault = std::move(fault)}));
  }
  CalibrationRecords open(keystore::KeyStore& store) const { return expect(CalibrationRecords::open(state(), store)); }
  CalibrationRecord add(CalibrationRecords& records, const calibration::Report& report, std::int64_t when) const {
    return expect(records.add(report, "a rig", when));
  }
  /// One that passed and found nothing.
  CalibrationRecord add(CalibrationRecords& records, const std::string& routine, std::int64_t when) const {
    calibration::Report report;
    report.routine = routine;
    report.status = calibration::Status::passed;
    return add(records, report, when);
  }

 private:
  template <class T>
  static T expect(Result<T> result) {
    if (!result) throw std::runtime_error(describe(result.error()));
    return std::move(result).value();
  }
  std::filesystem::path root_;
};

}  // namespace nicol::service::test
