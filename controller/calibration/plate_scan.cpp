// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/plate_scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "controller/calibration/known_light.hpp"

namespace nicol::calibration {
namespace {

constexpr int kMarks = 25;
constexpr double kLongest = 10;              // seconds of light at one mark
constexpr Angle kRunUp = Angle::degrees(5);  // more than a gear plays
constexpr Angle kTurn = Angle::degrees(360), kLeastSpan = Angle::degrees(270);

/// Where a mount may go: one turn, or its travel.
struct Room {
  Angle low, span;
};
Result<Room> room(Bench& bench, std::size_t plate) {
  const auto axis = bench.mount_axis(plate);
  if (!axis) return axis.error();
  if (!axis->travel) return Room{Angle{}, kTurn};
  const Angle span = std::min(kTurn, axis->travel->second - axis->travel->first);
  if (span < kLeastSpan)
    return Error{Code::not_supported,
                 fmt::format("{} goes {:.0f} of the {:.0f} degrees that its plate needs",
                             bench.own().compensator[plate].role, span.degrees(), kLeastSpan.degrees()),
                 bench.own().compensator[plate].role,
                 0,
                 {}};
  return Room{axis->travel->first, span};
}

class Turning {
 public:
  Turning(Bench& bench, std::uint64_t clicks) : bench_(&bench), clicks_(clicks) {}

  Result<std::vector<ScanLook>> run() {
    for (std::size_t i = 0; i < 3; ++i)
      if (auto ready = stand(i); !ready) return std::move(ready).error();
    for (std::size_t i = 0; i < 3; ++i)
      for (const Side from : {Side::below, Side::above})
        if (auto turned = turn(i, from); !turned) return std::move(turned).error();
    for (std::size_t i = 0; i < 3; ++i)
      if (auto back = bench_->turn_mount(i, stood_[i]); !back) return std::move(back).error();
    return std::move(seen_);
  }

 private:
  /// Where plate i stands while others turn: where it stood, as far as there is room about it.
  Result<void> stand(std::size_t i) {
    const auto now = bench_->mount(i);
    if (!now) return now.error();
    const auto within = room(*bench_, i);
    if (!within) return within.error();
    stood_[i] = *now, room_[i] = *within;
    const Angle aside = Angle::degrees(kAside[i]);
    const double turns = std::floor((*now - within->low).radians() / kTurn.radians());
    base_[i] = std::clamp(*now - kTurn * turns, within->low + kRunUp, within->low + within->span - aside - kRunUp);
    return {};
  }
  Result<void> turn(std::size_t i, Side from) {
    auto step = bench_->step(
        fmt::format("{} {}", bench_->own().compensator[i].role, from == Side::below ? "once around" : "back again"));
    if (!step) return step;
    sides_ = {};
    for (std::size_t other = 0; other < 3; ++other) {
      if (other == i) continue;
      const Angle at = base_[other] + Angle::degrees(from == Side::above ? kAside[other] : 0);
      if (auto there = approach(*bench_, other, at, Side::below); !there) return there;
    }
    sides_[i] = from == Side::above ? 1 : 0;
    auto marks = turn_marks(room_[i].low, room_[i].span);
    if (from == Side::above) std::ranges::reverse(marks);
    for (const Mark& mark : marks)
      if (mark.from == from)
        if (auto seen = look(i, mark); !seen) return seen;
    return {};
  }
  Result<void> look(std::size_t i, const Mark& mark) {
    if (auto there = approach(*bench_, i, mark.mount, mark.from); !there) return there;
    auto here = look_here(*bench_, clicks_);
    if (!here) return std::move(here).error();
    here->point.from_above = sides_;
    seen_.push_back(*std::move(here));
    return {};
  }
  Bench* bench_;
  std::uint64_t clicks_;
  std::array<Angle, 3> stood_{}, base_{};
  std::array<Room, 3> room_{};
  std::array<double, 3> sides_{};
  std::vector<ScanLook> seen_;
};

}  // namespace

std::vector<Mark> turn_marks(Angle low, Angle span) {
  std::vector<Mark> all;
  all.reserve(kMarks);
  for (int k = 0; k < kMarks; ++k)
    all.push_back({low + span * ((k + 0.5) / kMarks), k % 2 == 0 ? Side::below : Side::above});
  return all;
}

PlateStack stack_of(const hal::Rig& rig) {
  PlateStack stack;
  for (std::size_t i = 0; i < 3; ++i) stack.retardance[i] = 2 * std::numbers::pi * rig.compensator[i].retardance_waves;
  return stack;
}

Result<ScanLook> look_here(Bench& bench, std::uint64_t clicks) {
  ScanLook here;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto stands = bench.mount(i);
    if (!stands) return stands.error();
    here.mounts[i] = *stands;
    here.point.angles[i] = *stands - bench.believed_offset(i);
  }
  const auto light = shine(bench, {clicks, kLongest, 0.5});
  if (!light) return light.error();
  here.point.seen = light->in_gate;
  here.slots = static_cast<double>(std::accumulate(light->slots.begin(), light->slots.end(), std::uint64_t{0}));
  return here;
}

Result<void> approach(Bench& bench, std::size_t plate, Angle position, Side from) {
  const auto now = bench.mount(plate);
  if (!now) return now.error();
  const Angle before = from == Side::below ? position - kRunUp : position + kRunUp;
  if (from == Side::below ? *now > before : *now < before)
    if (auto back = bench.turn_mount(plate, before); !back) return back;
  return bench.turn_mount(plate, position);
}

Result<std::vector<ScanLook>> turn_every_plate(Bench& bench, std::uint64_t clicks) {
  if (const auto angles = bench.plate_angles(); !angles) return angles.error();
  return Turning(bench, clicks).run();
}

}  // namespace nicol::calibration
