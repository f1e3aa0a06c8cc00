// SPDX-License-Identifier: Apache-2.0
// What a driver brings to the conformance suite: how to make one device, and what of the world it can provoke.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>

#include "drivers/hal/device.hpp"
#include "drivers/hal/instruments.hpp"
#include "drivers/hal/motion.hpp"
#include "drivers/hal/photon_source.hpp"
#include "drivers/hal/time_tagger.hpp"

namespace nicol::hal_contract {

/// One fresh, connected device. A case that needs a missing knob, or a capability that is false, is skipped only where
/// `because` says why under its name; without a reason it fails.
struct Bench {
  std::shared_ptr<void> keep;  // owns the device and whatever must outlive it
  hal::Device* device = nullptr;
  std::function<void()> unplug, replug;
  std::function<void(Picoseconds)> advance;    // lets rig time pass
  std::function<void()> stall;                 // stages: the next move stops half-way
  std::function<void(hal::LightLevel)> shine;  // detectors: what falls on them
  std::function<void()> open_interlock, close_interlock;
  std::function<bool()> light_passes;          // sources, shutters: seen from outside, needs no link
  std::function<void(std::size_t)> make_tags;  // taggers: at least so many tags will come
  std::function<void()> provoke_overflow;      // taggers: more tags than the device can hold
  std::function<void(std::size_t, hal::Level)> drive_input;
  /// By knob or capability ("can_abort"): the capability that is false and what says so, e.g. "can_abort = false
  /// (DEVICES.md 0.5: ELL14 has no abort for ma, mr, ho)".
  std::map<std::string, std::string> because = {};
};

struct Fixture {
  std::string name;
  std::function<Bench()> make;
};
inline void PrintTo(const Fixture& fixture, std::ostream* out) { *out << fixture.name; }
inline std::string fixture_name(const testing::TestParamInfo<Fixture>& info) { return info.param.name; }

/// Skips with the fixture's reason where `condition` holds, or fails when it gives none.
#define NICOL_LACKS(condition, name)                                                                     \
  if (condition) {                                                                                       \
    if (bench().because.count(name) == 0) FAIL() << "no reason given for " << (name) << " being absent"; \
    GTEST_SKIP() << bench().because.at(name);                                                            \
  }                                                                                                      \
  static_assert(true)
#define NICOL_NEEDS(knob) NICOL_LACKS(!bench().knob, #knob)

class ContractTest : public testing::TestWithParam<Fixture> {
 protected:
  Bench& bench() { return bench_; }
  hal::Device& device() { return *bench_.device; }
  template <class Kind>
  Kind& as() {
    return dynamic_cast<Kind&>(*bench_.device);
  }
  void pass_time(double seconds) {
    if (bench_.advance) bench_.advance(Picoseconds::seconds(seconds));
  }
  static Deadline soon();  // ten seconds of steady time
  static Deadline past();  // gone already

 private:
  Bench bench_ = GetParam().make();
};

// Every device goes through DeviceContract and through the suite of its kind.
class DeviceContract : public ContractTest {};
class RotationStageContract : public ContractTest {};
class PolarizationControllerContract : public ContractTest {};
class PhotonSourceContract : public ContractTest {};
class PulsedSourceContract : public ContractTest {};
class PumpLaserContract : public ContractTest {};
class TimeTaggerContract : public ContractTest {};
/// Every tagger too, maybe with a smaller FIFO or faster light.
class TaggerOverflowContract : public ContractTest {};
class DetectorContract : public ContractTest {};
class CounterContract : public ContractTest {};
class PowerMeterContract : public ContractTest {};
class AttenuatorContract : public ContractTest {};
class ShutterContract : public ContractTest {};
class TemperatureControllerContract : public ContractTest {};
class DigitalIoContract : public ContractTest {};

template <class T>
Code code_of(const Result<T>& result) {
  EXPECT_FALSE(result.ok()) << "expected a refusal";
  return result.ok() ? Code::internal : result.error().code;
}
template <class T>
testing::AssertionResult succeeds(const Result<T>& result) {
  if (result.ok()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << describe(result.error());
}

}  // namespace nicol::hal_contract
