// SPDX-License-Identifier: Apache-2.0
// The FX2 card's driver while everything goes wrong: no hang, no crash, no tag of a wrong time, an error that helps.
#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/cqt_fx2_bench.hpp"

namespace nicol::hal_contract {
namespace {

using hal::StreamStatus;
using sim::FaultKind;
using sim::FaultSide;
using test::Fx2Bench;
using test::Heard;
using test::seconds_of;
using test::until;

sim::Fx2Options lit(double rate = 2e4) {
  sim::Fx2Options options;
  options.light = sim::poisson_light({rate, rate, rate, rate}, 17);
  return options;
}

bool in_order(const std::vector<hal::TimeTag>& tags) {
  return std::is_sorted(tags.begin(), tags.end(), [](const auto& a, const auto& b) { return a.ticks < b.ticks; });
}

TEST(CqtFx2Faults, ACardThatSaysNothingIsRefusedInTimeWithAWayOut) {
  Fx2Bench bench;
  bench.change([](auto& d) { d.be_silent(true); });
  Result<std::unique_ptr<hal::Device>> made = Error{};
  EXPECT_LT(seconds_of([&] { made = bench.make(); }), 15.0);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, Code::timeout);
  EXPECT_NE(made.error().message.find("firmware"), std::string::npos);
}

TEST(CqtFx2Faults, AMissingPermissionSaysHowToGetIt) {
  test::FakeUsb::Options plug;
  plug.denied = true;
  Fx2Bench bench({}, plug);
  const auto made = bench.make();
  ASSERT_EQ(code_of(made), Code::access_denied);
  EXPECT_NE(describe(made.error()).find("udev"), std::string::npos);
}

TEST(CqtFx2Faults, AnInterfaceInUseIsBusy) {
  test::FakeUsb::Options plug;
  plug.claim_busy = true;
  Fx2Bench bench({}, plug);
  EXPECT_EQ(code_of(bench.make()), Code::busy);
}

TEST(CqtFx2Faults, UnplugWithTransfersFlyingEndsTheStream) {
  Fx2Bench bench(lit());
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  Heard heard;
  heard.listen(*tagger, 20, [&] { return heard.tags.size() > 1000; });
  EXPECT_GE(bench.usb().open_transfers(), 4);
  bench.unplug(*tagger);
  heard.listen(*tagger, 20);
  EXPECT_EQ(heard.last, StreamStatus::disconnected);
  EXPECT_EQ(code_of(tagger->start()), Code::disconnected);
  EXPECT_EQ(code_of(tagger->stop()), Code::disconnected);
  EXPECT_TRUE(in_order(heard.tags));
}

TEST(CqtFx2Faults, ARunCanBeStartedAfterAReplug) {
  Fx2Bench bench(lit());
  const auto tagger = bench.open({{"threshold", "3000"}});
  ASSERT_TRUE(succeeds(tagger->start()));
  bench.unplug(*tagger);
  bench.replug(*tagger, "1-3");
  EXPECT_FALSE(bench.look([](auto& d) { return d.sampling(); })) << "started by itself";
  ASSERT_TRUE(succeeds(tagger->start()));
  EXPECT_EQ(bench.look([](auto& d) { return d.dac(1); }), 3000);
  Heard heard;
  heard.listen(*tagger, 20, [&] { return heard.tags.size() > 1000; });
  EXPECT_GT(heard.tags.size(), 1000u);
}

TEST(CqtFx2Faults, UnplugAtAnyCommandOfAStartIsADisconnect) {
  for (std::uint64_t at = 0; at < 16; at += 3) {
    Fx2Bench bench(lit());
    const auto tagger = bench.open();
    bench.usb().set_faults({{FaultKind::unplug, FaultSide::to_device, at, 1, {}, 0}});
    Result<void> started;
    EXPECT_LT(seconds_of([&] { started = tagger->start(); }), 15.0);
    Heard heard;
    heard.listen(*tagger, 20);
    EXPECT_TRUE(until([&] { return tagger->link() == hal::Link::disconnected; })) << at;
    EXPECT_EQ(code_of(tagger->start()), Code::disconnected);
  }
}

TEST(CqtFx2Faults, UnplugWhileStoppingDoesNotHang) {
  Fx2Bench bench(lit());
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  Heard heard;
  heard.listen(*tagger, 20, [&] { return heard.tags.size() > 500; });
  bench.usb().set_faults({{FaultKind::unplug, FaultSide::to_device, 1, 1, {}, 0}});
  EXPECT_LT(seconds_of([&] { (void)tagger->stop(); }), 15.0);
  EXPECT_TRUE(until([&] { return tagger->link() == hal::Link::disconnected; }));
}

TEST(CqtFx2Faults, AStalledStreamGoesOn) {
  Fx2Bench bench(lit());
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  Heard heard;
  heard.listen(*tagger, 20, [&] { return heard.tags.size() > 1000; });
  bench.usb().stall(0x82);
  const std::size_t before = heard.tags.size();
  heard.listen(*tagger, 20, [&] { return heard.tags.size() > before + 5000; });
  EXPECT_GT(heard.tags.size(), before + 5000);
  EXPECT_TRUE(in_order(heard.tags));
}

TEST(CqtFx2Faults, AStalledCommandEndpointIsCleared) {
  Fx2Bench bench;
  const auto tagger = bench.open();
  bench.usb().stall(0x01);
  EXPECT_EQ(code_of(tagger->start()), Code::protocol);
  EXPECT_TRUE(succeeds(tagger->start()));
}

TEST(CqtFx2Faults, LostPacketsOfTheStreamAreAnIntervalAndTheRunGoesOn) {
  for (const std::size_t missing : {std::size_t{3}, std::size_t{516}}) {
    Fx2Bench bench(lit());
    const auto tagger = bench.open();
    ASSERT_TRUE(succeeds(tagger->start()));
    Heard heard;
    heard.listen(*tagger, 20, [&] { return heard.tags.size() > 2000; });
    EXPECT_TRUE(heard.losses.empty());
    bench.change([&](auto& d) { d.lose_bytes(missing); });
    heard.listen(*tagger, 20, [&] { return !heard.losses.empty(); });
    ASSERT_FALSE(heard.losses.empty()) << missing;
    const std::size_t before = heard.tags.size();
    heard.listen(*tagger, 20, [&] { return heard.tags.size() > before + 2000; });
    EXPECT_GT(heard.tags.size(), before + 2000);
    EXPECT_TRUE(in_order(heard.tags));
    EXPECT_GE(std::get<std::int64_t>(*tagger->read_property("restarts")), 1);
    EXPECT_TRUE(succeeds(tagger->stop()));
  }
}

TEST(CqtFx2Faults, ShortPacketsCutWordsAndNothingIsLost) {
  Fx2Bench bench;
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  Heard heard;
  for (int i = 0; i < 5; ++i) {  // each ends with a flush
    bench.make_tags(37, 1'000'000);
    const std::size_t wanted = heard.tags.size() + 37;
    heard.listen(*tagger, 20, [&] { return heard.tags.size() >= wanted; });
    ASSERT_EQ(heard.tags.size(), wanted);
  }
  EXPECT_TRUE(heard.losses.empty());
}

TEST(CqtFx2Faults, ACommandDamagedOnItsWayIsRefusedByTheCardAndShows) {
  Fx2Bench bench(lit());
  const auto tagger = bench.open();
  bench.usb().set_faults({{FaultKind::corrupt, FaultSide::to_device, 0, 1000, {}, 0x40}});
  const auto tested = tagger->self_test({std::chrono::steady_clock::now() + std::chrono::seconds(5)});
  EXPECT_EQ(code_of(tested), Code::timeout);
  EXPECT_GT(bench.look([](auto& d) { return d.refused(); }), 0u);
  bench.usb().set_faults({});
  EXPECT_TRUE(succeeds(tagger->start()));
}

TEST(CqtFx2Faults, ALateAnswerIsNotTakenForTheNextOne) {
  Fx2Bench bench;
  const auto tagger = bench.open();
  bench.usb().set_faults({{FaultKind::late, FaultSide::from_device, 0, 1, Picoseconds::seconds(0.3), 0}});
  const Deadline soon{std::chrono::steady_clock::now() + std::chrono::seconds(5)};
  EXPECT_EQ(code_of(tagger->self_test(soon)), Code::timeout);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  bench.usb().set_faults({});
  EXPECT_TRUE(succeeds(tagger->self_test(soon)));
}

TEST(CqtFx2Faults, ACardThatFallsSilentIsToldAsALossAndBegunAnew) {
  Fx2Bench bench(lit());
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  Heard heard;
  heard.listen(*tagger, 20, [&] { return heard.tags.size() > 1000; });
  bench.change([](auto& d) { d.be_silent(true); });
  heard.listen(*tagger, 1);
  bench.change([](auto& d) { d.be_silent(false); });
  const std::size_t before = heard.tags.size();
  heard.listen(*tagger, 20, [&] { return heard.tags.size() > before + 2000; });
  EXPECT_GT(heard.tags.size(), before + 2000);
  EXPECT_FALSE(heard.losses.empty());
  EXPECT_TRUE(in_order(heard.tags));
}

TEST(CqtFx2Faults, AStopThatIsNotAnsweredIsBounded) {
  Fx2Bench bench(lit());
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  Heard heard;
  heard.listen(*tagger, 20, [&] { return heard.tags.size() > 500; });
  bench.change([](auto& d) { d.be_silent(true); });
  Result<void> stopped;
  EXPECT_LT(seconds_of([&] { stopped = tagger->stop(); }), 15.0);
  EXPECT_EQ(code_of(stopped), Code::timeout);
  heard.listen(*tagger, 20);
  EXPECT_EQ(heard.last, StreamStatus::stopped);
}

}  // namespace
}  // namespace nicol::hal_contract
