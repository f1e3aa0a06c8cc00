// SPDX-License-Identifier: Apache-2.0
// The suite must fail a broken tagger: each way to break the stream contract, with the words it is caught by.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/hal_contract/scripted_tagger.hpp"
#include "tests/hal_contract/stream_checker.hpp"
#include "tests/support/allocation_counter.hpp"

namespace nicol::hal_contract {
namespace {

/// Overflows a tagger, draws past the loss, and on until nothing more comes.
StreamVerdict verdict_on(Breakage breakage) {
  ScriptedTagger tagger(breakage);
  EXPECT_TRUE(tagger.start());
  tagger.make_tags(ScriptedTagger::kDepth + 100);
  StreamRun run;
  run.tags = SIZE_MAX;
  run.tag_storage = 512;
  run.meanwhile = [&tagger, rounds = 0]() mutable {
    if (++rounds < 40) tagger.make_tags(10);
  };
  return run_stream(tagger, run);
}

struct Broken {
  Breakage how;
  std::string words;
};
class BrokenTagger : public testing::TestWithParam<Broken> {};

TEST_P(BrokenTagger, IsCaught) {
  const StreamVerdict verdict = verdict_on(GetParam().how);
  EXPECT_TRUE(std::ranges::any_of(
      verdict.violations,
      [](const std::string& violation) { return violation.find(GetParam().words) != std::string::npos; }))
      << "nobody noticed; first of " << verdict.violations.size() << ": "
      << (verdict.violations.empty() ? "none" : verdict.violations.front());
}

INSTANTIATE_TEST_SUITE_P(NegativeControl, BrokenTagger,
                         testing::Values(Broken{Breakage::unsorted, "unsorted"},
                                         Broken{Breakage::gap_between_blocks, "is not the t_end"},
                                         Broken{Breakage::tag_outside_block, "outside its block"},
                                         Broken{Breakage::sequence_repeats, "sequence 1 after 1"},
                                         Broken{Breakage::index_jumps, "without a loss"},
                                         Broken{Breakage::index_goes_back, "went back"},
                                         Broken{Breakage::late_overflow, "reported late"},
                                         Broken{Breakage::overflow_without_loss, "status overflow without"},
                                         Broken{Breakage::understated_loss, "said to be lost"},
                                         Broken{Breakage::timeout_with_tags, "timeout block is not empty"},
                                         Broken{Breakage::allocates, "allocated"},
                                         Broken{Breakage::writes_past_storage, "past its storage"}),
                         [](const testing::TestParamInfo<Broken>& broken) {
                           std::string name = broken.param.words;
                           std::ranges::replace_if(
                               name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

TEST(HonestTagger, IsNotAccused) {
  const StreamVerdict verdict = verdict_on(Breakage::none);
  EXPECT_TRUE(verdict.violations.empty()) << verdict.violations.front();
  EXPECT_EQ(verdict.overflows, 1u);
}

TEST(AllocationCounter, SeesWhatThisThreadAllocates) {
  const std::uint64_t before = test::allocations();
  const auto p = std::make_unique<int>(1);
  EXPECT_EQ(test::allocations() - before, 1u);
}

}  // namespace
}  // namespace nicol::hal_contract
