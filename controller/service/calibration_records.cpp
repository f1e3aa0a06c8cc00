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
constexpr const char* kFolder = "calibrations";
constexpr std::string_view kIfOnPurpose =
    "put it back as it was, or, where it was done on purpose, let 'nicol calibrate forget' set all records aside, and "
    "calibrate anew";

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
/// What is no UTF-8 (a device's own words) is replaced.
std::string text_of(const CalibrationRecord& r) {
  return to_json(r).dump(-1, ' ', false, json::error_handler_t::replace);
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

/// Of a whole record's id.
keystore::RecordHead head_at(const CalibrationRecord& r, std::uint64_t forgotten) {
  keystore::RecordHead head{r.report.routine, r.number, forgotten, {}};
  for (std::size_t i = 0; i < head.id.size(); ++i)
    head.id[i] = static_cast<std::uint8_t>(std::stoul(r.id.substr(2 * i, 2), nullptr, 16));
  return head;
}

}  // namespace

Result<CalibrationRecords> CalibrationRecords::open(const std::filesystem::path& state, keystore::KeyStore& store) {
  CalibrationRecords records(state / kFolder, store);
  if (auto read = records.read_all(); !read) return std::move(read).error();
  if (auto whole = records.check_rows(); !whole) return std::move(whole).error();
  return records;
}

Result<std::filesystem::path> CalibrationRecords::forget(const std::filesystem::path& state, keystore::KeyStore& store,
                                                         std::int64_t when) {
  std::filesystem::path aside;
  if (std::filesystem::exists(state / kFolder)) {
    aside = state / fmt::format("{}-forgotten-{}", kFolder, when);
    for (int i = 2; std::filesystem::exists(aside); ++i)
      aside = state / fmt::format("{}-forgotten-{}-{}", kFolder, when, i);
    std::error_code failed;
    std::filesystem::rename(state / kFolder, aside, failed);
    if (failed)
      return Error{
          Code::io, fmt::format("{}: {}", (state / kFolder).string(), failed.message()), "", failed.value(), {}};
  }
  for (keystore::RecordHead head : store.record_heads()) {
    head.forgotten = head.count;
    if (auto moved = store.advance_record_head(head); !moved) return std::move(moved).error();
  }
  return aside;
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
    auto record = record_from_json({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
    if (!record) return changed(file, record.error().message);
    const std::string text = text_of(record->record);
    if (record->record.id != id_of(text) || record->seal != hex(store_->record_seal(bytes_of(text))))
      return changed(file, fmt::format("was changed, or belongs to another node; {}", kIfOnPurpose));
    if (name != file_name(record->record.report.routine, record->record.number))
      return changed(file, "its name is another record's");
    records_.push_back(std::move(record->record));
  }
  std::ranges::sort(records_, {},
                    [](const CalibrationRecord& r) { return std::tuple(r.when, r.report.routine, r.number); });
  return {};
}

/// Every row is whole and ends where the store says that it ends.
Result<void> CalibrationRecords::check_rows() {
  std::map<std::string, std::vector<const CalibrationRecord*>> rows;
  for (const keystore::RecordHead& head : store_->record_heads()) rows[head.row];
  for (const CalibrationRecord& r : records_) rows[r.report.routine].push_back(&r);
  for (auto& [routine, row] : rows) {
    std::ranges::sort(row, {}, &CalibrationRecord::number);
    if (auto whole = check_row(head_of(routine), row); !whole) return whole;
  }
  return {};
}

/// One record more than the head says is a crash between the two: the head follows. A store that knows no head at all
/// (made before there were any) takes the row as it finds it.
Result<void> CalibrationRecords::check_row(const keystore::RecordHead& head,
                                           std::span<const CalibrationRecord* const> row) {
  std::uint64_t number = head.forgotten;
  std::string before = number == head.count && number > 0 ? hex(head.id) : std::string();
  for (const CalibrationRecord* r : row) {
    const bool after_forgotten = number == head.forgotten && 0 < number && number < head.count;
    if (r->number != number + 1 || (!after_forgotten && r->previous != before))
      return changed((folder_ / file_name(head.row, r->number)).string(),
                     fmt::format("the record before it ({:.16}) is missing; {}", r->previous, kIfOnPurpose));
    number = r->number, before = r->id;
    if (number == head.count && r->id != hex(head.id))
      return changed((folder_ / file_name(head.row, number)).string(),
                     fmt::format("is not the one this node made; {}", kIfOnPurpose));
  }
  if (number < head.count)
    return changed(folder_.string(), fmt::format("this node made {} records of {}, and those after number {} are "
                                                 "missing; {}",
                                                 head.count, head.row, number, kIfOnPurpose));
  if (head.count > 0 && number > head.count + 1)
    return changed(folder_.string(), fmt::format("holds {} records of {}, and this node made {}; {}", number, head.row,
                                                 head.count, kIfOnPurpose));
  return number == head.count ? Result<void>() : store_->advance_record_head(head_at(*row.back(), head.forgotten));
}

keystore::RecordHead CalibrationRecords::head_of(std::string_view routine) const {
  for (keystore::RecordHead& head : store_->record_heads())
    if (head.row == routine) return std::move(head);
  return {std::string(routine), 0, 0, {}};
}

Result<CalibrationRecord> CalibrationRecords::add(const calibration::Report& report, std::string_view rig,
                                                  std::int64_t when) {
  const keystore::RecordHead head = head_of(report.routine);
  CalibrationRecord r{{}, {}, head.count + 1, when, std::string(rig), report};
  if (head.count > 0) r.previous = hex(head.id);
  for (const CalibrationRecord& old : records_)
    if (old.report.routine == report.routine) r.when = std::max(r.when, old.when);
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
  if (auto told = store_->advance_record_head(head_at(r, head.forgotten)); !told) return std::move(told).error();
  records_.push_back(r);
  return r;
}

const CalibrationRecord* CalibrationRecords::newest(std::string_view routine) const {
  const CalibrationRecord* found = nullptr;
  for (const CalibrationRecord& r : records_)
    if (r.report.routine == routine && r.report.status == calibration::Status::passed) found = &r;
  return found;
}

/// In the order they were made, so that of two which tell the same the later one counts; what a failed one tells only
/// ever makes keys shorter.
std::vector<const CalibrationRecord*> CalibrationRecords::in_force() const {
  std::vector<const CalibrationRecord*> all;
  for (const CalibrationRecord& r : records_) {
    const auto* passed = newest(r.report.routine);
    const bool since = passed == nullptr || r.number > passed->number;
    if (passed == &r || (since && !r.report.result.empty())) all.push_back(&r);
  }
  return all;
}

hal::State CalibrationRecords::settings() const {
  hal::State state;
  for (const CalibrationRecord* r : in_force())
    for (const auto& [key, value] : r->report.result) state[key] = value;
  return state;
}

std::string age_text(std::int64_t seconds) {
  if (seconds < 120) return fmt::format("{} s", std::max<std::int64_t>(seconds, 0));
  if (seconds < 7'200) return fmt::format("{} min", seconds / 60);
  if (seconds < 172'800) return fmt::format("{} h", seconds / 3'600);
  return fmt::format("{} d", seconds / 86'400);
}

}  // namespace nicol::service
