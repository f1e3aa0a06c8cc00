// SPDX-License-Identifier: Apache-2.0
// Two whole nodes over a real socket: Bob calibrates with Alice's light, and nobody else can.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "controller/service/node.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/must.hpp"
#include "tests/unit/calibration/drawn_rig.hpp"
#include "tests/unit/calibration/found.hpp"

namespace nicol::service {
namespace {

using namespace std::chrono_literals;
using calibration::Status;
using test::must;

class CalibrationNodes : public testing::Test {
 protected:
  CalibrationNodes() {
    for (const char* key : {"psk", "another"})
      if (const auto written = keystore::write_preshared_key(folder_ / key, {}); !written)
        throw std::runtime_error(describe(written.error()));
  }
  ~CalibrationNodes() override { bob_.reset(), alice_.reset(); }
  std::unique_ptr<Node> node(session::Side side, const char* key) {
    const bool alice = side == session::Side::alice;
    NodeOptions o;
    o.session.side = side;
    o.session.agreement.block_slots = 10'000'000;
    o.session.model.simulated = true;
    o.consent = Consent::given;
    o.peer_role = alice ? PeerRole::listen : PeerRole::connect;
    o.endpoint = {"127.0.0.1", alice ? "0" : std::to_string(alice_->listen_port())};
    o.clicks_per_block = 1 << 18;
    NodeParts parts;
    parts.rig = alice ? rig_.give_alice() : rig_.give_bob();
    parts.store = must(keystore::KeyStore::open(folder_ / (alice ? "alice" : "bob"), folder_ / key, {}));
    parts.random = make_seeded_random(5, alice ? NodeId::alice : NodeId::bob);
    if (!alice) parts.calibrations = must(CalibrationRecords::open(folder_ / "bob", *parts.store));
    return must(Node::create(std::move(o), std::move(parts)));
  }
  void start(const char* his_key = "psk") {
    alice_ = node(session::Side::alice, "psk");
    bob_ = node(session::Side::bob, his_key);
  }
  /// His next report; throws when none comes in time.
  calibration::Report calibrate(std::chrono::seconds patience = 60s) {
    bob_->submit({Command::Kind::calibrate, 0, "polarisation", "test"});
    return report(patience);
  }
  calibration::Report report(std::chrono::seconds patience = 60s) {
    for (const auto until = std::chrono::steady_clock::now() + patience; std::chrono::steady_clock::now() < until;) {
      const auto all = bob_->calibrations_since(seen_, 1);
      if (!all.empty()) {
        seen_ = all.front().sequence;
        return all.front().value;
      }
      std::this_thread::sleep_for(5ms);
    }
    throw std::runtime_error("no report: Bob is " + std::string(to_string(bob_->snapshot()->state)));
  }
  template <class F>
  static bool becomes(F&& f) {
    for (const auto until = std::chrono::steady_clock::now() + 30s; std::chrono::steady_clock::now() < until;
         std::this_thread::sleep_for(5ms))
      if (f()) return true;
    return false;
  }
  bool begins() {
    bob_->submit({Command::Kind::calibrate, 0, "polarisation", "test"});
    return becomes(
        [&] { return alice_->snapshot()->state == NodeState::calibrating && bob_->snapshot()->calibration; });
  }
  bool alice_dark() {
    return becomes([&] {
      const auto* source = rig_.alice().find<hal::PulsedSource>("source");
      const auto shut = rig_.alice().find<hal::Shutter>("shutter")->state();
      return source->light_level() == hal::LightLevel::off && shut && *shut == hal::ShutterState::closed;
    });
  }
  test::Folder folder_;
  calibration::test::DrawnRig rig_{{4, 0.1, 0, {}}};
  std::unique_ptr<Node> alice_, bob_;
  std::uint64_t seen_ = 0;
};

TEST_F(CalibrationNodes, AlignBobsPlatesWithAlicesLight) {
  start();
  const auto report = calibrate();
  EXPECT_EQ(report.status, Status::passed) << report.reason;
  const auto contrast = rig_.contrast();
  EXPECT_GT(std::min(contrast[0], contrast[1]), 0.99);
  EXPECT_TRUE(alice_dark());
  EXPECT_TRUE(becomes([&] { return alice_->snapshot()->state == NodeState::idle; }));
}

TEST_F(CalibrationNodes, CountInTheSlotsThatAlicesTaggerHeralds) {
  start();
  bob_->submit({Command::Kind::calibrate, 0, "photon-number", "test"});
  const auto report = this->report();
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  EXPECT_NEAR(calibration::test::found(report, "g2").value, rig_.scenario().source.g2[0], 0.01);  // of all pulses: two
}

TEST_F(CalibrationNodes, MakeKeyAfterwards) {
  start();
  ASSERT_EQ(calibrate().status, Status::passed);
  bob_->submit({Command::Kind::run, 0, "", "test"});
  alice_->submit({Command::Kind::run, 1, "", "test"});
  ASSERT_TRUE(alice_->wait(60s));
  EXPECT_EQ(alice_->blocks_since(0, 1).front().value.status, session::BlockStatus::key);
}

TEST_F(CalibrationNodes, OpenNoBlockMeanwhile) {
  start();
  ASSERT_TRUE(begins());
  alice_->submit({Command::Kind::run, 1, "", "test"});
  EXPECT_EQ(report().status, Status::passed);
  ASSERT_TRUE(alice_->wait(60s));
  EXPECT_EQ(alice_->blocks_since(0, 9).size(), 1U);
}

TEST_F(CalibrationNodes, CalibrateNothingWithAStranger) {
  start("another");
  bob_->submit({Command::Kind::calibrate, 0, "polarisation", "test"});
  EXPECT_TRUE(becomes([&] { return !bob_->snapshot()->last_error.empty(); }));
  EXPECT_TRUE(bob_->calibrations_since(0, 9).empty());
  EXPECT_NE(alice_->snapshot()->state, NodeState::calibrating);
}

TEST_F(CalibrationNodes, PutBobsPlatesBackWhenTheLinkBreaks) {
  start();
  ASSERT_TRUE(begins());
  alice_->stop();
  const auto report = this->report();
  EXPECT_NE(report.status, Status::passed);
  for (const char* plate : {"compensator-0", "compensator-1", "compensator-2"}) {
    const auto key = fmt::format("own.{}.position_deg", plate);
    const double before = std::get<double>(report.before.at(key));
    EXPECT_NEAR(std::get<double>(report.after.at(key)), before, 0.01) << key;
    const auto now = calibration::RigState::of(rig_.bob()).described();
    EXPECT_NEAR(std::get<double>(now.at(key.substr(4))), before, 0.01) << key;
  }
}

TEST_F(CalibrationNodes, StopWhenTheOperatorSaysSo) {
  start();
  ASSERT_TRUE(begins());
  bob_->submit({Command::Kind::stop, 0, "", "test"});
  const auto report = this->report();
  EXPECT_EQ(report.status, Status::cancelled);
  EXPECT_TRUE(alice_dark());
}

}  // namespace
}  // namespace nicol::service
