// SPDX-License-Identifier: Apache-2.0
// Raw tags that a run leaves in files: as they were read, and in the order of detectors that the cards of others have.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "drivers/files/tag_tee.hpp"
#include "tests/unit/sim/pair_link.hpp"

namespace nicol::sim {
namespace {

const Picoseconds kShort = Picoseconds::seconds(0.02);

class KeptTags : public testing::Test {
 protected:
  KeptTags()
      : folder_(std::filesystem::temp_directory_path() / ("nicol-tags-" + std::to_string(::getpid()))),
        scenario_(load_scenario("entangled").value()) {
    std::filesystem::create_directories(folder_);
    scenario_.alice_clock.offset_s = scenario_.bob_clock.offset_s = 0;
  }
  ~KeptTags() override { std::filesystem::remove_all(folder_); }
  /// One run; the file is whole once the rig is gone.
  test::PairLink::Run run() {
    WorldOptions world{scenario_, 1, {}, 0, {}};
    world.tap = [this, made = 0](std::unique_ptr<hal::TimeTagger> tagger, const hal::TimingLayout& timing) mutable {
      const char* side = made++ == 0 ? "alice" : "bob";
      return std::make_unique<files::TagTee>(std::move(tagger),
                                             files::TapeOptions{folder_ / side, files::card_order(timing),
                                                                [this](const Error& e) { failure_ = describe(e); }});
    };
    test::PairLink link(world);
    link.light(4);
    return link.run(kShort);
  }
  std::vector<files::FileEvent> read(const char* name) {
    std::vector<files::FileEvent> all;
    auto file = files::TagFile::open(folder_ / name, files::FileFormat::nicol);
    if (!file) return all;
    for (auto piece = file->next(); piece && !piece->empty(); piece = file->next())
      all.insert(all.end(), piece->begin(), piece->end());
    return all;
  }
  std::filesystem::path folder_;
  Scenario scenario_;
  std::string failure_;
};

TEST_F(KeptTags, AreThoseThatWereRead) {
  const auto seen = run();
  EXPECT_EQ(failure_, "");
  std::vector<files::FileEvent> events;
  for (const auto& e : read("alice"))
    if (e.kind == files::FileEvent::Kind::event) events.push_back(e);
  ASSERT_GT(seen.alice.tags.size(), 1000u);
  ASSERT_GE(events.size(), seen.alice.tags.size());
  for (std::size_t i = 0; i < seen.alice.tags.size(); ++i) EXPECT_EQ(events[i].ticks, seen.alice.tags[i].ticks);
}

TEST_F(KeptTags, NameDetectorsInTheOrderOfTheCards) {
  const auto seen = run();
  // r0 = V, r1 = H, d0 = minus, d1 = plus; the card's bits are V, minus, H, plus.
  const std::uint32_t bit[] = {1, 4, 2, 8};
  const auto events = read("alice");
  std::size_t at = 0;
  for (const hal::TimeTag& tag : seen.alice.tags) {
    while (at < events.size() && events[at].kind != files::FileEvent::Kind::event) ++at;
    ASSERT_LT(at, events.size());
    EXPECT_EQ(events[at++].pattern, bit[tag.channel]);
  }
}

TEST_F(KeptTags, ThatCannotBeWrittenAreSaidAndTheRunGoesOn) {
  std::filesystem::remove_all(folder_);
  const auto seen = run();
  EXPECT_NE(failure_, "");
  EXPECT_GT(seen.alice.tags.size(), 1000u);
}

}  // namespace
}  // namespace nicol::sim
