// SPDX-License-Identifier: Apache-2.0
// Every state of the protocol times every fault at each of its transfers (USB) or at some of its bytes (serial): each
// call ends in time, says what to do or has worked, nothing is done twice, no light that nobody commanded, and
// afterwards the same command works.
#include <array>
#include <numeric>

#include "tests/instruments/rig_protocol_states.hpp"

namespace nicol::test {
namespace {

using namespace rig_states;
using hal_contract::succeeds;
using sim::Fault;
using sim::FaultKind;
using sim::FaultSide;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kForGood = 1'000'000'000;

// ---- faults ----

struct Trouble {
  const char* name;
  FaultKind kind;
  std::uint64_t count;
};

constexpr std::array<Trouble, 8> kTroubles{{{"Unplug", FaultKind::unplug, 1},
                                            {"Drop", FaultKind::drop, 1},
                                            {"Duplicate", FaultKind::duplicate, 1},
                                            {"Corrupt", FaultKind::corrupt, 1},
                                            {"Late", FaultKind::late, 1},
                                            {"Stall", FaultKind::stall, 1},
                                            {"Garbage", FaultKind::garbage, 1},
                                            {"Silence", FaultKind::drop, kForGood}}};

void expect_advice(const Error& error) {
  EXPECT_NE(error.code, Code::internal) << describe(error);
  const std::string text = describe(error);
  for (const char* advice : {"plug", "check", "switch", "arm", "home", "try again", "update", "close"})
    if (text.find(advice) != std::string::npos) return;
  ADD_FAILURE() << "says not what to do: " << text;
}

/// One board for a whole row: what a fault has left behind meets the next.
class RigMatrix : public testing::TestWithParam<State> {
 protected:
  void walk(RigCable cable, std::span<const Trouble> troubles,
            const std::function<std::vector<std::uint64_t>(const Trouble&)>& places) {
    Bed bed(cable, GetParam().tag_rate);
    ASSERT_TRUE(succeeds(greet(bed)));
    bed.light();  // widens the watchdog: a slow test machine is not the fault that is meant
    for (const Trouble& trouble : troubles)
      for (const FaultSide side : {FaultSide::to_device, FaultSide::from_device})
        for (const std::uint64_t at : places(trouble)) {
          SCOPED_TRACE(std::string(trouble.name) + (side == FaultSide::to_device ? " to" : " from") + " the board at " +
                       std::to_string(at));
          once(bed, GetParam(), {trouble.kind, side, at, trouble.count, Picoseconds::seconds(0.4), 0x40});
          if (HasFatalFailure()) return;
        }
  }

 private:
  void once(Bed& bed, const State& state, const Fault& fault) {
    ASSERT_NO_FATAL_FAILURE(state.prepare(bed));
    bed.rig.set_faults({fault});
    const auto begin = Clock::now();
    const auto result = state.act(bed);
    EXPECT_LT(Clock::now() - begin, 3500ms);
    bed.rig.set_faults({});
    state.check(bed, result ? Outcome::done : Outcome::refused);
    if (!result) expect_advice(result.error());
    recover(bed, fault);
    if (result) return;
    EXPECT_FALSE(bed.rig.bench().emitting()) << "light after a lost session";
    EXPECT_FALSE(bed.rig.bench().shutter_open(0));
    EXPECT_FALSE(bed.rig.bench().detector_on(0));
    again(bed, state);
  }

  void recover(Bed& bed, const Fault& fault) {
    if (fault.kind == FaultKind::unplug) (void)until([&] { return !bed.rig.plugged(); }, 0.1);
    if (!bed.rig.plugged()) {
      const auto lost = [&] { return !bed.keeper || bed.keeper->link() == hal::Link::disconnected; };
      ASSERT_TRUE(until(lost)) << "an unplugged board is not noticed";
      bed.rig.put_back();
    }
    ASSERT_TRUE(until([&] { return bed.keeper || greet(bed).ok(); }));
    ASSERT_TRUE(until([&] { return bed.keeper->link() == hal::Link::connected; })) << "no session after the fault";
  }

  void again(Bed& bed, const State& state) {
    ASSERT_NO_FATAL_FAILURE(state.prepare(bed));
    ASSERT_TRUE(succeeds(state.act(bed))) << "after the fault was over";
    state.check(bed, Outcome::done);
  }
};

std::string name_of(const testing::TestParamInfo<State>& info) { return info.param.name; }

class RigUsbMatrix : public RigMatrix {};

TEST_P(RigUsbMatrix, EndsInTimeDoesNothingTwiceAndGoesOn) {
  walk(RigCable::usb, kTroubles, [](const Trouble& trouble) {
    std::vector<std::uint64_t> places(trouble.count == kForGood ? 1 : GetParam().transfers);
    std::iota(places.begin(), places.end(), std::uint64_t{0});
    return places;
  });
}

INSTANTIATE_TEST_SUITE_P(Each, RigUsbMatrix,
                         testing::Values(kHello, kConfigure, kArm, kEnable, kRun, kChunks, kEnd, kMove, kHome, kStart,
                                         kStop, kTags, kChannel, kShutter, kDetector),
                         name_of);

class RigSerialMatrix : public RigMatrix {};

TEST_P(RigSerialMatrix, EndsInTimeDoesNothingTwiceAndGoesOn) {
  // A stall is silence here already.
  walk(RigCable::serial, std::span(kTroubles).first(7), [](const Trouble& trouble) {
    // A board that is deaf when it is opened is waited for: 3 s, which the USB row does.
    if (trouble.kind == FaultKind::stall && GetParam().act == &greet) return std::vector<std::uint64_t>{};
    const bool ends_the_session = trouble.kind == FaultKind::unplug || trouble.kind == FaultKind::stall;
    return ends_the_session ? std::vector<std::uint64_t>{9} : std::vector<std::uint64_t>{0, 9};
  });
}

INSTANTIATE_TEST_SUITE_P(Each, RigSerialMatrix, testing::Values(kHello, kArm, kChunks, kMove, kStart, kShutter),
                         name_of);

}  // namespace
}  // namespace nicol::test
