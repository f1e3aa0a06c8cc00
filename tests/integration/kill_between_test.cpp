// SPDX-License-Identifier: Apache-2.0
// A node that dies between a durable write and the frame that tells of it: for each such pair of a block and of a
// settlement. Where the write ends is learnt from the same run without a kill.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <map>
#include <sstream>
#include <thread>

#include "tests/integration/kill_switch.hpp"

namespace nicol::test {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr Side A = Side::alice, B = Side::bob;

enum class Start : std::uint8_t { at_rest, with_a_key_in_doubt };
struct Gap {
  Side victim;
  FrameType frame;  // the first of this type is not sent any more
  Start start = Start::at_rest;
};
const Gap kGaps[] = {
    {A, FrameType::block_open},      // pads reserved, key id remembered
    {B, FrameType::block_ready},     // reservation accepted
    {B, FrameType::detections},      // pad of D taken
    {A, FrameType::bases},           // pad of D taken to verify it
    {A, FrameType::transcript_tag},  // pad taken
    {B, FrameType::accept_tag},      // key PENDING, pad taken
    {A, FrameType::verdict},         // key AVAILABLE, verdict remembered, pad taken
    {B, FrameType::settle_done},     // key AVAILABLE
    {B, FrameType::settle_query, Start::with_a_key_in_doubt},
    {A, FrameType::settle_answer, Start::with_a_key_in_doubt},
    {B, FrameType::settle_done, Start::with_a_key_in_doubt},
};

/// Where a victim must die, as NICOL_FAULT takes it, and after how many commitments.
struct Place {
  std::string point;
  std::size_t commitments = 0;
};

/// Points of writes that must be durable before something is sent: wiping comes after, and depends on history.
bool is_commitment(const std::string& point) { return point.starts_with("marks.") || point.starts_with("key"); }

Place last_commitment(const std::filesystem::path& file) {
  std::istringstream log(read_file(file));
  std::map<std::string, int> counts;
  Place place;
  for (std::string point; std::getline(log, point);) {
    if (!is_commitment(point)) continue;
    ++place.commitments;
    place.point = point + ":" + std::to_string(++counts[point]);
  }
  return place;
}

/// Reads the victim's log when the frame comes by: what is in it happened before the frame was sent.
class Probe {
 public:
  Probe(const Gap& gap, std::filesystem::path log) : gap_(gap), log_(std::move(log)) {}
  Line line() {
    return [this](const session::FrameHeader& header, Bytes frame) {
      if (!found_ && header.type == gap_.frame) {
        place_ = last_commitment(log_);
        found_ = true;
      }
      return passed(std::move(frame));
    };
  }
  bool found() const { return found_; }
  const Place& place() const { return place_; }

 private:
  Gap gap_;
  std::filesystem::path log_;
  Place place_;
  std::atomic<bool> found_{false};
};

class BetweenAWriteAndItsFrame : public testing::TestWithParam<Gap> {
 protected:
  static void SetUpTestSuite() { link_ = new LinkUnderTest; }
  static void TearDownTestSuite() {
    delete link_;
    link_ = nullptr;
  }
  /// One block with key; both nodes end by themselves, nothing is left to settle or to confirm.
  void run_to_rest() {
    Program alice = link_->start(A, {"--blocks", "1"}), bob = link_->start(B, {"--blocks", "1"});
    const Outcome at_alice = alice.wait(kPatience), at_bob = bob.wait(kPatience);
    ASSERT_EQ(at_alice.exit, 0) << at_alice.err;
    ASSERT_EQ(at_bob.exit, 0) << at_bob.err;
  }
  void prepare() {
    link_->proxy().set_line({});
    run_to_rest();
    if (GetParam().start == Start::at_rest) return;
    KillSwitch killing;
    link_->proxy().set_line(on_first(FrameType::verdict, [&](const session::FrameHeader&, const Bytes&) {
      killing.pull();
      return Outgoing{};
    }));
    TwoPrograms nodes(*link_);
    nodes.start_both();
    killing.aim(nodes.program(B).pid());
    nodes.expect_killed(B);
    nodes.program(A).kill(SIGKILL);
    nodes.expect_killed(A);
  }
  std::vector<std::string> log_to(const std::filesystem::path& file) {
    std::filesystem::remove(file);
    return {"NICOL_FAULT_LOG=" + file.string()};
  }
  Place probe() {
    Probe probe(GetParam(), log_);
    link_->proxy().set_line(probe.line());
    TwoPrograms nodes(*link_);
    nodes.start(other(GetParam().victim));
    nodes.start_mortal(GetParam().victim, log_to(log_));
    for (int i = 0; i < 300 && !probe.found(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_TRUE(probe.found());
    nodes.expect_one_more_key_and_equal_stores();
    return probe.place();
  }
  static inline LinkUnderTest* link_ = nullptr;
  const std::filesystem::path log_ = link_->file("points.log");
};

TEST_P(BetweenAWriteAndItsFrame, ADeathCostsNoPadTwiceAndTheNextBlockMakesKey) {
  const Gap gap = GetParam();
  prepare();
  const Place place = probe();
  ASSERT_FALSE(place.point.empty());
  prepare();
  Sightings seen;
  link_->proxy().set_line(seen.noting());
  TwoPrograms nodes(*link_);
  nodes.start(other(gap.victim));
  auto environment = log_to(log_);
  environment.push_back("NICOL_FAULT=" + place.point);
  nodes.start_mortal(gap.victim, environment);
  nodes.expect_killed(gap.victim);
  EXPECT_EQ(last_commitment(log_).commitments, place.commitments);
  EXPECT_EQ(seen.count(gap.frame), 0U);
  nodes.expect_one_more_key_and_equal_stores();
}

INSTANTIATE_TEST_SUITE_P(KillNine, BetweenAWriteAndItsFrame, testing::ValuesIn(kGaps), [](const auto& p) {
  return std::string(p.param.victim == A ? "Alice_" : "Bob_") + std::string(session::to_string(p.param.frame)) +
         (p.param.start == Start::at_rest ? "" : "_of_a_settlement");
});

}  // namespace
}  // namespace nicol::test
