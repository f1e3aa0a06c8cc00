// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/bench.hpp"

#include <fmt/format.h>

#include <cmath>

#include "controller/calibration/heralds.hpp"

namespace nicol::calibration {
namespace {

constexpr double kThere = 1e-5;  // radians: nearer than any mount can tell

Error no_plates() {
  return {
      Code::not_supported, "the rig has no quarter-half-quarter compensator (roles compensator-0 to -2)", "", 0, {}};
}

}  // namespace

Bench::Bench(hal::Rig& own, hal::Rig& remote, std::stop_token stop, BenchOptions options)
    : own_(&own),
      remote_(&remote),
      stop_(std::move(stop)),
      options_(std::move(options)),
      heralds_(options_.heralds),
      deadlines_(options_.deadlines != nullptr ? options_.deadlines : &steady_),
      began_(deadlines_->now()) {
  if (heralds_ != nullptr || remote.find<hal::TimeTagger>("tagger") == nullptr) return;
  own_heralds_ = std::make_unique<OwnHeralds>(remote);
  heralds_ = own_heralds_.get();
}

Bench::~Bench() = default;

bool Bench::heralded() const {
  auto* source = remote_->find<hal::PulsedSource>("source");
  return source != nullptr && source->caps().source == hal::SourceKind::heralded;
}

void Bench::begin(std::string routine, int steps) {
  routine_ = std::move(routine);
  steps_ = steps, step_ = 0;
  photons_ = moves_ = 0;
  began_ = deadlines_->now();
}

double Bench::seconds() const { return std::chrono::duration<double>(deadlines_->now() - began_).count(); }

Result<void> Bench::go_on() const {
  if (stop_.stop_requested()) return Error{Code::cancelled, "cancelled by the operator", "", 0, {}};
  if (options_.until && deadlines_->passed(*options_.until))
    return Error{Code::cancelled, "the time for all routines is up", "", 0, {}};
  return {};
}

Result<void> Bench::step(std::string name) {
  if (options_.progress) {
    const double done = std::min(1.0, static_cast<double>(step_) / steps_);
    options_.progress({routine_, std::move(name), done, done > 0 ? seconds() * (1 - done) / done : -1});
  }
  ++step_;
  return go_on();
}

Result<hal::Waveplate> Bench::optic(std::size_t index) {
  if (index >= own_->compensator.size()) return no_plates();
  const hal::CompensatorPlate& plate = own_->compensator[index];
  auto* stage = own_->find<hal::RotationStage>(plate.role);
  if (stage == nullptr)
    return Error{Code::not_found, fmt::format("the rig has no rotation stage \"{}\"", plate.role), plate.role, 0, {}};
  return hal::Waveplate(*stage, plate.retardance_waves, plate.wavelength, plate.fast_axis_offset);
}

Result<Angle> Bench::plate(std::size_t index) {
  auto plate = optic(index);
  return plate ? plate->fast_axis() : Result<Angle>(std::move(plate).error());
}

Result<void> Bench::turn_plate(std::size_t index, Angle axis) {
  if (auto on = go_on(); !on) return on;
  auto plate = optic(index);
  if (!plate) return std::move(plate).error();
  const auto now = plate->fast_axis();
  if (!now) return now.error();
  if (std::abs(std::remainder((axis - *now).radians(), std::numbers::pi)) < kThere) return {};
  const auto before = plate->stage().status();
  auto turned = plate->set_fast_axis(axis, patience(), stop_);
  const auto after = plate->stage().status();
  moves_ += before && after && after->moves > before->moves ? after->moves - before->moves : 1;
  return turned;
}

Result<PlateAngles> Bench::plate_angles() {
  if (plates() != 3) return no_plates();
  PlateAngles all{};
  for (std::size_t i = 0; i < 3; ++i) {
    auto one = plate(i);
    if (!one) return std::move(one).error();
    all[i] = *one;
  }
  return all;
}

Result<void> Bench::turn_plates(const PlateAngles& axes) {
  for (std::size_t i = 0; i < 3; ++i)
    if (auto turned = turn_plate(i, axes[i]); !turned) return turned;
  return {};
}

Result<Angle> Bench::mount(std::size_t index) {
  auto plate = optic(index);
  if (!plate) return std::move(plate).error();
  const auto now = plate->stage().status();
  return now ? Result<Angle>(now->position) : Result<Angle>(now.error());
}

Result<hal::AxisInfo> Bench::mount_axis(std::size_t index) {
  auto plate = optic(index);
  return plate ? Result<hal::AxisInfo>(plate->stage().axis()) : Result<hal::AxisInfo>(std::move(plate).error());
}

Result<void> Bench::turn_mount(std::size_t index, Angle position) {
  if (auto on = go_on(); !on) return on;
  auto plate = optic(index);
  if (!plate) return std::move(plate).error();
  ++moves_;
  auto motion = plate->stage().move_absolute(position);
  return motion ? motion->wait(patience(), stop_) : Result<void>(std::move(motion).error());
}

void rest(hal::Rig& rig) noexcept {
  for (const auto& entry : rig.entries()) {
    if (auto* shutter = dynamic_cast<hal::Shutter*>(entry.device.get())) shutter->close();
    if (auto* source = dynamic_cast<hal::PhotonSource*>(entry.device.get()))
      (void)source->set_light_level(hal::LightLevel::off);
  }
}

RigState::Entry RigState::look(const hal::Rig::Entry& entry) {
  Entry e{entry.name, {}, {}, {}, {}, {}, {}};
  hal::Device* device = entry.device.get();
  if (auto* stage = dynamic_cast<hal::RotationStage*>(device))
    if (const auto status = stage->status()) e.position = status->position;
  if (auto* shutter = dynamic_cast<hal::Shutter*>(device))
    if (const auto state = shutter->state()) e.open = *state == hal::ShutterState::open;
  if (const auto* detector = dynamic_cast<hal::Detector*>(device)) e.enabled = detector->enabled();
  if (const auto* source = dynamic_cast<hal::PhotonSource*>(device)) e.light = source->light_level();
  if (auto* attenuator = dynamic_cast<hal::VariableAttenuator*>(device))
    if (const auto now = attenuator->attenuation()) e.attenuation = *now;
  if (const auto* tagger = dynamic_cast<hal::TimeTagger*>(device))
    for (std::size_t k = 0; k < tagger->caps().channels; ++k)
      if (const auto config = tagger->channel(k)) e.thresholds.push_back(config->threshold);
  return e;
}

RigState RigState::of(const hal::Rig& rig) {
  RigState state;
  for (const auto& entry : rig.entries()) state.entries_.push_back(look(entry));
  return state;
}

Result<void> RigState::put_back(std::span<const Volts> thresholds, hal::TimeTagger& tagger) {
  for (std::size_t k = 0; k < thresholds.size(); ++k) {
    auto config = tagger.channel(k);
    if (!config) return std::move(config).error();
    if (config->threshold.value == thresholds[k].value) continue;
    config->threshold = thresholds[k];
    if (auto set = tagger.set_channel(k, *config); !set) return set;
  }
  return {};
}

Result<void> RigState::put_back(const Entry& e, hal::Device& device, const Bench& bench) {
  if (auto* stage = dynamic_cast<hal::RotationStage*>(&device); stage != nullptr && e.position) {
    auto motion = stage->move_absolute(*e.position);
    return motion ? motion->wait(bench.patience()) : Result<void>(std::move(motion).error());
  }
  if (auto* tagger = dynamic_cast<hal::TimeTagger*>(&device)) return put_back(e.thresholds, *tagger);
  if (auto* attenuator = dynamic_cast<hal::VariableAttenuator*>(&device); attenuator != nullptr && e.attenuation)
    return attenuator->set_attenuation(*e.attenuation);
  if (auto* detector = dynamic_cast<hal::Detector*>(&device); detector != nullptr && e.enabled) {
    if (*e.enabled) return detector->enable();
    detector->disable();
  }
  if (auto* shutter = dynamic_cast<hal::Shutter*>(&device); shutter != nullptr && e.open) {
    if (*e.open) return shutter->open();
    shutter->close();
  }
  return {};
}

std::vector<std::string> RigState::restore(hal::Rig& rig, const Bench& bench) const {
  rest(rig);
  std::vector<std::string> failed;
  for (std::size_t i = 0; i < entries_.size() && i < rig.entries().size(); ++i)
    if (auto back = put_back(entries_[i], *rig.entries()[i].device, bench); !back)
      failed.push_back(fmt::format("{} is not back: {}", entries_[i].name, describe(back.error())));
  return failed;
}

hal::State RigState::described() const {
  hal::State state;
  for (const Entry& e : entries_) {
    if (e.position) state[e.name + ".position_deg"] = e.position->degrees();
    if (e.attenuation) state[e.name + ".attenuation_db"] = e.attenuation->value;
    if (e.open) state[e.name + ".open"] = *e.open;
    if (e.enabled) state[e.name + ".enabled"] = *e.enabled;
    if (e.light) state[e.name + ".light"] = std::string(hal::to_string(*e.light));
    for (std::size_t k = 0; k < e.thresholds.size(); ++k)
      state[fmt::format("{}.threshold_{}_v", e.name, k)] = e.thresholds[k].value;
  }
  return state;
}

}  // namespace nicol::calibration
