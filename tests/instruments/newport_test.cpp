// SPDX-License-Identifier: Apache-2.0
// The Newport driver over an emulated controller: the contract, mutants, and a faulty line.
#include <chrono>
#include <cmath>
#include <thread>

#include "drivers/newport/driver.hpp"
#include "sim/emulators/newport.hpp"
#include "tests/hal_contract/fixture.hpp"
#include "tests/support/fake_tty.hpp"
#include "tests/support/wire_words.hpp"

namespace nicol::hal_contract {
namespace {

using sim::Fault;
using sim::FaultKind;
using sim::FaultSide;
using sim::NewportConfig;
using sim::NewportMutant;
using std::chrono::milliseconds;

constexpr double kHaste = 20;  // seconds of the controller in one of the test

struct NewportBench {
  explicit NewportBench(const NewportConfig& config = {})
      : controller(config), tty(controller, options()), driver(newport::driver(hub, timing())) {
    auto device = driver.make({{"port", tty.port()}, {"model", config.baud == 57'600 ? "smc100" : "conex-cc"}});
    if (!device) throw std::runtime_error(describe(device.error()));
    stage.reset(&dynamic_cast<hal::RotationStage&>(*device->release()));
  }
  static test::FakeTty::Options options() {
    test::FakeTty::Options o;
    o.name = "ttyNEW0";
    o.time_scale = kHaste;
    return o;
  }
  static newport::Timing timing() {
    newport::Timing t;
    t.rest_after_silence = milliseconds(200);
    t.look = milliseconds(2);
    t.move_margin = milliseconds(1500);
    t.homing = milliseconds(3000);
    return t;
  }
  void link_becomes(hal::Link link) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (stage->link() != link && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(milliseconds(1));
  }
  void unplug() {
    tty.unplug();
    link_becomes(hal::Link::disconnected);
  }
  void replug() {
    tty.replug("ttyNEW3");
    link_becomes(hal::Link::connected);
  }
  Result<void> finish(Result<hal::Motion> motion) {
    if (!motion) return std::move(motion).error();
    return motion->wait({std::chrono::steady_clock::now() + std::chrono::seconds(5)});
  }
  Result<void> home() { return finish(stage->home(hal::HomeDirection::positive)); }
  Result<void> turn_to(double degrees) { return finish(stage->move_absolute(Angle::degrees(degrees))); }
  double optic() {
    double degrees = 0;
    tty.locked([&] { degrees = controller.angle(tty.now()).degrees(); });
    return degrees;
  }
  std::uint64_t moves() {
    std::uint64_t moves = 0;
    tty.locked([&] { moves = controller.moves(); });
    return moves;
  }
  void plan(FaultKind kind, FaultSide side, std::uint64_t at, std::uint64_t count) {
    tty.set_faults({Fault{kind, side, at, count, {}, 0x40}});
  }

  sim::NewportController controller;
  test::FakeTty tty;
  transport::Hub hub;
  hal::Driver driver;
  std::unique_ptr<hal::RotationStage> stage;
};

Bench contract_bench(const NewportConfig& config) {
  auto own = std::make_shared<NewportBench>(config);
  Bench bench;
  bench.device = own->stage.get();
  bench.unplug = [b = own.get()] { b->unplug(); };
  bench.replug = [b = own.get()] { b->replug(); };
  bench.stall = [b = own.get()] { b->tty.locked([b] { b->controller.stall_next(); }); };
  bench.advance = [](Picoseconds time) {
    std::this_thread::sleep_for(std::chrono::duration<double>(time.seconds() / kHaste));
  };
  bench.because = {{"continuous", "continuous = false (DEVICES.md 1.4: the controller has travel limits)"}};
  bench.keep = std::move(own);
  return bench;
}

/// Its middle is not its zero: a move from one to the other takes time.
NewportConfig conex() {
  NewportConfig config;
  config.negative_limit = -100;
  config.positive_limit = 200;
  return config;
}

NewportConfig smc100() {
  NewportConfig config = conex();
  config.model = "SMC_CC";
  config.baud = 57'600;
  config.stray_zeros = true;
  return config;
}

const Fixture kConex{"ConexCc", [] { return contract_bench(conex()); }};
const Fixture kSmc{"Smc100", [] { return contract_bench(smc100()); }};

INSTANTIATE_TEST_SUITE_P(Newport, DeviceContract, testing::Values(kConex, kSmc), fixture_name);
INSTANTIATE_TEST_SUITE_P(Newport, RotationStageContract, testing::Values(kConex, kSmc), fixture_name);

/// The named case that a mutant must not pass.
Result<void> optic_follows(NewportBench& bench) {
  if (auto ok = bench.home(); !ok) return ok;
  if (auto ok = bench.turn_to(60); !ok) return ok;
  if (std::abs(bench.optic() - 60) < 0.02) return {};
  return Error{Code::motion_fault, "the optic is not where the stage says"};
}

TEST(NewportOptic, StandsWhereItsStageSays) {
  NewportBench bench;
  EXPECT_TRUE(succeeds(optic_follows(bench)));
}

TEST(NewportOptic, OfAMutantIsFoundOut) {
  for (const NewportMutant mutant : {NewportMutant::ignores_moves, NewportMutant::echoes_command}) {
    NewportConfig config;
    config.mutant = mutant;
    NewportBench bench(config);
    EXPECT_EQ(code_of(optic_follows(bench)), Code::motion_fault);
  }
}

TEST(NewportStage, SpeaksAtTheBaudRateOfItsModel) {
  EXPECT_EQ(NewportBench().tty.baud(), 921'600);
  EXPECT_EQ(NewportBench(smc100()).tty.baud(), 57'600);
}

TEST(NewportStage, SaysWhatToDoWhenItIsBlockedAndRecoversByHoming) {
  NewportBench bench;
  ASSERT_TRUE(succeeds(bench.home()));
  bench.tty.locked([&] { bench.controller.stall_next(); });
  const auto moved = bench.turn_to(60);
  ASSERT_EQ(code_of(moved), Code::motion_fault);
  EXPECT_NE(moved.error().message.find("following error"), std::string::npos) << moved.error().message;
  EXPECT_EQ(code_of(bench.turn_to(60)), Code::refused);
  ASSERT_TRUE(succeeds(bench.home()));
  EXPECT_TRUE(succeeds(bench.turn_to(60)));
}

TEST(NewportStage, StopsWhenItIsMadeSafe) {
  NewportBench bench;
  ASSERT_TRUE(succeeds(bench.home()));
  ASSERT_TRUE(succeeds(bench.stage->move_absolute(Angle::degrees(160))));
  bench.stage->safe_state();
  std::this_thread::sleep_for(milliseconds(50));
  const double stopped = bench.optic();
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(bench.optic(), stopped);
  EXPECT_LT(stopped, 150);
}

TEST(NewportStage, LogsNoPosition) {
  NewportBench bench;
  ASSERT_TRUE(succeeds(bench.home()));
  ASSERT_TRUE(succeeds(bench.turn_to(22.5)));
  EXPECT_EQ(test::lines_with_content(bench.hub.log()), std::vector<std::string>());
}

TEST(NewportFaults, PulledCableAtAnyByteEndsTheMove) {
  NewportBench bench;
  for (std::uint64_t at = 0; at < 40; at += 8) {
    ASSERT_TRUE(succeeds(bench.home()));
    const std::uint64_t before = bench.moves();
    bench.plan(FaultKind::unplug, FaultSide::from_device, at, 1);
    EXPECT_EQ(code_of(bench.turn_to(40)), Code::disconnected) << at;
    EXPECT_LE(bench.moves() - before, 1u);
    bench.tty.set_faults({});
    bench.replug();
    EXPECT_EQ(code_of(bench.turn_to(40)), Code::not_homed);
  }
}

TEST(NewportFaults, LostOrDamagedBytesEndInTimeAndMoveOnce) {
  NewportBench bench;
  ASSERT_TRUE(succeeds(bench.home()));
  for (const FaultKind kind : {FaultKind::drop, FaultKind::corrupt, FaultKind::garbage, FaultKind::duplicate}) {
    for (std::uint64_t at = 0; at < 40; at += 9) {
      const std::uint64_t before = bench.moves();
      bench.plan(kind, FaultSide::from_device, at, 1);
      const auto moved = bench.turn_to(at % 2 == 0 ? 10 : 12);
      EXPECT_LE(bench.moves() - before, 1u);
      if (!moved) {
        EXPECT_NE(moved.error().code, Code::internal);
      }
      bench.tty.set_faults({});
      std::this_thread::sleep_for(milliseconds(20));
    }
  }
}

TEST(NewportFaults, CommandThatNeverArrivedIsNotSentAgain) {
  NewportBench bench;
  ASSERT_TRUE(succeeds(bench.home()));
  const std::uint64_t before = bench.moves();
  bench.plan(FaultKind::drop, FaultSide::to_device, 5 + 5, 8);  // "1TP", "1TE", then "1PA40" and its line end
  EXPECT_FALSE(bench.turn_to(400.0 / 10));
  bench.tty.set_faults({});
  EXPECT_LE(bench.moves() - before, 1u);
  EXPECT_TRUE(succeeds(bench.turn_to(20)));
}

TEST(NewportFaults, LateReplyIsNotTakenForTheNextOne) {
  NewportBench bench;
  ASSERT_TRUE(succeeds(bench.home()));
  bench.tty.locked([&] { bench.controller.delay_answers(Picoseconds::seconds(12)); });
  EXPECT_EQ(code_of(bench.stage->status()), Code::timeout);
  bench.tty.locked([&] { bench.controller.delay_answers({}); });
  EXPECT_TRUE(succeeds(bench.turn_to(30)));
  EXPECT_NEAR(bench.stage->status()->position.degrees(), 30, 0.01);
}

TEST(NewportFind, OpensNothingUnlessItMayProbe) {
  sim::NewportController controller;
  test::FakeTty tty(controller, NewportBench::options());
  transport::Hub hub;
  const auto found = newport::driver(hub).find({}, {});
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().at("serial"), "A6XWNB1D");
  EXPECT_EQ(tty.opens(), 0u);
  EXPECT_EQ(newport::driver(hub).find({{"probe", "1"}}, {})->front().at("model"), "CONEX-CC 1.0.0");
}

}  // namespace
}  // namespace nicol::hal_contract
