// SPDX-License-Identifier: Apache-2.0
// Both nodes in this process on simulated light, a tap on the wire between them, and Eve's notebook: what a bystander
// and a God's eye may know of a run.
#pragma once

#include <vector>

#include "controller/service/node.hpp"
#include "sim/eve/eve.hpp"
#include "sim/scenario/scenario.hpp"
#include "tests/integration/captured_block.hpp"
#include "tests/integration/program.hpp"
#include "tests/support/proxy.hpp"

namespace nicol::test {

struct LinkRunOptions {
  sim::Scenario scenario;
  sim::EveOptions eve;
  std::uint64_t seed = 1, blocks = 1;
};

struct LinkRun {
  std::vector<session::BlockResult> alice, bob;
  std::vector<WireFrame> frames;    // both directions, as they passed
  std::vector<sim::EveNote> notes;  // empty without Eve
  /// Key bits on both sides, disclosed to the test alone: delivery part of each key in order of creation.
  std::vector<secret::PublicBits> alice_keys, bob_keys;
  std::vector<keystore::Split> splits;
};

/// Two nodes over a tapped wire, alive: state, pre-shared key and light in `folder`.
class LiveLink {
 public:
  LiveLink(const LinkRunOptions& options, const Folder& folder);
  ~LiveLink();
  LiveLink(const LiveLink&) = delete;
  LiveLink& operator=(const LiveLink&) = delete;
  /// Until both have done so many blocks; std::runtime_error when they do not end in time.
  void run(std::uint64_t blocks);
  void stop();
  service::Node& alice() { return *alice_; }
  service::Node& bob() { return *bob_; }
  std::vector<WireFrame> frames() const;
  std::vector<sim::EveNote> notes() const {
    return notebook_ == nullptr ? std::vector<sim::EveNote>() : notebook_->notes;
  }

 private:
  const sim::EveRecord* notebook_ = nullptr;
  std::unique_ptr<service::Node> alice_, bob_;
  std::unique_ptr<FrameProxy> tap_;
};

/// std::runtime_error when a node cannot start or the run does not end in time.
LinkRun run_link(const LinkRunOptions& options);

/// `teaching` with blocks of about so many sifted bits (both bases).
sim::Scenario small_teaching(double sifted_bits);

}  // namespace nicol::test
