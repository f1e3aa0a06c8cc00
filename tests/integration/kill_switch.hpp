// SPDX-License-Identifier: Apache-2.0
// For tests that kill a node by SIGKILL while the man in the middle holds a frame, and then want a key from the link.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <optional>

#include "tests/integration/link_under_test.hpp"

namespace nicol::test {

inline Side other(Side side) { return side == Side::alice ? Side::bob : Side::alice; }

/// Kills once, from the proxy's thread.
class KillSwitch {
 public:
  /// The process to kill; pull() waits for it.
  void aim(pid_t pid) { pid_ = pid; }
  void pull();
  bool pulled() const { return pulled_; }

 private:
  std::atomic<pid_t> pid_{0};
  std::atomic<bool> pulled_{false};
};

/// Lets one block become key, then holds the next BLOCK_OPEN: both stores are at rest when wait() returns true.
class OneMoreKey {
 public:
  Line line();
  bool wait(std::chrono::milliseconds patience = std::chrono::seconds(30));

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Both nodes as endless programs on one link, and what must hold however they were killed.
class TwoPrograms {
 public:
  explicit TwoPrograms(LinkUnderTest& link) : link_(&link) {}
  LinkUnderTest& link() { return *link_; }
  void start_both();
  void start(Side side) { at(side).emplace(link_->start(side)); }
  void start_mortal(Side side, std::vector<std::string> environment) {
    at(side).emplace(link_->start_mortal(side, {}, std::move(environment)));
  }
  Program& program(Side side) { return *at(side); }
  /// Waits for its end, which must have come by SIGKILL.
  void expect_killed(Side side);
  /// The next block makes key; both end on SIGTERM; no pad ever served twice; both stores hold the same keys.
  void expect_one_more_key_and_equal_stores();

 private:
  std::optional<Program>& at(Side side) { return side == Side::alice ? alice_ : bob_; }
  LinkUnderTest* link_;
  std::optional<Program> alice_, bob_;
};

}  // namespace nicol::test
