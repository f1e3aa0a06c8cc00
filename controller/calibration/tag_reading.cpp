// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/tag_reading.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nicol::calibration {
namespace {

constexpr std::size_t kTags = 1 << 14, kLosses = 256;
constexpr std::chrono::milliseconds kLook{5};
constexpr std::chrono::seconds kSilence{5};  // the last slots of a block are in by then

Result<void> open_eyes(hal::Rig& own) {
  if (auto* shutter = own.find<hal::Shutter>("shutter"))
    if (auto opened = shutter->open(); !opened) return opened;
  for (const auto& entry : own.entries())
    if (auto* detector = dynamic_cast<hal::Detector*>(entry.device.get()))
      if (auto on = detector->enable(); !on) return on;
  return {};
}

Result<void> switch_on(hal::Rig& remote, hal::PulsedSource& source) {
  if (auto* shutter = remote.find<hal::Shutter>("shutter"))
    if (auto opened = shutter->open(); !opened) return opened;
  if (auto level = source.set_light_level(hal::LightLevel::quantum); !level) return level;
  const auto emission = source.emission();
  if (!emission) return emission.error();
  return *emission == hal::EmissionState::emitting ? Result<void>() : source.enable_emission();
}

}  // namespace

std::uint64_t slots_in(const hal::TimingLayout& timing, double seconds) {
  const double period = static_cast<double>(timing.slot_period.count) * 1e-12;
  const auto slots = static_cast<std::uint64_t>(seconds / period);
  const std::uint64_t unit = std::max<std::uint64_t>(timing.sync_divider, 1);
  return std::max<std::uint64_t>(slots / unit, 1) * unit;
}

Result<LightPath> light_path(Bench& bench) {
  const LightPath path{bench.remote().find<hal::PulsedSource>("source"), bench.own().find<hal::TimeTagger>("tagger")};
  if (path.source == nullptr) return Error{Code::not_found, "no pulsed source on the other side", "", 0, {}};
  if (path.source->caps().record == hal::PreparationRecord::motor_setting)
    return Error{
        Code::not_supported, "the source turns its plate for every slot: it plays no pattern", "source", 0, {}};
  if (path.tagger == nullptr) return Error{Code::not_found, "the rig has no tagger", "", 0, {}};
  return path;
}

Result<void> begin_light(Bench& bench, const LightPath& path) {
  Result<void> ready = open_eyes(bench.own());
  if (ready) ready = path.tagger->start();
  if (ready) ready = switch_on(bench.remote(), *path.source);
  if (!ready) end_light(bench);
  return ready;
}

void end_light(Bench& bench) noexcept {
  rest(bench.remote());
  if (auto* tagger = bench.own().find<hal::TimeTagger>("tagger")) (void)tagger->stop();
  rest(bench.own());
}

TagReading::TagReading(Bench& bench, const LightPath& path, Take take)
    : bench_(&bench), path_(path), take_(std::move(take)), tags_(kTags), losses_(kLosses) {}

Result<void> TagReading::look() {
  for (;;) {
    auto more = acquire(bench_->deadlines().in({}));
    if (!more) return std::move(more).error();
    if (!*more) return {};
  }
}

Result<void> TagReading::rest(std::uint64_t slots, const std::function<bool()>& enough) {
  const Deadline until = bench_->deadlines().in(kSilence);
  while (!enough() && !bench_->deadlines().passed(until)) {
    auto more = acquire(bench_->deadlines().in(kLook));
    if (!more) return std::move(more).error();
    if (!*more && path_.source->first_unsent().value_or(slots) >= slots) return {};
  }
  return {};
}

/// True: there may be more.
Result<bool> TagReading::acquire(Deadline deadline) {
  hal::TagBlock block;
  block.storage = tags_, block.loss_storage = losses_;
  const hal::StreamStatus status = path_.tagger->acquire(block, deadline);
  if (auto dim = bench_->see(block); !dim) return std::move(dim).error();
  if (auto taken = take_(block); !taken) return std::move(taken).error();
  if (status == hal::StreamStatus::timeout) return false;
  if (status == hal::StreamStatus::ok || status == hal::StreamStatus::overflow) return true;
  return Error{
      Code::disconnected, fmt::format("the tagger's stream ended: {}", hal::to_string(status)), "tagger", 0, {}};
}

}  // namespace nicol::calibration
