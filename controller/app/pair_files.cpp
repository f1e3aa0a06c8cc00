// SPDX-License-Identifier: Apache-2.0
#include "controller/app/pair_files.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "drivers/files/tag_file.hpp"

namespace nicol::app {
namespace {

using namespace detection::pairs;
using files::FileEvent;
using files::TagFile;

constexpr std::int64_t kEpoch = std::int64_t{1} << 29;  // ns

/// One side's file, in the tracker's terms.
class Source {
 public:
  explicit Source(TagFile file) : file_(std::move(file)) {}
  TickLength tick() const { return file_.tick(); }
  bool ended() const { return ended_; }
  std::optional<std::uint32_t> epoch() const { return file_.origin_epoch(); }
  void set_origin(Picoseconds origin) { origin_ = file_.tick().to_ticks(origin); }

  Result<void> read() {
    const auto events = file_.next();
    if (!events) return events.error();
    ticks_.clear();
    patterns_.clear();
    ended_ = events->empty();
    for (const FileEvent& e : *events) {
      if (e.kind == FileEvent::Kind::loss) continue;
      ticks_.push_back(e.ticks + origin_);
      patterns_.push_back(e.kind == FileEvent::Kind::dummy ? kDummy : static_cast<Pattern>(e.pattern & 0xf));
    }
    return {};
  }
  Result<void> feed(PairTracker& tracker, Side side) const { return tracker.feed(side, ticks_, patterns_); }

 private:
  TagFile file_;
  std::vector<std::int64_t> ticks_;
  std::vector<Pattern> patterns_;
  std::int64_t origin_ = 0;
  bool ended_ = false;
};

Result<Source> open(const std::filesystem::path& path, files::FileFormat format) {
  auto file = TagFile::open(path, format);
  if (file) return Source(*std::move(file));
  Error e = std::move(file).error();
  if (e.code == Code::not_found) e.code = Code::bad_input;
  return e;
}

Result<TrackerOptions> tracker_options(const ToolOptions& options) {
  TrackerOptions t;
  if (!options.window_ps) return t;
  if (*options.window_ps < 1 || *options.window_ps > 2 * PeakHistogram::kWide)
    return Error{Code::bad_input,
                 fmt::format("--window-ps {}: expected 1 to {}", *options.window_ps, 2 * PeakHistogram::kWide),
                 "",
                 0,
                 {}};
  t.window = Picoseconds{*options.window_ps};
  return t;
}

Result<void> drive(Source& alice, Source& bob, PairTracker& tracker, const Context& context,
                   const std::function<Result<void>(Coincidences)>& take) {
  while (!alice.ended() || !bob.ended()) {
    if (context.stop != nullptr && context.stop->requested()) return Error{Code::cancelled, "cancelled", "", 0, {}};
    const bool at_alice = bob.ended() || (!alice.ended() && tracker.behind() == Side::alice);
    Source& source = at_alice ? alice : bob;
    if (auto r = source.read(); !r) return r;
    if (auto r = source.feed(tracker, at_alice ? Side::alice : Side::bob); !r) return r;
    if (auto r = take(tracker.advance()); !r) return r;
  }
  return take(tracker.finish());
}

}  // namespace

Result<TrackReport> track_files(const ToolOptions& options, const Context& context,
                                const std::function<Result<void>(Coincidences)>& take) {
  const auto format = files::file_format(options.format);
  if (!format)
    return Error{Code::bad_input,
                 fmt::format("--format {}: expected one of {}", options.format, files::file_format_names()),
                 "",
                 0,
                 {}};
  const auto wanted = tracker_options(options);
  if (!wanted) return wanted.error();
  auto alice = open(options.alice, *format);
  if (!alice) return std::move(alice).error();
  auto bob = open(options.bob, *format);
  if (!bob) return std::move(bob).error();
  if (alice->epoch() && bob->epoch())
    bob->set_origin(
        {(static_cast<std::int64_t>(*bob->epoch()) - static_cast<std::int64_t>(*alice->epoch())) * kEpoch * 1000});
  PairTracker tracker(alice->tick(), bob->tick(), *wanted);
  if (auto r = drive(*alice, *bob, tracker, context, take); !r) return std::move(r).error();
  return tracker.report();
}

nlohmann::json sync_json(const TrackReport& report) {
  nlohmann::json j{{"offset_ps", nullptr},
                   {"frequency_ppb", nullptr},
                   {"coincidences", report.coincidences},
                   {"accidentals", report.accidentals},
                   {"significance_sigma", report.sigma},
                   {"window_ps", nullptr}};
  if (report.locks == 0) return j;
  j["offset_ps"] = std::llround(report.at_first_tag.offset);
  j["frequency_ppb"] = report.at_first_tag.frequency * 1e9;
  j["window_ps"] = report.window.count;
  return j;
}

}  // namespace nicol::app
