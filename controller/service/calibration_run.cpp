// SPDX-License-Identifier: Apache-2.0
#include "controller/service/calibration_run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/service/remote_rig.hpp"
#include "controller/service/tag_look.hpp"

namespace nicol::service {

CalibrationRun::CalibrationRun(hal::Rig& own, CalibrationPlan plan, std::function<void()> wake)
    : own_(&own),
      plan_(std::move(plan)),
      wake_(std::move(wake)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

CalibrationRun::~CalibrationRun() {
  link_lost();
  thread_.request_stop();
}

void CalibrationRun::run(const std::stop_token& stop) {
  const AskPeer ask_peer = [this](RigCall call) { return ask(std::move(call)); };
  const auto begun = ask({0, RigMethod::begin, 0, 0, {}, {}});
  const auto remote = make_remote_rig(ask_peer);
  RemoteHeralds heralds(ask_peer);
  calibration::BenchOptions options;
  options.heralds = &heralds;
  options.transmission_at_least = plan_.transmission_at_least;
  options.seed = plan_.seed;
  options.last = [this](std::string_view routine) {
    const auto it = plan_.last.find(routine);
    return it == plan_.last.end() ? nullptr : &it->second;
  };
  RateGuard guard = guard_of(*own_);
  options.guard = [&, see = watched_by(guard)](const hal::TagBlock& block) {
    if (plan_.watch) plan_.watch(*own_, block);
    return see(block);
  };
  options.progress = [this](const calibration::Progress& p) {
    const std::lock_guard lock(mutex_);
    progress_ = p;
  };
  options.judge = [this](calibration::Report& report) { return judge(report, plan_.limits); };
  const SteadyDeadlines steady;
  if (plan_.most) options.until = steady.in(*plan_.most);
  calibration::Bench bench(*own_, *remote, stop, options);
  for (const calibration::Routine* routine : plan_.routines) {
    calibration::Report report;
    report.routine = routine->name;
    if (begun && begun->done)
      report = calibration::perform(*routine, bench);
    else
      report.reason = describe(begun ? begun->done.error() : begun.error());
    // Before the next routine, and by the one thread that has the rig now.
    if (auto told = calibration::apply(report.result, *own_); !told)
      report.warnings.push_back(fmt::format("the rig was not told all of it: {}", describe(told.error())));
    const std::lock_guard lock(mutex_);
    reports_.push_back(report);
    wake_();
    if (report.status == calibration::Status::cancelled || stop.stop_requested() || lost_ || !begun || !begun->done)
      break;
  }
  (void)ask({0, RigMethod::end, 0, 0, {}, {}});
  const std::lock_guard lock(mutex_);
  finished_ = true;
  wake_();
}

Result<RigAnswer> CalibrationRun::ask(RigCall call) {
  std::unique_lock lock(mutex_);
  if (lost_) return Error{Code::disconnected, "the link to the peer is gone", "peer", 0, {}};
  call.id = ++last_id_;
  answer_.reset();
  call_ = encode(call);
  wake_();
  const bool came = changed_.wait_for(lock, plan_.patience, [&] { return lost_ || answer_.has_value(); });
  call_.reset();
  if (answer_) return *std::exchange(answer_, std::nullopt);
  if (!came) return Error{Code::timeout, "the peer does not answer", "peer", 0, {}};
  return Error{Code::disconnected, "the link to the peer is gone", "peer", 0, {}};
}

std::optional<std::vector<std::uint8_t>> CalibrationRun::take_call() {
  const std::lock_guard lock(mutex_);
  return std::exchange(call_, std::nullopt);
}

void CalibrationRun::answered(std::span<const std::uint8_t> bytes) {
  auto answer = decode_rig_answer(bytes);
  const std::lock_guard lock(mutex_);
  if (!answer || answer->id != last_id_) return;  // one that came too late for its call
  answer_ = *std::move(answer);
  changed_.notify_all();
}

void CalibrationRun::link_lost() {
  const std::lock_guard lock(mutex_);
  lost_ = true;
  changed_.notify_all();
}

std::vector<calibration::Report> CalibrationRun::take_reports() {
  const std::lock_guard lock(mutex_);
  return std::exchange(reports_, {});
}

std::optional<calibration::Progress> CalibrationRun::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

bool CalibrationRun::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

}  // namespace nicol::service
