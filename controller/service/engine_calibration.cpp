// SPDX-License-Identifier: Apache-2.0
// Between blocks: this node's calibration, and its rig in the peer's hands while he calibrates.
#include <fmt/format.h>

#include <algorithm>

#include "controller/service/engine.hpp"

namespace nicol::service {

/// Names apart by commas; empty: all. A name that does not exist is told as an alarm and begins nothing.
void Engine::calibrate(const Command& command) {
  const std::string& names = command.text;
  CalibrationPlan plan;
  plan.seed = os_random_word();
  plan.limits = parts_.calibration_policy.limits;
  plan.most = command.most;
  plan.transmission_at_least = parts_.calibration_policy.transmission_at_least;
  plan.watch = parts_.calibration_watch;
  for (const calibration::Routine& r : calibration::routines())
    if (names.empty() || (',' + names + ',').find(fmt::format(",{},", r.name)) != std::string::npos)
      plan.routines.push_back(&r);
  for (const calibration::Routine& r : calibration::routines())
    if (const auto* record = parts_.calibrations ? parts_.calibrations->newest(r.name) : nullptr)
      plan.last[std::string(r.name)] = record->report;
  wanted_calibration_ = std::move(plan);
}

/// Why this rig cannot be had for a calibration now; empty: it can.
std::string Engine::why_busy() const {
  if (safe_off_) return dark_because_.empty() ? "light is switched off" : dark_because_;
  if (session_->block_open()) return "a block is open";
  if (recorder_) return "this node is being recorded";
  if (calibration_) return "this node calibrates itself";
  return {};
}

/// Whether this node's rig stands still for nobody else.
bool Engine::calibrating() const { return calibration_ != nullptr || server_.in_use(); }

Engine::After Engine::drive_calibration() {
  server_.look();
  if (wanted_calibration_ && peer_ready_ && why_busy().empty() && !server_.in_use()) {
    if (const auto ready = make_ready(); !ready) return give_up_calibration(ready.error());
    now_.state = NodeState::calibrating;
    calibration_ = std::make_unique<CalibrationRun>(*parts_.rig, *std::exchange(wanted_calibration_, std::nullopt),
                                                    [this] { nudge(); });
  }
  if (!calibration_) return adopt_calibrations();
  if (safe_off_) calibration_->cancel();
  if (const auto call = calibration_->take_call())
    if (apply(session_->rig_call(*call)) == After::reconnect) return After::reconnect;
  finish_routines();
  return calibration_ ? After::go_on : adopt_calibrations();  // before a block can open on what is no more so
}

/// A rig that cannot be homed or set begins none.
Engine::After Engine::give_up_calibration(const Error& why) {
  tell(fault_behind(why, Doubt::rig));
  for (const calibration::Routine* routine : wanted_calibration_->routines) {
    calibration::Report report;
    report.routine = routine->name;
    report.reason = describe(why);
    calibrations.push(std::move(report));
  }
  wanted_calibration_.reset();
  ++now_.calibrations_over;
  publish();
  return After::go_on;
}

void Engine::finish_routines() {
  const bool over = calibration_->finished();
  for (calibration::Report& report : calibration_->take_reports()) {
    say(LogLine::Level::info, "calibration",
        fmt::format("{}: {}{}{}", report.routine, to_string(report.status), report.reason.empty() ? "" : ", ",
                    report.reason));
    if (parts_.calibrations) keep(report);
    aligned_anew_ = aligned_anew_ || (report.routine == "polarisation" && report.status == calibration::Status::passed);
    found_anew_ = found_anew_ || !report.result.empty();
    calibrations.push(std::move(report));
  }
  if (const auto progress = calibration_->progress()) now_.calibration = *progress;
  if (!over) return;
  calibration_.reset();
  if (std::exchange(aligned_anew_, false)) begin_tracking();
  now_.calibration.reset();
  now_.state = NodeState::idle;
  ++now_.calibrations_over;
  publish();
}

Engine::After Engine::rig_called(const session::EventRigCall& event) {
  if (const auto call = decode_rig_call(event.call); call && call->method == RigMethod::try_again) {
    try_again();
    return apply(session_->rig_answer(encode(RigAnswer{call->id, {}, {}})));
  }
  const bool was_in_use = server_.in_use();
  auto answer = server_.answer(event.call, why_busy());
  if (server_.in_use() != was_in_use) now_.state = server_.in_use() ? NodeState::calibrating : NodeState::idle;
  return apply(session_->rig_answer(std::move(answer)));
}

/// The link is gone: what runs fails in words, and the peer has this rig no longer.
void Engine::end_calibrations() {
  if (server_.in_use()) server_.let_go();
  if (!calibration_) return;
  calibration_->link_lost();
  calibration_->cancel();
  while (!calibration_->finished()) pause(std::chrono::milliseconds(20));
  finish_routines();
}

}  // namespace nicol::service
