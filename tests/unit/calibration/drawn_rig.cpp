// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/calibration/drawn_rig.hpp"

#include <Eigen/Geometry>
#include <cstdlib>
#include <stdexcept>

#include "controller/calibration/compensation.hpp"
#include "tests/support/must.hpp"
#include "tests/unit/calibration/drawn_channel.hpp"

namespace nicol::calibration::test {
namespace {

using nicol::test::must;

constexpr double kDegrees = 180 / std::numbers::pi;

sim::Scenario draw(const DrawnRigOptions& options) {
  sim::Scenario s = sim::load_scenario("emulated").value();
  CounterStream draws({options.seed, NodeId::world, Purpose::test, 77});
  const Eigen::AngleAxisd fibre(draw_fibre(draws));
  for (std::size_t i = 0; i < 3; ++i) {
    s.channel.rotation_deg[i] = fibre.angle() * fibre.axis()[static_cast<Eigen::Index>(i)] * kDegrees;
    s.compensator.offset_deg[i] = 360 * draws.uniform();
    s.compensator.retardance_waves[i] *= 1 + options.retardance_error * draw_normal(draws);
  }
  for (auto& detector : s.receiver.detectors) detector.efficiency *= 1 - options.mismatch * draws.uniform();
  if (options.change) options.change(s);
  return s;
}

}  // namespace

DrawnRig::DrawnRig(const DrawnRigOptions& options) : scenario_(draw(options)) {
  const sim::WorldOptions world{scenario_, options.seed, options.eve, 0, folder_ / "light"};
  kept_alice_ = must(sim::make_alice_rig(world));
  kept_bob_ = must(sim::make_bob_rig(world));
  alice_ = kept_alice_.get(), bob_ = kept_bob_.get();
  for (hal::CompensatorPlate& plate : bob_->compensator) {
    plate.fast_axis_offset = Angle{};  // nobody has told
    plate.retardance_waves = plate.role == "compensator-1" ? 0.5 : 0.25;
    auto& stage = *bob_->find<hal::RotationStage>(plate.role);
    must(must(stage.home(hal::HomeDirection::positive)).wait({}));
  }
  must(alice_->find<hal::PulsedSource>("source")->arm({1}));
}

PlateStack DrawnRig::stack() const {
  PlateStack stack;
  for (std::size_t i = 0; i < 3; ++i)
    stack.retardance[i] = 2 * std::numbers::pi * scenario_.compensator.retardance_waves[i];
  return stack;
}

PlateAngles DrawnRig::axes() {
  PlateAngles axes{};
  for (std::size_t i = 0; i < 3; ++i)
    axes[i] = must(bob_->find<hal::RotationStage>(bob_->compensator[i].role)->status()).position -
              Angle::degrees(scenario_.compensator.offset_deg[i]);
  return axes;
}

Rotation DrawnRig::fibre() const { return turn(Eigen::Vector3d(scenario_.channel.rotation_deg.data()) / kDegrees); }

std::array<double, 2> DrawnRig::contrast() {
  const Rotation whole = rotation(stack(), axes()) * fibre();
  return {whole(0, 0), whole(1, 1)};
}

std::array<double, 2> DrawnRig::best_contrast() { return compensate(stack(), fibre(), axes()).contrast; }

Report run(const Routine& routine, DrawnRig& rig, const Report* last) {
  BenchOptions options;
  options.last = [last](std::string_view) { return last; };
  Bench bench(rig.bob(), rig.alice(), {}, options);
  return perform(routine, bench);
}

}  // namespace nicol::calibration::test
