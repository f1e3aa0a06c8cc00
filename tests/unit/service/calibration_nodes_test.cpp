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
  CalibrationNodes() : CalibrationNodes({4, 0.1, 0, {}}) {}
  explicit CalibrationNodes(const calibration::test::DrawnRigOptions& rig) : rig_(rig) {
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
    parts.calibration_policy = policy_;
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
  /// What he has on disk before he starts.
  void had(const calibration::Report& report, std::int64_t when) {
    auto store = must(keystore::KeyStore::open(folder_ / "bob", folder_ / "psk", {}));
    auto records = must(CalibrationRecords::open(folder_ / "bob", *store));
    must(records.add(report, "a rig", when));
  }
  /// Of both; ends when all reports are in.
  std::vector<calibration::Report> calibrate(const std::string& names, std::size_t count) {
    bob_->submit({Command::Kind::calibrate, 0, names, "test"});
    std::vector<calibration::Report> all;
    while (all.size() < count) all.push_back(report());
    return all;
  }
  static const Alarm* alarm(const Snapshot& s, std::string_view name) {
    const auto it = std::ranges::find(s.alarms, name, &Alarm::name);
    return it == s.alarms.end() ? nullptr : &*it;
  }
  session::BlockResult block() {
    bob_->submit({Command::Kind::run, 0, "", "test"});
    alice_->submit({Command::Kind::run, 1, "", "test"});
    if (!alice_->wait(60s)) throw std::runtime_error("no block");
    if (!becomes([&] { return !bob_->blocks_since(0, 1).empty(); })) throw std::runtime_error("no block at Bob");
    return bob_->blocks_since(0, 1).front().value;
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
  calibration::test::DrawnRig rig_;
  CalibrationPolicy policy_;
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
  EXPECT_TRUE(becomes([&] { return alarm(*bob_->snapshot(), kPeerRefused) != nullptr; }));
  EXPECT_EQ(bob_->snapshot()->calibrations_over, 0U);
}

TEST_F(CalibrationNodes, NameTheirRecordsInTheKeysMadeNext) {
  start();
  ASSERT_EQ(calibrate().status, Status::passed);
  const auto made = block();
  ASSERT_TRUE(made.length.has_value());
  EXPECT_TRUE(std::ranges::any_of(
      made.length->notes, [](const std::string& note) { return note.starts_with("calibration polarisation "); }));
}

TEST_F(CalibrationNodes, FailOutsideTheLimitsAndPutThePlatesBack) {
  policy_.limits.push_back({"visibility.rectilinear", 0.9999, {}, "1", CalibrationLimit::Missing::fails});
  start();
  const auto report = calibrate();
  EXPECT_EQ(report.status, Status::failed);
  EXPECT_NE(report.reason.find("the least allowed is 0.9999"), std::string::npos) << report.reason;
  const auto key = std::string("own.compensator-0.position_deg");
  EXPECT_NEAR(std::get<double>(report.after.at(key)), std::get<double>(report.before.at(key)), 0.01);
}

TEST_F(CalibrationNodes, CancelWhatDoesNotEndInItsTime) {
  start();
  bob_->submit({Command::Kind::calibrate, 0, "polarisation", "test", std::chrono::seconds(0)});
  const auto report = this->report();
  EXPECT_EQ(report.status, Status::cancelled);
  EXPECT_NE(report.reason.find("time for all routines is up"), std::string::npos) << report.reason;
  EXPECT_TRUE(becomes([&] { return bob_->snapshot()->calibrations_over == 1; }));
}

TEST_F(CalibrationNodes, SayAtStartWhatIsStale) {
  calibration::Report old;
  old.routine = "polarisation", old.status = Status::passed;
  had(old, 1'000'000);
  start();
  ASSERT_TRUE(becomes([&] { return alarm(*bob_->snapshot(), "calibration-stale") != nullptr; }));
  EXPECT_TRUE(alarm(*bob_->snapshot(), "calibration-stale")->what.starts_with("polarisation is "));
  ASSERT_EQ(calibrate().status, Status::passed);
  EXPECT_TRUE(becomes([&] { return alarm(*bob_->snapshot(), "calibration-stale") == nullptr; }));
}

/// One detector sees a fifth less than its neighbour.
class UnlikeDetectors : public CalibrationNodes {
 protected:
  UnlikeDetectors()
      : CalibrationNodes(calibration::test::DrawnRigOptions{
            4, 0, 0, {}, [](sim::Scenario& s) { s.receiver.detectors[0].efficiency *= 0.8; }}) {}
  /// The last record says that they were alike.
  void were_alike() {
    calibration::Report r;
    r.routine = "efficiency-mismatch", r.status = Status::passed;
    for (const char* basis : {"rectilinear", "diagonal"}) {
      r.fitted.push_back({fmt::format("mismatch.{}", basis), 0.001, 0.003, "1"});
      r.fitted.push_back({fmt::format("mismatch.{}.upper", basis), 0.011, 0, "1"});
    }
    r.result["model.efficiency_mismatch"] = 0.011;
    r.result["model.basis_independent_detection"] = true;
    had(r, 1'000'000);
  }
};

TEST_F(UnlikeDetectors, RaiseAnAlarmThatStaysUntilSomebodyHasSeenIt) {
  were_alike();
  start();
  ASSERT_EQ(calibrate("polarisation,efficiency-mismatch", 2).back().status, Status::passed);
  ASSERT_TRUE(becomes([&] { return alarm(*bob_->snapshot(), "efficiency-mismatch-grown") != nullptr; }));
  EXPECT_EQ(alarm(*bob_->snapshot(), "efficiency-mismatch-grown")->severity, Severity::critical);
  bob_->submit({Command::Kind::acknowledge, 0, "efficiency-mismatch-grown", "test"});
  EXPECT_TRUE(becomes([&] { return alarm(*bob_->snapshot(), "efficiency-mismatch-grown") == nullptr; }));
}

TEST_F(UnlikeDetectors, MakeNoKeyWithoutAProofFromTheNextBlockOn) {
  were_alike();
  start();
  ASSERT_EQ(calibrate("polarisation,efficiency-mismatch", 2).back().status, Status::passed);
  const auto made = block();
  EXPECT_EQ(made.status, session::BlockStatus::no_key);
  EXPECT_EQ(made.reason, session::BlockReason::no_proof);
}

TEST_F(UnlikeDetectors, BelieveTheLargerMismatchThoughItFailedTheLimits) {
  policy_.limits.push_back({"mismatch.rectilinear.upper", {}, 0.05, "1", CalibrationLimit::Missing::fails});
  were_alike();
  start();
  ASSERT_EQ(calibrate("polarisation,efficiency-mismatch", 2).back().status, Status::failed);
  EXPECT_EQ(block().reason, session::BlockReason::no_proof);
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
