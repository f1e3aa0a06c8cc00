// SPDX-License-Identifier: Apache-2.0
// A node stops at any boundary of any durable write, as if killed there: after the restart no bit was used twice, no
// key differs under one id, nothing stays in doubt, and the next block makes key.
#include <gtest/gtest.h>

#include <algorithm>

#include "controller/session/messages.hpp"
#include "tests/unit/session/tampering.hpp"

namespace nicol::test {
namespace {

struct Killed {};

/// Stops the node at the n-th boundary it passes (counted from 0) once armed.
struct Killer {
  std::size_t at = 0, seen = 0;
  bool armed = false, fired = false;
  keystore::FaultPoint point() {
    return [this](std::string_view) {
      if (!armed || fired || seen++ != at) return;
      fired = true;
      throw Killed{};
    };
  }
};

/// Every interval of the authentication pools that a BLOCK_OPEN on the line ever announced.
std::vector<keystore::Interval> announced(const TwoNodes& nodes, keystore::Interval session::BlockOpen::*pool) {
  std::vector<keystore::Interval> out;
  for (const Bytes& frame : nodes.log()) {
    if (header_of(frame).type != FrameType::block_open) continue;
    const auto body = std::span(frame).subspan(session::kHeaderBytes + 16);
    out.push_back((*session::decode_block_open(body.first(body.size() - 32))).*pool);
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
  return out;
}

bool disjoint(const std::vector<keystore::Interval>& sorted) {
  for (std::size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i].begin < sorted[i - 1].end) return false;
  return true;
}

void expect_unharmed(TwoNodes& nodes, std::size_t at) {
  EXPECT_EQ(nodes.alice().results.back().status, session::BlockStatus::key)
      << "boundary " << at << ": " << nodes.alice().results.back().detail;
  EXPECT_TRUE(disjoint(announced(nodes, &session::BlockOpen::auth_ab))) << at;
  EXPECT_TRUE(disjoint(announced(nodes, &session::BlockOpen::auth_ba))) << at;
  EXPECT_EQ(nodes.alice().store->marks(), nodes.bob().store->marks()) << at;
  EXPECT_TRUE(stores_agree(nodes)) << "boundary " << at;
}

/// Runs a block with the node killed at boundary `at`; true while there was such a boundary.
bool survives(Side victim, std::size_t at) {
  LinkModel small;
  small.slots = 20'000;
  TwoNodes nodes(small);
  Killer killer{.at = at};
  nodes.restart(victim, killer.point());
  nodes.connect();
  killer.armed = true;
  try {
    nodes.run_block();
  } catch (const Killed&) {
    nodes.kill(victim);
  }
  if (!killer.fired) return false;
  nodes.restart(victim);
  nodes.run_block();
  expect_unharmed(nodes, at);
  return true;
}

/// The same with a key in doubt, the node killed while it is settled.
bool settles(Side victim, std::size_t at) {
  LinkModel small;
  small.slots = 20'000;
  TwoNodes nodes(small);
  nodes.line = cut_from(FrameType::verdict);
  nodes.run_block();
  nodes.line = {};
  Killer killer{.at = at};
  nodes.restart(victim, killer.point());
  killer.armed = true;
  try {
    nodes.connect();
  } catch (const Killed&) {
    nodes.kill(victim);
  }
  if (!killer.fired) return false;
  nodes.restart(victim);
  nodes.run_block();
  expect_unharmed(nodes, at);
  return true;
}

#ifndef NICOL_CRASH_STRIDE
#define NICOL_CRASH_STRIDE 7  // every boundary in the long run
#endif
constexpr std::size_t kStride = NICOL_CRASH_STRIDE;

TEST(SessionCrash, OfAliceAnywhereCostsAtMostTheBlock) {
  std::size_t at = 0;
  while (survives(Side::alice, at)) at += kStride;
  EXPECT_GT(at, 20U);
}

TEST(SessionCrash, OfBobAnywhereCostsAtMostTheBlock) {
  std::size_t at = 3;
  while (survives(Side::bob, at)) at += kStride;
  EXPECT_GT(at, 20U);
}

TEST(SessionCrash, OfEitherSideInASettlementLeavesItToBeSettled) {
  for (const Side victim : {Side::alice, Side::bob}) {
    std::size_t at = 0;
    while (settles(victim, at)) at += kStride;
    EXPECT_GT(at, 6U);
  }
}

}  // namespace
}  // namespace nicol::test
