// SPDX-License-Identifier: Apache-2.0
// A run is recorded by nicol and replayed by this program, which holds no simulator: keys come out bit for bit, and
// whoever changed something is found out.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "controller/service/recorded_facts.hpp"
#include "tests/integration/program.hpp"
#include "tests/integration/recorded_run.hpp"
#include "tests/support/recording_editor.hpp"

namespace nicol {
namespace {

using nlohmann::json;
using recording::Entry;
using test::Folder;
using test::key_of;
using test::replayed;
using test::said_of;

constexpr const char* kSeedText = "1234605616436508552";
constexpr char kSeedBytes[] = "\x88\x77\x66\x55\x44\x33\x22\x11";

/// One run of two blocks, recorded once for all tests.
class Recorded : public testing::Test {
 protected:
  struct Run {
    Folder folder;
    test::Outcome outcome;
    Run() {
      EXPECT_EQ(test::nicol({"init", (folder / "link").string()}).exit, 0);
      outcome = test::nicol({"run", "--config", config(), "--blocks", "2", "--seed", kSeedText, "--json", "--record",
                             recording().string()});
    }
    std::string config() const { return folder / "link/alice.toml"; }
    std::filesystem::path recording() const { return folder / "recording"; }
    json document() const { return json::parse(outcome.out); }
  };
  static const Run& run() {
    static const Run once;
    return once;
  }
  static recording::SealSecret key() { return key_of(run().recording()); }
  static std::filesystem::path alice() { return run().recording() / "alice"; }
  static std::filesystem::path bob() { return run().recording() / "bob"; }
  Folder scratch_;
};

TEST_F(Recorded, RunIsARunLikeAnyOther) {
  ASSERT_EQ(run().outcome.exit, 0) << run().outcome.err;
  EXPECT_TRUE(run().document()["keys_match"]);
  const auto plain = test::nicol({"run", "--scenario", "teaching", "--blocks", "2", "--seed", kSeedText, "--json"});
  const json recorded = run().document(), other = json::parse(plain.out);
  for (std::size_t i = 0; i < 2; ++i)
    for (const char* field : {"detections", "sifted_bits", "secret_bits", "leak_ec_bits"})
      EXPECT_EQ(recorded["blocks"][i][field], other["blocks"][i][field]) << field;
}

TEST_F(Recorded, NodesReplayToTheirKeysBitForBit) {
  for (const auto& file : {alice(), bob()}) {
    const auto report = replayed(file, key());
    EXPECT_TRUE(report.identical()) << file << ": " << said_of(report);
    EXPECT_FALSE(report.cut_short) << *report.cut_short;
    ASSERT_EQ(report.keys.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_TRUE(report.keys[i].identical);
      EXPECT_EQ(to_string(report.keys[i].key.record().id), run().document()["blocks"][i]["key_id"]);
      EXPECT_EQ(report.keys[i].key.record().origin, distillation::Origin::replayed);
      EXPECT_EQ(report.blocks[i].secret_bits, run().document()["blocks"][i]["secret_bits"]);
    }
  }
}

TEST_F(Recorded, NodesReplayToTheSameKeys) {
  const auto a = replayed(alice(), key()), b = replayed(bob(), key());
  ASSERT_EQ(a.keys.size(), b.keys.size());
  for (std::size_t i = 0; i < a.keys.size(); ++i) EXPECT_TRUE(a.keys[i].key.same_bits(b.keys[i].key));
}

TEST_F(Recorded, FolderIsReplayedByTheProgram) {
  const auto outcome = test::nicol({"--json", "replay", run().recording().string()});
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  const json j = json::parse(outcome.out);
  EXPECT_EQ(j["schema"], "nicol.replay/1");
  EXPECT_TRUE(j["keys_match"]);
  for (const json& r : j["recordings"]) {
    EXPECT_TRUE(r["identical"]) << r.dump(2);
    EXPECT_EQ(r["keys"][0]["origin"], "replayed");
    EXPECT_EQ(r["keys"][0]["id"], run().document()["blocks"][0]["key_id"]);
  }
}

/// All that a recording holds once it is open.
std::string plain_text(const std::filesystem::path& file, const recording::SealSecret& secret) {
  auto reader = recording::Reader::open(file, secret);
  std::string all;
  while (reader->head()) {
    const auto payload = reader->rest(std::size_t{1} << 27);
    if (!payload) break;
    all.append(payload->begin(), payload->end());
    reader->done();
  }
  return all;
}

TEST_F(Recorded, FileHoldsNeitherFinalKeyNorSeed) {
  const std::string id = run().document()["blocks"][0]["key_id"], key_file = (scratch_ / "key").string();
  const auto exported = test::nicol({"keys", "export", "--config", run().config(), "--id", id, "--output", key_file});
  ASSERT_EQ(exported.exit, 0) << exported.err;
  const std::string text = plain_text(alice(), key()) + plain_text(bob(), key());
  EXPECT_NE(text.find(std::string("QKDA")), std::string::npos);  // it does hold frames
  std::string seed(kSeedBytes, 8);
  EXPECT_EQ(text.find(seed), std::string::npos);
  std::reverse(seed.begin(), seed.end());
  EXPECT_EQ(text.find(seed), std::string::npos);
  EXPECT_EQ(text.find(kSeedText), std::string::npos);
  const std::string bits = test::read_file(key_file);
  ASSERT_GE(bits.size(), 32u);
  for (std::size_t at = 0; at + 16 <= bits.size(); at += 16)
    EXPECT_EQ(text.find(bits.substr(at, 16)), std::string::npos) << "byte " << at;
}

TEST_F(Recorded, FileHoldsNothingOfThePresharedKey) {
  const std::string psk = test::read_file(run().folder / "link/preshared.key");
  const std::string text = plain_text(alice(), key()) + plain_text(bob(), key());
  constexpr std::size_t kSecrets = 8 + 1 + 1 + 8 + 8 + 32, kPiece = 8;
  ASSERT_GT(psk.size(), kSecrets + 64);
  for (std::size_t at = kSecrets; at + kPiece <= psk.size() - 32; at += kPiece)
    EXPECT_EQ(text.find(psk.substr(at, kPiece)), std::string::npos) << "byte " << at;
}

/// The rig's facts as the recording has them.
service::NodeFacts facts_in(const std::filesystem::path& file, const recording::SealSecret& secret) {
  auto reader = recording::Reader::open(file, secret);
  EXPECT_TRUE(reader->head() && reader->head()->kind == Entry::node);
  return std::move(service::decode_node_facts(*reader->rest(1 << 16))).value();
}

TEST_F(Recorded, TagMovedByOneSlotIsFoundOutAndItsFrameNamed) {
  const service::NodeFacts facts = facts_in(bob(), key());
  const std::int64_t slot = facts.tick.to_ticks(facts.timing.slot_period);
  std::set<std::uint16_t> detectors;
  for (const auto& c : facts.timing.channels)
    if (c.role == hal::ChannelRole::detector) detectors.insert(c.channel);
  std::size_t seen = 0;
  bool moved = false;
  test::RecordingEdit edit;
  edit.tags = [&](std::span<hal::TimeTag> tags) {
    for (std::size_t i = 0; i + 1 < tags.size() && !moved; ++i) {
      if (!detectors.contains(tags[i].channel) || ++seen < 1000 || tags[i + 1].ticks <= tags[i].ticks + slot) continue;
      tags[i].ticks += slot;
      moved = true;
    }
  };
  test::edit_recording(bob(), scratch_ / "moved", key(), edit);
  ASSERT_TRUE(moved);
  const auto report = replayed(scratch_ / "moved", key());
  EXPECT_FALSE(report.identical());
  ASSERT_TRUE(report.first_difference) << said_of(report);
  const std::string& frame = report.first_difference->frame;
  EXPECT_TRUE(frame == "HINT" || frame == "DETECTIONS") << frame;
  EXPECT_EQ(report.first_difference->block, 0u);
  ASSERT_FALSE(report.blocks.empty());
  EXPECT_NE(report.blocks[0].status, session::BlockStatus::key);
  for (const auto& key : report.keys) EXPECT_FALSE(key.identical);
}

TEST_F(Recorded, PeerFrameWithOneBitChangedIsFoundOut) {
  std::size_t long_frames = 0;
  test::RecordingEdit edit;
  edit.entry = [&](const recording::EntryHead& head, std::vector<std::uint8_t> payload) {
    if (head.kind == Entry::frame && payload.size() > 5000 && long_frames++ == 0) payload[payload.size() - 40] ^= 1;
    return std::optional(std::move(payload));
  };
  test::edit_recording(bob(), scratch_ / "changed", key(), edit);
  ASSERT_GT(long_frames, 0u);
  EXPECT_FALSE(replayed(scratch_ / "changed", key()).identical());
}

TEST_F(Recorded, OutcomeOfATagCheckDecides) {
  std::size_t answers = 0;
  test::RecordingEdit edit;
  edit.entry = [&](const recording::EntryHead& head, std::vector<std::uint8_t> payload) {
    constexpr std::uint8_t kVerify = 19;
    if (head.kind == Entry::answer && payload.at(0) == kVerify && answers++ == 0) payload.back() = 0;
    return std::optional(std::move(payload));
  };
  test::edit_recording(alice(), scratch_ / "refused", key(), edit);
  ASSERT_GT(answers, 0u);
  const auto report = replayed(scratch_ / "refused", key());
  EXPECT_FALSE(report.identical());
  ASSERT_FALSE(report.blocks.empty());
  EXPECT_EQ(report.blocks[0].reason, session::BlockReason::authentication);
}

TEST_F(Recorded, FileThatWasChangedIsRefusedByName) {
  std::string bytes = test::read_file(bob());
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  test::write_file(scratch_ / "bob", bytes);
  const auto outcome =
      test::nicol({"replay", (scratch_ / "bob").string(), "--seal-key", (run().recording() / "seal.key").string()});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_NE(outcome.err.find("chunk "), std::string::npos) << outcome.err;
}

TEST_F(Recorded, FileThatWasCutIsReplayedUpToThereAndSaysSo) {
  const std::string bytes = test::read_file(bob());
  test::write_file(scratch_ / "bob", bytes.substr(0, bytes.size() * 3 / 4));
  const auto outcome = test::nicol(
      {"--json", "replay", (scratch_ / "bob").string(), "--seal-key", (run().recording() / "seal.key").string()});
  EXPECT_EQ(outcome.exit, 1);
  EXPECT_NE(outcome.err.find("cut short at chunk"), std::string::npos) << outcome.err;
  const json r = json::parse(outcome.out)["recordings"][0];
  EXPECT_TRUE(r["identical"]);
  EXPECT_FALSE(r["complete"]);
}

TEST_F(Recorded, RunThatWasKilledIsReplayedUpToItsLastWholeEntry) {
  test::Program program(test::nicol_program(), {"run", "--scenario", "teaching", "--blocks", "1000", "--record",
                                                (scratch_ / "killed").string()});
  const auto enough = [&] {
    std::error_code none;
    return std::filesystem::exists(scratch_ / "killed" / "bob") &&
           std::filesystem::file_size(scratch_ / "killed" / "bob", none) > 300'000;
  };
  for (int i = 0; i < 1200 && !enough() && program.running(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ASSERT_TRUE(enough());
  program.kill(SIGKILL);
  program.wait();
  for (const char* node : {"alice", "bob"}) {
    const auto report = replayed(scratch_ / "killed" / node, key_of(scratch_ / "killed"));
    EXPECT_TRUE(report.identical()) << node << ": " << said_of(report);
    EXPECT_TRUE(report.cut_short) << node;
    EXPECT_GT(report.frames_received, 0u);
  }
}

TEST_F(Recorded, RunOnADiskThatIsFullGoesOnUnrecordedAndSaysSo) {
  const std::string folder = scratch_ / "full";
  test::Program program("/bin/sh", {"-c", "trap '' XFSZ; ulimit -f 16000; exec \"$0\" \"$@\"", test::nicol_program(),
                                    "run", "--blocks", "1", "--seed", "5", "--json", "--record", folder});
  const auto outcome = program.wait();
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(json::parse(outcome.out)["blocks"][0]["status"], "key");
  EXPECT_NE(outcome.err.find("full/alice ended: cannot write"), std::string::npos) << outcome.err;
  const auto report = replayed(folder + "/alice", key_of(folder));
  EXPECT_TRUE(report.identical()) << said_of(report);
  EXPECT_TRUE(report.cut_short);
}

TEST_F(Recorded, FolderIsNotUsedTwice) {
  const auto outcome = test::nicol({"run", "--blocks", "1", "--record", run().recording().string()});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_NE(outcome.err.find("there already"), std::string::npos) << outcome.err;
}

TEST(ReplayLong, OfTenMillionTagsGivesTheIdenticalKey) {
  const Folder folder;
  const auto outcome = test::nicol(
      {"run", "--scenario", "teaching", "--blocks", "11", "--json", "--record", (folder / "recording").string()});
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  const auto secret = key_of(folder / "recording");
  const auto alice = replayed(folder / "recording/alice", secret), bob = replayed(folder / "recording/bob", secret);
  EXPECT_GE(alice.tags, 10'000'000u);
  for (const auto* report : {&alice, &bob}) {
    EXPECT_TRUE(report->identical()) << said_of(*report);
    EXPECT_FALSE(report->cut_short);
    EXPECT_EQ(report->keys.size(), 11u);
  }
  for (std::size_t i = 0; i < 11; ++i) EXPECT_TRUE(alice.keys.at(i).key.same_bits(bob.keys.at(i).key));
}

TEST(Replay, IsDoneInAProgramWithoutASimulator) {
  const std::string me = test::read_file("/proc/self/exe"), nicol = test::read_file(test::nicol_program());
  const std::string simulator = std::string("N5nicol") + "3sim";  // what its symbols begin with
  EXPECT_NE(nicol.find(simulator), std::string::npos);
  EXPECT_EQ(me.find(simulator), std::string::npos);
}

}  // namespace
}  // namespace nicol
