// SPDX-License-Identifier: Apache-2.0
#include "controller/service/recorded_facts.hpp"

#include <gtest/gtest.h>

namespace nicol {
namespace {

using service::NodeFacts;

NodeFacts some_facts() {
  NodeFacts f;
  f.side = session::Side::bob;
  f.clicks_per_block = 1 << 20;
  f.arena_bytes = 1 << 16;
  f.receiver = hal::ReceiverKind::active;
  f.tick = {1000, 256};
  f.timing.slot_period = Picoseconds{20'000};
  f.timing.sync_divider = 64;
  f.timing.gate_width = Picoseconds{2'000};
  f.timing.blind_time = Picoseconds{45'000};
  f.timing.channels = {{1, hal::ChannelRole::detector, 1, 0, Picoseconds{-700}, {}},
                       {9, hal::ChannelRole::sync, 0, 0, Picoseconds{0}, {}}};
  f.digest_key[3] = 77;
  return f;
}

std::string refusal(const NodeFacts& facts) {
  const auto read = service::decode_node_facts(service::encode(facts));
  return read ? std::string() : read.error().message;
}

TEST(RecordedNode, ComesBackAsItWas) {
  const NodeFacts f = some_facts();
  const auto read = service::decode_node_facts(service::encode(f));
  ASSERT_TRUE(read.ok()) << describe(read.error());
  EXPECT_EQ(service::encode(*read), service::encode(f));
  EXPECT_EQ(read->timing.channels[0].delay.count, -700);
  EXPECT_EQ(read->tick.den, 256u);
}

TEST(RecordedNode, IsRefusedByTheNameOfItsField) {
  NodeFacts f = some_facts();
  f.tick.den = 0;
  EXPECT_EQ(refusal(f), "node, tick: out of its range");
  f = some_facts();
  f.timing.slot_period = Picoseconds{0};
  EXPECT_EQ(refusal(f), "node, slot period: out of its range");
  f = some_facts();
  f.timing.sync_divider = 0;
  EXPECT_EQ(refusal(f), "node, sync divider: out of its range");
  f = some_facts();
  f.clicks_per_block = std::uint64_t{1} << 40;
  EXPECT_EQ(refusal(f), "node, clicks a block: out of its range");
}

TEST(RecordedNode, IsRefusedWhenBytesAreMissingOrLeftOver) {
  auto bytes = service::encode(some_facts());
  bytes.push_back(0);
  EXPECT_FALSE(service::decode_node_facts(bytes).ok());
  for (std::size_t n = 0; n + 1 < bytes.size(); ++n)
    EXPECT_FALSE(service::decode_node_facts(std::span(bytes).first(n)).ok()) << n;
}

TEST(RecordedSession, ComesBackAsItWas) {
  session::SessionConfig c;
  c.side = session::Side::bob;
  c.agreement.block_slots = 12345;
  c.agreement.p_bob_diagonal = 0.25;
  c.model.g2 = 0.01;
  c.pause_patience = std::chrono::milliseconds(777);
  c.blocks_before = 6;
  c.failed_before = 2;
  const auto read = service::decode_session_config(service::encode(c));
  ASSERT_TRUE(read.ok()) << describe(read.error());
  EXPECT_EQ(service::encode(*read), service::encode(c));
  EXPECT_EQ(read->pause_patience, c.pause_patience);
  EXPECT_EQ(read->blocks_before, 6u);
}

TEST(RecordedSession, IsRefusedWhereverItIsCut) {
  const auto bytes = service::encode(session::SessionConfig{});
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(service::decode_session_config(std::span(bytes).first(n)).ok()) << n;
}

}  // namespace
}  // namespace nicol
