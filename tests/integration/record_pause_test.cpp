// SPDX-License-Identifier: Apache-2.0
// A block whose light paused is replayed like any other: what was dropped then is dropped again.
#include <gtest/gtest.h>

#include "controller/service/replay.hpp"
#include "tests/integration/pausable_nodes.hpp"

namespace nicol::test {
namespace {

void expect_identical(PausableNodes& nodes) {
  nodes.stop();
  const auto secret = recording::read_seal_key(nodes.link().file("seal.key"));
  for (const char* name : {"alice.recording", "bob.recording"}) {
    const auto report = service::replay(nodes.link().file(name), *secret, {});
    ASSERT_TRUE(report.ok()) << describe(report.error());
    EXPECT_TRUE(report->identical()) << name << ": " << report->departure.value_or("");
    EXPECT_FALSE(report->cut_short) << *report->cut_short;
    ASSERT_EQ(report->keys.size(), 1u);
    EXPECT_TRUE(report->keys[0].identical);
  }
}

template <class Device>
void pull_and_put_back(PausableNodes& nodes, Device& device) {
  nodes.reach_midblock();
  device.unplug();
  nodes.wait_for_state(service::NodeState::paused, service::NodeState::paused);
  device.replug();
  ASSERT_EQ(nodes.result().status, session::BlockStatus::key);
}

PausableNodes::Options recorded() {
  PausableNodes::Options options;
  options.recorded = true;
  return options;
}

TEST(ARecordedPause, OfBobsTaggerIsReplayed) {
  PausableNodes nodes(recorded());
  pull_and_put_back(nodes, nodes.tagger());
  expect_identical(nodes);
}

TEST(ARecordedPause, OfAlicesHeraldsIsReplayed) {
  PausableNodes nodes(recorded());
  pull_and_put_back(nodes, nodes.heralds());
  expect_identical(nodes);
}

TEST(ARecordedPause, OfTheSourceIsReplayed) {
  PausableNodes nodes(recorded());
  pull_and_put_back(nodes, nodes.source());
  expect_identical(nodes);
}

}  // namespace
}  // namespace nicol::test
