// SPDX-License-Identifier: Apache-2.0
// nicol replay: recorded nodes once more, and whether everything comes out as it did.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/app/replay_sifted.hpp"
#include "controller/app/report.hpp"
#include "controller/app/sifted_files.hpp"
#include "controller/service/replay.hpp"

namespace nicol::app {
namespace {

using nlohmann::json;
using service::ReplayReport;

struct Replayed {
  std::filesystem::path file;
  ReplayReport report;
  double seconds = 0;
  std::vector<SiftedFiles::Written> sifted = {};
};

std::string_view side_name(const ReplayReport& r) { return r.side == session::Side::alice ? "alice" : "bob"; }

template <class T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

json difference_json(const std::optional<service::FrameDifference>& d) {
  if (!d) return nullptr;
  return {
      {"frame", d->frame}, {"number", d->number}, {"entry", d->entry}, {"block", or_null(d->block)}, {"what", d->what}};
}

json block_json(const session::BlockResult& b) {
  return {{"index", b.index},
          {"status", to_string(b.status)},
          {"abort_reason", b.reason == session::BlockReason::none ? json(nullptr) : json(to_string(b.reason))},
          {"detections", b.detections},
          {"sifted_bits", b.facts.sifted[0] + b.facts.sifted[1]},
          {"secret_bits", b.secret_bits}};
}

json recording_json(const Replayed& r) {
  json j{{"file", r.file.string()},
         {"node", side_name(r.report)},
         {"identical", r.report.identical()},
         {"complete", !r.report.cut_short && !r.report.stopped},
         {"cut_short", or_null(r.report.cut_short)},
         {"entries", r.report.entries},
         {"tags", r.report.tags},
         {"frames_received", r.report.frames_received},
         {"frames_sent", r.report.frames_sent},
         {"first_difference", difference_json(r.report.first_difference)},
         {"departure", or_null(r.report.departure)},
         {"seconds", r.seconds}};
  j["blocks"] = json::array();
  for (const auto& b : r.report.blocks) j["blocks"].push_back(block_json(b));
  j["keys"] = json::array();
  for (const auto& k : r.report.keys)
    j["keys"].push_back({{"id", to_string(k.key.record().id)},
                         {"bits", k.key.size()},
                         {"check", check_text(k.key.record().check)},
                         {"origin", to_string(k.key.record().origin)},
                         {"identical", k.identical}});
  if (r.sifted.empty()) return j;
  j["sifted"] = json::array();
  for (const auto& s : r.sifted)
    j["sifted"].push_back({{"index", s.index}, {"bits", s.bits}, {"file", s.file.string()}});
  return j;
}

/// Of the keys that both replays made: every one the same at both.
std::optional<bool> keys_match(const std::vector<Replayed>& all) {
  if (all.size() != 2) return std::nullopt;
  const auto &a = all[0].report.keys, &b = all[1].report.keys;
  const auto twin_of = [&](const service::ReplayedResult& k) {
    return std::find_if(b.begin(), b.end(), [&](const auto& o) { return o.key.record().id == k.key.record().id; });
  };
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const auto& k) {
           const auto twin = twin_of(k);
           return twin != b.end() && twin->key.same_bits(k.key);
         });
}

void print_text(const Replayed& r) {
  const ReplayReport& p = r.report;
  fmt::print("{} ({}): {} tags, {} frames in, {} out, {} blocks, {} keys in {:.2f} s\n", r.file.string(), side_name(p),
             p.tags, p.frames_received, p.frames_sent, p.blocks.size(), p.keys.size(), r.seconds);
  for (const auto& k : p.keys)
    fmt::print("  key {}: {} bits, check {}, {}\n", to_string(k.key.record().id), k.key.size(),
               check_text(k.key.record().check), k.identical ? "identical" : "ANOTHER KEY");
  if (const auto& d = p.first_difference)
    fmt::print("  first frame that differs: {} number {} (block {}, entry {}): {}\n", d->frame, d->number,
               d->block ? std::to_string(*d->block) : std::string("none"), d->entry, d->what);
  for (const auto& s : r.sifted) fmt::print("  block {}: {} sifted bits in {}\n", s.index, s.bits, s.file.string());
  if (p.departure) fmt::print("  first departure: {}\n", *p.departure);
  if (p.cut_short) fmt::print("  {}: replayed up to there\n", *p.cut_short);
  if (p.identical()) fmt::print("  everything as it was recorded\n");
}

/// One recording; its sifted bits into `sifted`, if any.
Result<Replayed> replay_one(const std::filesystem::path& file, const recording::SealSecret& secret,
                            const Context& context, SiftedFiles* sifted) {
  service::TakeBits take;
  if (sifted != nullptr) take = [&](const service::ReplayedBits& bits) { sifted->take(bits); };
  const auto stop = [&] { return context.stop->requested() || (sifted != nullptr && sifted->trouble()); };
  const auto start = std::chrono::steady_clock::now();
  auto report = service::replay(file, secret, stop, take);
  if (!report) return std::move(report).error();
  if (sifted != nullptr && sifted->trouble()) return *sifted->trouble();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  Replayed done{file, *std::move(report), seconds};
  if (sifted != nullptr) done.sifted = sifted->take_written();
  return done;
}

}  // namespace

Exit replay(const ReplayOptions& options, Context& context) { return replay_sifted(options, {}, context); }

Exit replay_sifted(const ReplayOptions& options, const std::filesystem::path& sifted_folder, Context& context) {
  const auto files = recordings_at(options.path);
  if (!files) return complain(files.error());
  const bool folder = std::filesystem::is_directory(options.path);
  const auto secret =
      seal_secret(options.seal, folder ? options.path : options.path.parent_path(), SealKeyFile::must_exist);
  if (!secret) return complain(secret.error());
  std::optional<SiftedFiles> sifted;
  if (!sifted_folder.empty()) {
    auto files_of_bits = SiftedFiles::in(sifted_folder);
    if (!files_of_bits) return complain(files_of_bits.error());
    sifted = *std::move(files_of_bits);
  }
  std::vector<Replayed> all;
  bool good = true;
  for (const auto& file : *files) {
    auto done = replay_one(file, *secret, context, sifted ? &*sifted : nullptr);
    if (!done) return complain(done.error());
    const ReplayReport& report = done->report;
    good = good && report.identical() && !report.cut_short && !report.stopped;
    if (report.cut_short) fmt::print(stderr, "nicol: {}: {}\n", file.string(), *report.cut_short);
    if (context.output == Output::text) print_text(*done);
    all.push_back(*std::move(done));
  }
  const auto match = keys_match(all);
  if (context.output == Output::json) {
    json j{{"schema", "nicol.replay/1"}, {"keys_match", or_null(match)}, {"recordings", json::array()}};
    for (const Replayed& r : all) j["recordings"].push_back(recording_json(r));
    fmt::print("{}\n", j.dump(2));
  }
  return good && match.value_or(true) ? Exit::done : Exit::failed;
}

}  // namespace nicol::app
