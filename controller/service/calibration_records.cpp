// SPDX-License-Identifier: Apache-2.0
#include "controller/service/calibration_records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "controller/keystore/files.hpp"
#include "controller/keystore/sealing.hpp"
#include "controller/service/calibration_json.hpp"

namespace nicol::service {
namespace {

using nlohmann::json;

constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr const char* kSchema = "nicol.calibration/1";

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

template <std::size_t N>
std::string hex(const std::array<std::uint8_t, N>& bytes) {
  std::string out;
  for (const std::uint8_t b : bytes) out += fmt::format("{:02x}", b);
  return out;
}

/// The whole record but its id and seal: keys in order, so that equal records are equal texts.
std::string text_of(const CalibrationRecord& r) {
  return json{{"schema", kSchema}, {"previous", r.previous}, {"number", r.number},
              {"when", r.when},    {"rig", r.rig},           {"report", to_json(r.report)}}
      .dump();
}

std::string id_of(const std::string& text) {
  constexpr std::string_view kName = "nicol.calibration.id";
  std::array<std::uint8_t, 32> id{};
  keystore::keyed_hash(std::as_bytes(std::span(kName)), bytes_of(text), id);
  return hex(id);
}

std::string file_name(std::string_view routine, std::uint64_t number) {
  return fmt::format("{}-{:04}.json", routine, number);
}

Error changed(const std::string& file, const std::string& what) {
  return {Code::bad_input, fmt::format("{}: {}", file, what), "", 0, {}};
}

Result<CalibrationRecord> parse(const json& j, const std::string& file) {
  if (!j.is_object() || j.value("schema", "") != kSchema)
    return changed(file, fmt::format("schema: expected \"{}\"", kSchema));
  try {
    CalibrationRecord r;
    r.previous = j.at("previous").get<std::string>();
    r.number = j.at("number").get<std::uint64_t>();
    r.when = j.at("when").get<std::int64_t>();
    r.rig = j.at("rig").get<std::string>();
    auto report = report_from_json(j.at("report"));
    if (!report) return changed(file, report.error().message);
    r.report = *std::move(report);
    r.id = j.at("id").get<std::string>();
    return r;
  } catch (const json::exception& e) {
    return changed(file, e.what());
  }
}

}  // namespace

Result<CalibrationRecords> CalibrationRecords::open(const std::filesystem::path& state,
                                                    const keystore::KeyStore& store) {
  CalibrationRecords records(state / "calibrations", store);
  if (auto read = records.read_all(); !read) return std::move(read).error();
  return records;
}

Result<void> CalibrationRecords::read_all() {
  if (!std::filesystem::exists(folder_)) return {};
  auto folder = keystore::Folder::open(folder_, {});
  if (!folder) return std::move(folder).error();
  auto names = folder->names();
  if (!names) return std::move(names).error();
  std::erase_if(*names, [](const std::string& name) { return !name.ends_with(".json"); });
  for (const std::string& name : *names) {
    const std::string file = (folder_ / name).string();
    const auto bytes = folder->read(name, kMostBytes);
    if (!bytes) return bytes.error();
    const json j = json::parse(bytes->begin(), bytes->end(), nullptr, false);
    auto record = parse(j, file);
    if (!record) return std::move(record).error();
    const std::string text = text_of(*record);
    if (record->id != id_of(text) || j.value("seal", "") != hex(store_->record_seal(bytes_of(text))))
      return changed(file, "was changed, or belongs to another node: calibrate again after removing it");
    if (name != file_name(record->report.routine, record->number)) return changed(file, "its name is another record's");
    records_.push_back(*std::move(record));
  }
  std::ranges::sort(records_, {},
                    [](const CalibrationRecord& r) { return std::tuple(r.when, r.report.routine, r.number); });
  std::map<std::string, std::string> last;
  for (const CalibrationRecord& r : records_) {
    std::string& before = last[r.report.routine];
    if (r.previous != before)
      return changed((folder_ / file_name(r.report.routine, r.number)).string(),
                     fmt::format("the record before it ({:.16}) is missing", r.previous));
    before = r.id;
  }
  return {};
}

Result<CalibrationRecord> CalibrationRecords::add(const calibration::Report& report, std::string_view rig,
                                                  std::int64_t when) {
  CalibrationRecord r{{}, {}, 1, when, std::string(rig), report};
  for (const CalibrationRecord& old : records_)
    if (old.report.routine == report.routine)
      r.previous = old.id, r.number = old.number + 1, r.when = std::max(r.when, old.when);
  const std::string text = text_of(r);
  r.id = id_of(text);
  json whole = json::parse(text);
  whole["id"] = r.id;
  whole["seal"] = hex(store_->record_seal(bytes_of(text)));
  auto folder = keystore::Folder::open(folder_, {});
  if (!folder) return std::move(folder).error();
  const std::string out = whole.dump(2) + "\n";
  if (auto written = folder->replace(file_name(report.routine, r.number), "calibration", bytes_of(out)); !written)
    return std::move(written).error();
  records_.push_back(r);
  return r;
}

const CalibrationRecord* CalibrationRecords::newest(std::string_view routine) const {
  const CalibrationRecord* found = nullptr;
  for (const CalibrationRecord& r : records_)
    if (r.report.routine == routine && r.report.status == calibration::Status::passed) found = &r;
  return found;
}

/// In the order they were made, so that of two which tell the same the later one counts.
std::vector<const CalibrationRecord*> CalibrationRecords::newest_of_each() const {
  std::vector<const CalibrationRecord*> all;
  for (const CalibrationRecord& r : records_)
    if (newest(r.report.routine) == &r) all.push_back(&r);
  return all;
}

hal::State CalibrationRecords::in_force() const {
  hal::State state;
  for (const CalibrationRecord* r : newest_of_each())
    for (const auto& [key, value] : r->report.result) state[key] = value;
  return state;
}

std::vector<std::string> CalibrationRecords::relied_on(std::int64_t now) const {
  std::vector<std::string> all;
  for (const CalibrationRecord* r : newest_of_each())
    all.push_back(fmt::format("{} {:.16} ({})", r->report.routine, r->id, age_text(now - r->when)));
  return all;
}

std::string age_text(std::int64_t seconds) {
  if (seconds < 120) return fmt::format("{} s", std::max<std::int64_t>(seconds, 0));
  if (seconds < 7'200) return fmt::format("{} min", seconds / 60);
  if (seconds < 172'800) return fmt::format("{} h", seconds / 3'600);
  return fmt::format("{} d", seconds / 86'400);
}

}  // namespace nicol::service
