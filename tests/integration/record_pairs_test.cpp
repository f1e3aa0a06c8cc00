// SPDX-License-Identifier: Apache-2.0
// Nodes that share pairs, recorded by nicol and replayed by this program, which holds no simulator: what each measured,
// what she told him and which pairs he found come out again, bit for bit.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/detection/pairs/block_matcher.hpp"
#include "controller/service/recorded_facts.hpp"
#include "controller/session/messages.hpp"
#include "tests/integration/program.hpp"
#include "tests/integration/recorded_run.hpp"
#include "tests/support/recording_editor.hpp"

namespace nicol::test {
namespace {

using nlohmann::json;
using recording::Entry;

/// Two blocks of each scenario, recorded once for all tests.
struct RecordedRun {
  Folder folder;
  Outcome outcome;
  explicit RecordedRun(const std::string& scenario) {
    outcome = nicol({"run", "--scenario", scenario, "--blocks", "2", "--seed", "3", "--json", "--record",
                     (folder / "recording").string()});
    EXPECT_EQ(outcome.exit, 0) << outcome.err;
  }
  std::filesystem::path file(const std::string& node) const { return folder / "recording" / node; }
  recording::SealSecret key() const { return key_of(folder / "recording"); }
  json document() const { return json::parse(outcome.out); }
};

const RecordedRun& run_of(const std::string& scenario) {
  static const RecordedRun continuous("entangled"), pulsed("entangled-pulsed");
  return scenario == "entangled" ? continuous : pulsed;
}

class RecordedPairs : public testing::TestWithParam<const char*> {
 protected:
  const RecordedRun& run() const { return run_of(GetParam()); }
  Folder scratch_;
};

TEST_P(RecordedPairs, ReplayToTheirKeysBitForBit) {
  for (const char* node : {"alice", "bob"}) {
    const auto report = replayed(run().file(node), run().key());
    EXPECT_TRUE(report.identical()) << node << ": " << said_of(report);
    EXPECT_FALSE(report.cut_short) << *report.cut_short;
    EXPECT_GT(report.tags, 100'000u);
    ASSERT_EQ(report.keys.size(), 2u) << node;
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_TRUE(report.keys[i].identical);
      EXPECT_EQ(to_string(report.keys[i].key.record().id), run().document()["blocks"][i]["key_id"]);
      EXPECT_EQ(report.keys[i].key.record().origin, distillation::Origin::replayed);
      EXPECT_EQ(report.blocks[i].secret_bits, run().document()["blocks"][i]["secret_bits"]);
    }
  }
}

TEST_P(RecordedPairs, ReplayToTheSameKeys) {
  const auto a = replayed(run().file("alice"), run().key()), b = replayed(run().file("bob"), run().key());
  ASSERT_EQ(a.keys.size(), b.keys.size());
  for (std::size_t i = 0; i < a.keys.size(); ++i) EXPECT_TRUE(a.keys[i].key.same_bits(b.keys[i].key));
}

INSTANTIATE_TEST_SUITE_P(Scenarios, RecordedPairs, testing::Values("entangled", "entangled-pulsed"));

/// Her list of the first block, as Bob received it.
detection::pairs::ClosedList first_closed_list(const RecordedRun& run) {
  constexpr std::size_t kTimes = 16, kTag = 8;  // of every payload, and behind this one
  auto reader = recording::Reader::open(run.file("bob"), run.key());
  while (const auto head = reader->head()) {
    const auto payload = reader->rest(std::size_t{1} << 27);
    reader->done();
    if (head->kind != Entry::frame || !payload) continue;
    const std::span<const std::uint8_t> frame = std::span(*payload).subspan(8);
    if (session::parse_header(frame)->type != session::FrameType::closed) continue;
    const auto body = frame.subspan(session::kHeaderBytes + kTimes);
    return session::decode_closed(body.first(body.size() - kTag), ~std::uint64_t{0} >> 2).value();
  }
  throw std::runtime_error("no CLOSED frame");
}

service::NodeFacts facts_of(const RecordedRun& run, const std::string& node) {
  auto reader = recording::Reader::open(run.file(node), run.key());
  if (!reader->head()) throw std::runtime_error("no node");
  return service::decode_node_facts(*reader->rest(1 << 16)).value();
}

/// A copy in which the detectors' n-th tag came 20 ns later.
void move_tag(const RecordedRun& run, const std::string& node, std::size_t n, const std::filesystem::path& to) {
  const service::NodeFacts facts = facts_of(run, node);
  std::size_t seen = 0;
  RecordingEdit edit;
  edit.tags = [&](std::span<hal::TimeTag> tags) {
    for (hal::TimeTag& tag : tags)
      if (seen++ == n) tag.ticks += facts.tick.to_ticks({20'000});
  };
  edit_recording(run.file(node), to, run.key(), edit);
  ASSERT_GT(seen, n);
}

/// One of Bob's tags that has a partner among hers: found by the times alone, as he found it.
std::size_t paired_tag_of_bob(const RecordedRun& run) {
  const service::NodeFacts facts = facts_of(run, "bob");
  const auto hers = first_closed_list(run);
  detection::pairs::MeasuredClicks his;
  const Folder scratch;
  RecordingEdit edit;
  edit.tags = [&](std::span<hal::TimeTag> tags) {
    for (const hal::TimeTag& tag : tags) his.times.push_back(facts.tick.to_picoseconds(tag.ticks).count);
  };
  edit_recording(run.file("bob"), scratch / "copy", run.key(), edit);
  his.bases = secret::BitString(his.times.size());  // which detector it was does not matter here
  his.bits = secret::BitString(his.times.size());
  detection::pairs::BlockMatcher matcher({1'000});
  const auto pairs = matcher(hers, his);
  const auto alone = [&](std::uint32_t k) {  // moved, it neither blinds nor is blinded: as many clicks as before
    constexpr std::int64_t kFar = 1'000'000;
    return k > 0 && k + 1 < his.times.size() && his.times[k] - his.times[k - 1] > kFar &&
           his.times[k + 1] - his.times[k] > kFar;
  };
  const auto found = std::find_if(pairs.his.begin(), pairs.his.end(), alone);
  if (found == pairs.his.end()) throw std::runtime_error("no pair stands alone");
  return *found;
}

void expect_found_out(const service::ReplayReport& report, const std::string& frame) {
  EXPECT_FALSE(report.identical());
  ASSERT_TRUE(report.first_difference) << said_of(report);
  EXPECT_EQ(report.first_difference->frame, frame) << said_of(report);
  EXPECT_EQ(report.first_difference->block, 0u);
  ASSERT_FALSE(report.blocks.empty());
  EXPECT_NE(report.blocks[0].status, session::BlockStatus::key);
  for (const auto& key : report.keys) EXPECT_FALSE(key.identical);
}

TEST(ARecordedTagOfPairs, MovedAtAliceIsFoundOutInHerList) {
  const RecordedRun& run = run_of("entangled");
  const Folder scratch;
  move_tag(run, "alice", 1000, scratch / "moved");
  expect_found_out(replayed(scratch / "moved", run.key()), "CLOSED");
}

TEST(ARecordedTagOfPairs, MovedAtBobIsFoundOutInHisDetections) {
  const RecordedRun& run = run_of("entangled");
  const Folder scratch;
  move_tag(run, "bob", paired_tag_of_bob(run), scratch / "moved");
  expect_found_out(replayed(scratch / "moved", run.key()), "DETECTIONS");
}

TEST(ARecordedListOfHers, ThatWasChangedIsFoundOutAtBob) {
  const RecordedRun& run = run_of("entangled");
  const Folder scratch;
  bool changed = false;
  RecordingEdit edit;
  edit.entry = [&](const recording::EntryHead& head, std::vector<std::uint8_t> payload) {
    if (head.kind == Entry::frame && !changed &&
        session::parse_header(std::span(payload).subspan(8))->type == session::FrameType::closed) {
      payload[8 + session::kHeaderBytes + 16] ^= 64;  // origin: all her times by 64 ns
      changed = true;
    }
    return std::optional(std::move(payload));
  };
  edit_recording(run.file("bob"), scratch / "changed", run.key(), edit);
  ASSERT_TRUE(changed);
  EXPECT_FALSE(replayed(scratch / "changed", run.key()).identical());
}

}  // namespace
}  // namespace nicol::test
