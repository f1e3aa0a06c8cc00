// SPDX-License-Identifier: Apache-2.0
// Two whole nodes on paced simulated light in this process, and a hand on every cable.
#pragma once

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>

#include "controller/service/node.hpp"
#include "sim/devices/detector.hpp"
#include "sim/devices/four_state_source.hpp"
#include "sim/devices/herald_tagger.hpp"
#include "sim/devices/receiver_tagger.hpp"
#include "tests/integration/link_under_test.hpp"
#include "tests/support/must.hpp"

namespace nicol::test {

class PausableNodes {
 public:
  static constexpr std::uint64_t kSlots = 15'000'000;
  struct Options {
    service::Consent consent = service::Consent::given;
    std::chrono::milliseconds pause_patience{60'000};
    std::string scenario = {};  // more lines for the table [channel]
    bool recorded = false;      // into link().file("alice.recording"), …, sealed by seal.key
  };
  PausableNodes() : PausableNodes(Options{}) {}
  explicit PausableNodes(const Options& options);

  service::Node& alice() { return *alice_; }
  service::Node& bob() { return *bob_; }
  service::Node& of(Side side) { return side == Side::alice ? *alice_ : *bob_; }
  sim::FourStateSource& source() { return *source_; }
  sim::HeraldTagger& heralds() { return *heralds_; }
  sim::ReceiverTagger& tagger() { return *tagger_; }
  sim::Motor& plate() { return *plate_; }
  sim::Detector& detector() { return *detector_; }
  LinkUnderTest& link() { return link_; }
  /// Bob's first detector is on, or has counted.
  bool eyes_were_open() const { return detector_->enabled() || tagger_->click_rate(0).value > 0; }

  void open_block() { alice_->submit({service::Command::Kind::run, 1, "", "test"}); }
  /// A block is open and a good part of it is detected.
  void reach_midblock();
  /// Generous: what decides is that it comes, not when.
  template <class F>
  void wait_for(const std::string& what, F&& true_now) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (!true_now()) {
      if (std::chrono::steady_clock::now() > until) throw std::runtime_error("no " + what + "; " + states());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  void wait_for_state(service::NodeState alice, service::NodeState bob);
  /// The block that Alice finished last, once all are that she was told to make.
  session::BlockResult result();
  std::size_t blocks(Side side) { return of(side).blocks_since(0, 1024).size(); }
  bool has_alarm(Side side, const std::string& name);
  std::string advice(Side side, const std::string& name);
  /// Unreserved bits of Alice's authentication pools.
  std::uint64_t pads();
  /// Both stores closed.
  void stop();

 private:
  static constexpr std::chrono::seconds kPatience{180};
  static LinkUnderTest::Options block_of(std::uint64_t slots);
  std::unique_ptr<service::Node> node(Side side, const Options& options);
  Result<std::unique_ptr<recording::Writer>> record(Side side);
  void note_devices(const hal::Rig& rig);
  std::string states() const;

  LinkUnderTest link_;
  sim::FourStateSource* source_ = nullptr;
  sim::HeraldTagger* heralds_ = nullptr;
  sim::ReceiverTagger* tagger_ = nullptr;
  sim::Motor* plate_ = nullptr;
  sim::Detector* detector_ = nullptr;
  std::unique_ptr<service::Node> alice_, bob_;
};

/// One block came, with a key and few errors, and both stores agree; ends the nodes.
void expect_good_key(PausableNodes& nodes);

}  // namespace nicol::test
