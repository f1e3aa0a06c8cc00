// SPDX-License-Identifier: Apache-2.0
// Bob's face of detection: opens the locked scratch once a call and hands stream and judge to each other.
#include "controller/detection/slot_detector.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <new>

#include "controller/detection/click_judge.hpp"

namespace nicol::detection {

struct SlotDetector::Impl {
  Impl(const hal::TimingLayout& timing, TickLength tick, const DetectorOptions& given, Random& random)
      : options(given),
        dropped(given.slots),
        stream(timing, tick, hal::ChannelRole::detector,
               {given.slots, given.frame_hint, given.pattern, recovery(given), {}}, dropped),
        judge(stream.unit(), stream.channels(), given, dropped, random),
        scratch(sizeof(ClickJudge::Scratch)) {
    if (stream.recovers()) {
      if (given.settings.bases != nullptr)
        throw std::invalid_argument("an active receiver that recovers its slots from clicks: it set its bases by slot");
      search.emplace(sizeof(ClockScratch));
    }
    scratch.with_write([](std::span<std::byte> memory) {
      auto* s = new (memory.data()) ClickJudge::Scratch;  // zero already
      s->open = {-1, 0, ClickJudge::Scratch::Fate::blinded};
    });
  }

  static RecoveryOptions recovery(const DetectorOptions& given) {
    RecoveryOptions r;
    r.known = given.known_clock;
    return r;
  }

  /// f() with the locked scratch and the settings open.
  template <class F>
  void inside(F&& f) {
    scratch.with_write([&](std::span<std::byte> memory) {
      auto* s = std::launder(reinterpret_cast<ClickJudge::Scratch*>(memory.data()));
      with_settings([&](const std::uint64_t* bases, const std::uint64_t* swapped) {
        judge.enter({s, bases, swapped});
        const struct Leave {
          ClickJudge* judge;
          ~Leave() { judge->leave(); }
        } leave{&judge};
        with_search([&](ClockScratch* found) { f(SlotStream::Memory{s->times, s->who, found}); });
      });
    });
  }
  template <class F>
  void with_search(F&& f) {
    if (!search) return f(nullptr);
    search->with_write([&](std::span<std::byte> memory) { f(new (memory.data()) ClockScratch); });
  }
  template <class F>
  void with_settings(F&& f) {
    const ReceiverSettings& settings = options.settings;
    if (settings.bases == nullptr) return f(nullptr, nullptr);
    settings.bases->with_read([&](std::span<const std::uint64_t> bases) {
      if (settings.swapped == nullptr) return f(bases.data(), nullptr);
      settings.swapped->with_read([&](std::span<const std::uint64_t> swapped) { f(bases.data(), swapped.data()); });
    });
  }

  DetectorOptions options;
  DroppedSlots dropped;
  SlotStream stream;
  ClickJudge judge;
  secret::LockedKey scratch;
  std::optional<secret::LockedKey> search;
  std::size_t told = 0;
};

namespace {

void check_settings(const ReceiverSettings& settings, std::uint64_t slots) {
  for (const secret::BitString* s : {settings.bases, settings.swapped})
    if (s != nullptr && s->size() < slots)
      throw std::invalid_argument(fmt::format("receiver settings for {} of {} slots", s->size(), slots));
}

void report_clock(const SlotSource& source, DetectionReport& into) {
  const auto marks = [&](const auto& clock) {
    into.sync_missing = clock.missing();
    into.sync_rejected = clock.rejected();
  };
  if (const auto* clock = std::get_if<SlotClock>(&source)) marks(*clock);
  if (const auto* clock = std::get_if<PpsClock>(&source)) marks(*clock), into.clock = clock->report();
  if (const auto* clock = std::get_if<RecoveredClock>(&source)) into.clock = clock->report();
}

}  // namespace

SlotDetector::SlotDetector(const hal::TimingLayout& timing, TickLength tick, const DetectorOptions& options,
                           Random& random) {
  check_settings(options.settings, options.slots);
  impl_ = std::make_unique<Impl>(timing, tick, options, random);
}
SlotDetector::~SlotDetector() = default;
SlotDetector::SlotDetector(SlotDetector&&) noexcept = default;
SlotDetector& SlotDetector::operator=(SlotDetector&&) noexcept = default;

Result<void> SlotDetector::process(const hal::TagBlock& block) {
  Result<void> result;
  impl_->inside([&](SlotStream::Memory memory) { result = impl_->stream.process(block, memory, impl_->judge); });
  if (result && impl_->judge.overfull())
    return Error{Code::exhausted,
                 fmt::format("more than the {} clicks that a block may hold", impl_->options.capacity)};
  return result;
}

SlotDetector::Progress SlotDetector::take_progress() {
  const std::uint64_t complete = impl_->stream.complete_slots();
  auto clicked = impl_->judge.slots();
  while (!clicked.empty() && clicked.back() >= complete) clicked = clicked.first(clicked.size() - 1);
  const auto news = clicked.subspan(std::min(impl_->told, clicked.size()));
  impl_->told = std::max(impl_->told, clicked.size());
  return {complete, {news.begin(), news.end()}};
}

void SlotDetector::drop(SlotRange slots) {
  const std::uint64_t end = std::min(slots.end, impl_->options.slots);
  impl_->dropped.add(static_cast<std::int64_t>(std::min(slots.begin, end)), static_cast<std::int64_t>(end));
}

void SlotDetector::hold() { impl_->stream.hold(); }

Result<void> SlotDetector::resume(std::uint64_t first_slot, StreamAfterPause stream) {
  Result<void> result;
  impl_->inside(
      [&](SlotStream::Memory memory) { result = impl_->stream.resume(first_slot, stream, memory, impl_->judge); });
  if (result && impl_->options.pattern) impl_->options.pattern->resume_at(first_slot);
  return result;
}

std::optional<ClockReport> SlotDetector::clock() const {
  DetectionReport report;
  report_clock(impl_->stream.clock(), report);
  return report.clock;
}
bool SlotDetector::awaits_lock() const {
  return impl_->stream.recovers() && !impl_->stream.started() && !impl_->stream.done();
}
std::uint64_t SlotDetector::tags() const { return impl_->stream.tags(); }

std::uint64_t SlotDetector::complete_slots() const { return impl_->stream.complete_slots(); }
bool SlotDetector::frame_seen() const { return impl_->stream.started(); }
bool SlotDetector::done() const { return impl_->stream.done(); }

SlotDetector::Finished SlotDetector::finish() {
  Impl& d = *impl_;
  d.inside([&](SlotStream::Memory memory) {
    d.stream.finish(memory, d.judge);
    d.judge.flush();
  });
  d.scratch.wipe();
  if (d.search) d.search->wipe();
  Finished done{d.judge.take_clicks(), {}};
  remove_dropped(done.clicks);
  if (d.options.pattern) remove_public(done.clicks, *d.options.pattern);
  d.judge.report(done.report);
  done.report.tags = d.stream.tags();
  done.report.sync_tags = d.stream.sync_tags();
  done.report.lost_intervals = d.stream.lost_intervals();
  done.report.dropped_slots = d.dropped.count();
  report_clock(d.stream.clock(), done.report);
  done.report.observed = d.stream.observed();
  return done;
}

}  // namespace nicol::detection
