// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/kill_switch.hpp"

#include <signal.h>

#include <thread>

namespace nicol::test {

void KillSwitch::pull() {
  if (pulled_.exchange(true)) return;
  while (pid_ == 0) std::this_thread::yield();
  ::kill(pid_, SIGKILL);
}

struct OneMoreKey::State {
  std::mutex mutex;  // guards the rest
  std::condition_variable changed;
  bool verdict = false, key = false, at_rest = false;

  /// False when the frame must not pass.
  bool take(FrameType type) {
    const std::lock_guard lock(mutex);
    if (type == FrameType::hello) verdict = false;
    if (type == FrameType::verdict) verdict = true;
    if (type == FrameType::settle_done && verdict) key = true;
    if (type != FrameType::block_open || !key) return true;
    at_rest = true;
    changed.notify_all();
    return false;
  }
};

Line OneMoreKey::line() {
  state_ = std::make_shared<State>();
  return [state = state_](const session::FrameHeader& header, Bytes frame) {
    return state->take(header.type) ? passed(std::move(frame)) : Outgoing{};
  };
}

bool OneMoreKey::wait(std::chrono::milliseconds patience) {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, patience, [&] { return state_->at_rest; });
}

void TwoPrograms::start_both() {
  start(Side::alice);
  start(Side::bob);
}

void TwoPrograms::expect_killed(Side side) {
  const Outcome end = program(side).wait(std::chrono::seconds(30));
  EXPECT_EQ(end.exit, 128 + SIGKILL) << end.err;
  at(side).reset();
}

void TwoPrograms::expect_one_more_key_and_equal_stores() {
  OneMoreKey key;
  link_->proxy().set_line(key.line());
  for (const Side side : {Side::alice, Side::bob})
    if (!at(side)) start(side);
  const bool made = key.wait();
  for (const Side side : {Side::alice, Side::bob}) program(side).kill(SIGTERM);
  for (const Side side : {Side::alice, Side::bob}) {
    const Outcome end = program(side).wait(std::chrono::seconds(10));
    EXPECT_TRUE(made && end.exit == 0) << "exit " << end.exit << "\n" << end.err;
  }
  EXPECT_TRUE(stores_agree(*link_, Compare::keys));
  const auto history = link_->proxy().records();
  EXPECT_TRUE(disjoint(reservations_in(history)));
  EXPECT_TRUE(disjoint(pads_used_in(history)));
}

}  // namespace nicol::test
