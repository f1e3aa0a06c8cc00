// SPDX-License-Identifier: Apache-2.0
// Two nodes in one thread: real key stores in a temporary folder, two sessions over an in-memory duplex that a test may
// tamper with, fake Deadlines, and light from the link simulator.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "controller/session/frames.hpp"
#include "controller/session/session.hpp"
#include "tests/support/folder.hpp"
#include "tests/unit/session/link_simulator.hpp"

namespace nicol::test {

using session::Bytes;
using session::Direction;
using session::FrameType;
using sifting::Side;

session::FrameHeader header_of(const Bytes& frame);

/// What the line does to one frame: none, one or several frames come out.
using Line = std::function<std::vector<Bytes>(Bytes frame)>;

struct Node {
  session::SessionConfig config;
  std::unique_ptr<keystore::KeyStore> store;
  std::unique_ptr<Random> random;
  std::unique_ptr<session::Session> session;
  std::vector<session::BlockResult> results;
  std::vector<session::EventSettled> settled;
  std::vector<session::EventAlarm> alarms;
  std::vector<session::EventHint> hints;
  std::vector<session::EventPauseLight> pauses;
  std::vector<session::EventPrepareLight> prepares;
  std::vector<session::EventResumeLight> resumes;
  std::vector<session::EventRigReady> answers;
  std::optional<session::EventClosed> closed;
  bool ready = false;
  int light_closed = 0, asked = 0;
};

class TwoNodes {
 public:
  explicit TwoNodes(LinkModel model = {}, std::size_t arena_bytes = std::size_t{1} << 19);

  /// New sessions on both stores (first ends the old connection), run until nothing is on the line.
  void connect();
  void disconnect();
  /// Opens a block and runs until nothing is on the line. Connects first where nobody is connected.
  void run_block();
  void pump();
  /// Lets the longest timeout pass on both sides.
  void let_time_pass();
  /// Closes and reopens a store, as a restart does; disconnects first.
  void restart(Side side, keystore::FaultPoint fault = {});

  /// The node is gone without a word; the other hears that the link is.
  void kill(Side side);
  /// Bob's or Alice's state folder becomes what it was when the test began (a restored backup).
  void set_back(Side side);
  secret::Arena& arena() { return arena_; }
  Node& alice() { return nodes_[0]; }
  Node& bob() { return nodes_[1]; }
  Node& node(Side side) { return nodes_[side == Side::alice ? 0 : 1]; }
  bool connected() const { return connected_; }
  /// Every frame that reached the line, before the line changed it.
  const std::vector<Bytes>& log() const { return log_; }
  std::vector<FrameType> types_seen() const;
  void clear_log() { log_.clear(); }
  void apply(Side from, session::Step step);

  Line line;                                            // empty: a faithful one
  std::function<void(detection::Clicks&)> before_list;  // changes what Bob will announce
  bool drive_light = true;                              // false: the test gives emission and detection itself
  std::function<void(Side, session::Event&)> also;      // sees every event after this has
  FakeDeadlines deadlines;
  LinkModel model;

 private:
  std::filesystem::path folder_of(Side side) const;
  void open_store(Side side, keystore::FaultPoint fault);
  void on_event(Side side, session::Event& event);
  void shine(std::uint64_t index);
  struct Packet {
    Side to;
    Bytes frame;
  };
  Folder folder_;
  secret::Arena arena_;
  std::array<Node, 2> nodes_;
  std::deque<Packet> wire_;
  std::vector<Bytes> log_;
  bool connected_ = false;
};

/// The AVAILABLE keys of both stores have the same ids, check values and bits, and the pools the same ends.
testing::AssertionResult stores_agree(TwoNodes& nodes);
std::size_t available_keys(const keystore::KeyStore& store);

}  // namespace nicol::test
