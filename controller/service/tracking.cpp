// SPDX-License-Identifier: Apache-2.0
#include "controller/service/tracking.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "controller/service/rig_preparation.hpp"

namespace nicol::service {
namespace {

using calibration::PlateAngles;

constexpr double kAligned = 0.1;  // rad about each axis: how well a calibration leaves it
constexpr Angle kSame = Angle::degrees(0.5);

Angle magnitude(Angle a) { return a < Angle{} ? -a : a; }

bool alike(const PlateAngles& a, const PlateAngles& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (magnitude(a[i] - b[i]) > kSame) return false;
  return true;
}

Angle way(const PlateAngles& from, const PlateAngles& to) {
  Angle sum;
  for (std::size_t i = 0; i < from.size(); ++i) sum = sum + magnitude(to[i] - from[i]);
  return sum;
}

PlateAngles commanded(const hal::Rig& rig) {
  PlateAngles all;
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = rig.compensator[i].setting;
  return all;
}

std::optional<double> entry(const calibration::Report* report, const std::string& key) {
  if (report == nullptr) return std::nullopt;
  const auto it = report->result.find(key);
  if (it == report->result.end() || !std::holds_alternative<double>(it->second)) return std::nullopt;
  return std::get<double>(it->second);
}

/// Mean of both bases.
double visibility_of(const calibration::Report* report, double declared) {
  if (report == nullptr) return declared;
  double sum = 0;
  int found = 0;
  for (const calibration::Fitted& f : report->fitted)
    if (f.name.starts_with("visibility.")) sum += f.value, ++found;
  return found == 2 ? sum / 2 : declared;
}

TrackReport report_of(const calibration::NextSetting& n) {
  TrackReport r;
  r.next = n.plates;
  r.dither_qber = n.dither_qber, r.doubt_qber = n.doubt_qber, r.excess_qber = n.excess_qber, r.walk = n.walk;
  r.excess_alarm = n.excess_alarm, r.not_following = n.not_following, r.travel_spent = n.travel_spent;
  return r;
}

bool stuck(const Error& error) { return error.code == Code::motion_fault || error.code == Code::limit_switch; }

}  // namespace

std::string why_no_tracking(const hal::Rig& rig, session::Side side, session::Protocol protocol) {
  if (side != session::Side::bob) return "only the side that receives has plates to turn";
  if (rig.compensator.size() != 3) return "this rig has no quarter-half-quarter compensator in motors";
  if (rig.receiver != hal::ReceiverKind::passive)
    return "an active receiver moves between slots: what its plates see is no block's";
  if (protocol != session::Protocol::bb84) return "shared pairs are not tracked";
  return {};
}

bool TrackReport::worth_another_try() const { return verified && !alike(setting, next); }

FibreTracking::FibreTracking(hal::Rig& rig, const TrackingOptions& options, const calibration::Report* polarisation,
                             LightJournal* journal)
    : rig_(&rig), notes_(journal), stood_(commanded(rig)), counted_from_(rig.clock->now()) {
  calibration::TrackerOptions o;
  for (std::size_t i = 0; i < 3; ++i) {
    const hal::CompensatorPlate& plate = rig.compensator[i];
    const double waves = entry(polarisation, plate.role + ".seen_retardance_waves").value_or(plate.retardance_waves);
    o.stack.retardance[i] = 2 * std::numbers::pi * waves;
    const auto axis = entry(polarisation, plate.role + ".seen_axis_deg");
    if (axis) beside_[i] = plate.fast_axis_offset - Angle::degrees(*axis);
  }
  o.habits.visibility = visibility_of(polarisation, options.visibility);
  o.largest_step = options.largest_step.radians();
  o.travel = options.travel;
  o.reached = kSame;
  // Calibrated plates undo the fibre: what is left is within the error.
  const PlateAngles now = axes(stood_);
  tracker_.emplace(o, calibration::rotation(o.stack, now).transpose(),
                   kAligned * kAligned * Eigen::Matrix3d::Identity(), now);
}

PlateAngles FibreTracking::axes(PlateAngles settings) const {
  for (std::size_t i = 0; i < 3; ++i) settings[i] = settings[i] + beside_[i];
  return settings;
}

PlateAngles FibreTracking::settings(PlateAngles axes) const {
  for (std::size_t i = 0; i < 3; ++i) axes[i] = axes[i] - beside_[i];
  return axes;
}

/// Of the equivalent angles, half a turn apart, those next to where the plates were sent.
std::optional<PlateAngles> FibreTracking::reported() const {
  PlateAngles all = commanded(*rig_);
  for (std::size_t i = 0; i < 3; ++i) {
    const hal::CompensatorPlate& plate = rig_->compensator[i];
    auto* stage = rig_->find<hal::RotationStage>(plate.role);
    const auto status = stage != nullptr ? stage->status() : Result<hal::AxisStatus>(Error{});
    if (!status) return std::nullopt;
    const double beside = (status->position - plate.fast_axis_offset - all[i]).radians();
    all[i] = all[i] + Angle::radians(std::remainder(beside, std::numbers::pi));
  }
  return all;
}

void FibreTracking::send_to(const PlateAngles& settings) {
  for (std::size_t i = 0; i < 3; ++i) {
    rig_->compensator[i].setting = settings[i];
    notes_.act(LightAct::compensate, i, std::bit_cast<std::uint64_t>(settings[i].radians()));
  }
}

Result<void> FibreTracking::prepare() {
  auto ready = prepare_rig(*rig_);
  if (ready || light_ || !stuck(ready.error()) || alike(commanded(*rig_), stood_)) return ready;
  send_to(stood_);
  auto back = prepare_rig(*rig_);
  if (back || !stuck(back.error())) return back;
  const auto there = reported();
  if (!there) return back;
  send_to(*there);
  return prepare_rig(*rig_);
}

void FibreTracking::light_opens() {
  light_ = true;
  opened_ = rig_->clock->now();
  at_opening_ = reported();
  if (at_opening_) stood_ = *at_opening_;
}

std::optional<TrackReport> FibreTracking::block_done(const session::BlockResult& result) {
  if (!std::exchange(light_, false)) return std::nullopt;
  const auto now = reported();
  const auto& sample = result.facts.sample;
  calibration::TrackedBlock block;
  block.seen = calibration::agreements(result.correlators, {sample[0].bits, sample[1].bits},
                                       {sample[0].errors, sample[1].errors});
  block.seconds = (opened_ - counted_from_).seconds();
  counted_from_ = opened_;
  const bool stood = at_opening_ && now && alike(*at_opening_, *now);
  if (result.statistics_verified && stood && result.detections > 0) block.standing = calibration::Standing::verified;
  if (at_opening_) block.setting = axes(*at_opening_);
  TrackReport report = report_of(tracker_->next(block));
  report.block = result.block, report.index = result.index;
  report.verified = block.standing == calibration::Standing::verified;
  report.setting = at_opening_.value_or(PlateAngles{});
  report.next = settings(report.next);
  if (!report.verified) return report;
  report.way = way(report.setting, report.next);
  if (report.next != commanded(*rig_)) send_to(report.next);
  return report;
}

}  // namespace nicol::service
