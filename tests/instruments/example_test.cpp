// SPDX-License-Identifier: Apache-2.0
// The Example Shutter's driver over its emulator: the contract of its kind, and everything that can go wrong.
#include "tests/instruments/example_bench.hpp"

#include <gtest/gtest.h>

namespace nicol::hal_contract {
namespace {

using hal::ShutterState;
using sim::FaultKind;
using sim::FaultSide;
using test::ExampleBench;

const Fixture kShutter{"ExampleShutter", [] { return test::example_contract_bench(); }};
INSTANTIATE_TEST_SUITE_P(Example, DeviceContract, testing::Values(kShutter), fixture_name);
INSTANTIATE_TEST_SUITE_P(Example, ShutterContract, testing::Values(kShutter), fixture_name);

class ExampleShutterDriver : public testing::Test {
 protected:
  hal::Shutter& shutter() { return dynamic_cast<hal::Shutter&>(*device_); }
  /// What the device says from here on, or hears.
  void inject(sim::Fault fault) { bench_.tty().set_faults({fault}); }
  static double seconds_of(const std::function<void()>& f) {
    const auto before = std::chrono::steady_clock::now();
    f();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
  }
  ExampleBench bench_;
  std::unique_ptr<hal::Device> device_ = bench_.open();
};

TEST_F(ExampleShutterDriver, IsFoundByItsDescriptorsAndNothingIsOpened) {
  const auto opens = bench_.tty().opens();
  const auto found = bench_.driver().find({}, {});
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().at("serial"), "EX-0042");
  EXPECT_EQ(bench_.tty().opens(), opens);
}

TEST_F(ExampleShutterDriver, IsKnownByItsSerialNumber) {
  EXPECT_EQ(code_of(bench_.driver().make({{"serial", "EX-9999"}})), Code::not_found);
}

TEST_F(ExampleShutterDriver, TellsAFaultWithItsNumberAndWhatToDo) {
  bench_.look([](auto& e) {
    e.jam();
    return true;
  });
  const auto state = shutter().state();
  ASSERT_EQ(code_of(state), Code::hardware_fault);
  EXPECT_EQ(state.error().native_code, 3);
  EXPECT_NE(state.error().message.find("free the blade"), std::string::npos);
  EXPECT_FALSE(shutter().self_test({})->front().passed);
}

TEST_F(ExampleShutterDriver, ClosesWhileAQuestionWaitsForItsReply) {
  ASSERT_TRUE(succeeds(shutter().open()));
  inject({FaultKind::stall, FaultSide::from_device, 0, 1, {}, 0});
  std::jthread asking([this] { (void)shutter().state(); });
  EXPECT_LT(seconds_of([&] { shutter().safe_state(); }), 0.1);
  bench_.pass(Picoseconds::seconds(1));
  EXPECT_FALSE(bench_.light_passes());
}

TEST_F(ExampleShutterDriver, ClosesWhenTheProgramLetsGoOfIt) {
  ASSERT_TRUE(succeeds(shutter().open()));
  device_.reset();
  EXPECT_TRUE(ExampleBench::until([&] { return !bench_.light_passes(); }));
}

/// Whatever becomes of a reply: an error in time, no wrong state, and the next question is answered.
struct LineFault {
  std::string name;
  sim::Fault fault;
};
class ExampleShutterFault : public ExampleShutterDriver, public testing::WithParamInterface<LineFault> {};

TEST_P(ExampleShutterFault, IsATimeoutAndNoState) {
  inject(GetParam().fault);
  Result<ShutterState> state = ShutterState::unknown;
  EXPECT_LT(seconds_of([&] { state = shutter().state(); }), 1.5);
  ASSERT_EQ(code_of(state), Code::timeout);
  EXPECT_NE(state.error().message.find("is the shutter powered"), std::string::npos);
  bench_.tty().set_faults({});
  (void)shutter().state();  // ends the line that was cut
  EXPECT_EQ(*shutter().state(), ShutterState::closed);
}

INSTANTIATE_TEST_SUITE_P(
    Example, ExampleShutterFault,
    testing::Values(LineFault{"QuestionLost", {FaultKind::drop, FaultSide::to_device, 0, 3, {}, 0}},
                    LineFault{"Silence", {FaultKind::drop, FaultSide::from_device, 0, 7, {}, 0}},
                    LineFault{"CutReply", {FaultKind::drop, FaultSide::from_device, 4, 3, {}, 0}},
                    LineFault{"Garbage", {FaultKind::garbage, FaultSide::from_device, 0, 6, {}, 0}},
                    LineFault{"WrongWord", {FaultKind::corrupt, FaultSide::from_device, 2, 1, {}, 0x20}}),
    [](const auto& fault) { return fault.param.name; });

TEST_F(ExampleShutterDriver, TakesALateReplyNotForTheNextOne) {
  const Picoseconds too_late = Picoseconds::seconds(0.6 * ExampleBench::kHaste);
  inject({FaultKind::late, FaultSide::from_device, 0, 7, too_late, 0});
  EXPECT_EQ(code_of(shutter().state()), Code::timeout);
  ASSERT_TRUE(succeeds(shutter().open()));
  bench_.pass(Picoseconds::seconds(1));
  EXPECT_EQ(*shutter().state(), ShutterState::open) << "not the CLOSED of before";
}

TEST_F(ExampleShutterDriver, SaysDisconnectedWhenItIsUnpluggedWithinAQuestion) {
  inject({FaultKind::unplug, FaultSide::to_device, 1, 1, {}, 0});
  EXPECT_EQ(code_of(shutter().state()), Code::disconnected);
}

TEST_F(ExampleShutterDriver, SaysDisconnectedWhenItIsUnpluggedWithinAReply) {
  inject({FaultKind::unplug, FaultSide::from_device, 3, 1, {}, 0});
  EXPECT_EQ(code_of(shutter().state()), Code::disconnected);
}

TEST_F(ExampleShutterDriver, ComesBackClosedUnderAnotherPortName) {
  ASSERT_TRUE(succeeds(shutter().open()));
  bench_.unplug(*device_);
  bench_.replug(*device_, "ttyUSB3");
  EXPECT_EQ(device_->info().port, "/dev/ttyUSB3");
  EXPECT_EQ(*shutter().state(), ShutterState::closed);
}

TEST_F(ExampleShutterDriver, SendsNoMoveTwice) {
  inject({FaultKind::stall, FaultSide::from_device, 0, 1, {}, 0});
  ASSERT_TRUE(succeeds(shutter().open()));
  EXPECT_EQ(code_of(shutter().state()), Code::timeout);
  EXPECT_EQ(bench_.moves(), 1u);
}

TEST(ExampleShutterMake, RefusesAPortWhereNothingAnswers) {
  ExampleBench bench;
  bench.tty().set_faults({{FaultKind::stall, FaultSide::from_device, 0, 1, {}, 0}});
  const auto made = bench.driver().make({{"port", bench.tty().port()}});
  ASSERT_EQ(code_of(made), Code::not_found);
  EXPECT_NE(describe(made.error()).find("is the shutter powered"), std::string::npos);
}

}  // namespace
}  // namespace nicol::hal_contract
