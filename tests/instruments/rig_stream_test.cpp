// SPDX-License-Identifier: Apache-2.0
// Tags and patterns through a whole cable: every tag in its place, every loss exact, every slot as it was set.
#include <algorithm>
#include <numeric>

#include <thread>
#include "drivers/hal/random.hpp"

#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/rig_fixture.hpp"

namespace nicol::test {
namespace {

using hal_contract::code_of;
using hal_contract::succeeds;
using namespace std::chrono_literals;

constexpr double kMega = 1e6;

/// Tags as the bench makes them, checked one by one while they come, so that nothing large has to be kept.
struct SteadyCheck {
  std::uint64_t step = 0, next = 0, tags = 0, wrong = 0, lost = 0, losses = 0;
  std::int64_t end = 0;
  bool contract = true;

  void take(const hal::TagBlock& block) {
    contract = contract && block.t_begin == end && block.t_end >= block.t_begin;
    end = block.t_end;
    for (const auto& loss : block.losses()) {
      lost += loss.lost;
      ++losses;
    }
    for (const hal::TimeTag& tag : block.tags()) {
      const std::uint64_t index = static_cast<std::uint64_t>(tag.ticks) / step;
      wrong += index * step != static_cast<std::uint64_t>(tag.ticks) || tag.channel != index % 8 || index < next;
      next = index + 1;
    }
    tags += block.tag_count;
  }
};

struct Steady {
  explicit Steady(double rate) {
    RigSetup setup;
    setup.time_scale = 1;
    setup.timing.usb = {400, 3};
    setup.timing.silence = 3000ms;
    setup.bench.tag_rate_hz = rate;
    setup.bench.about.tagger.fifo_depth = 1 << 22;  // a slow test machine is not the board's fault
    rig = std::make_unique<RigFixture>(setup);
    tagger = rig->open<hal::TimeTagger>("tagger", {{"ring", std::to_string(1 << 20)}});
    check.step = rig->bench().tag_ticks();
  }
  void run(double seconds) {
    std::vector<hal::TimeTag> tags(1 << 15);
    std::vector<hal::LossInterval> losses(64);
    const auto until_tick = static_cast<std::int64_t>(seconds * 1e12);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::duration<double>(10 * seconds + 5);
    while (check.end < until_tick && std::chrono::steady_clock::now() < give_up) {
      hal::TagBlock block;
      block.storage = tags;
      block.loss_storage = losses;
      (void)tagger->acquire(block, SteadyDeadlines().in(100ms));
      check.take(block);
    }
  }
  void expect_all(double seconds, double rate) const {
    EXPECT_GE(check.end, static_cast<std::int64_t>(seconds * 1e12));
    EXPECT_EQ(check.wrong, 0u);
    EXPECT_EQ(check.lost, 0u) << "in " << check.losses << " intervals";
    EXPECT_EQ(check.tags, check.next);
    EXPECT_TRUE(check.contract);
    EXPECT_GE(static_cast<double>(check.tags), 0.999 * seconds * rate);
  }
  std::unique_ptr<RigFixture> rig;
  std::unique_ptr<hal::TimeTagger> tagger;
  SteadyCheck check;
};

/// At a rate that any machine keeps up with; the record rate is a case of its own, run where nothing else runs.
TEST(RigStream, ASecondOfTagsComesWithoutALoss) {
  Steady steady(0.5 * kMega);
  ASSERT_TRUE(succeeds(steady.tagger->start()));
  steady.run(1);
  steady.expect_all(1, 0.5 * kMega);
}

TEST(RigStreamLong, TenMillionTagsASecondForTenSeconds) {
  Steady steady(10 * kMega);
  ASSERT_TRUE(succeeds(steady.tagger->start()));
  steady.run(10);
  steady.expect_all(10, 10 * kMega);
}

/// With faults on the way every tag is either there, or in a loss with its number.
TEST(RigStream, EveryTagIsThereOrCountedAsLostWhateverTheCableDoes) {
  Steady steady(0.5 * kMega);
  ASSERT_TRUE(succeeds(steady.tagger->start()));
  steady.run(0.1);
  using sim::FaultKind;
  using sim::FaultSide;
  steady.rig->usb().set_faults({{FaultKind::drop, FaultSide::from_device, 5, 2, {}, 0},
                                {FaultKind::duplicate, FaultSide::from_device, 12, 3, {}, 0},
                                {FaultKind::corrupt, FaultSide::from_device, 20, 2, {}, 0x10},
                                {FaultKind::garbage, FaultSide::from_device, 28, 1, {}, 0}});
  steady.run(1);
  EXPECT_EQ(steady.check.wrong, 0u);
  EXPECT_TRUE(steady.check.contract);
  EXPECT_GT(steady.check.lost, 0u);
  EXPECT_GE(steady.check.losses, 2u);
  EXPECT_EQ(steady.check.tags + steady.check.lost, steady.check.next);
}

TEST(RigStream, AnOverflowOfTheBoardIsToldWithItsNumberAndPlace) {
  RigSetup setup = quick();
  setup.bench.about.tagger.fifo_depth = 1000;
  RigFixture rig(setup);
  auto tagger = rig.open<hal::TimeTagger>("tagger");
  ASSERT_TRUE(succeeds(tagger->start()));
  rig.bench().make_tags(3000);
  Heard heard;
  heard.listen(*tagger, 3, [&] { return heard.tags.size() + heard.lost() >= 3000; });
  EXPECT_EQ(heard.lost(), rig.bench().tags_lost());
  EXPECT_EQ(heard.tags.size() + heard.lost(), 3000u);
  for (const auto& loss : heard.losses) {
    EXPECT_TRUE(loss.lost_known);
    EXPECT_EQ(loss.cause, hal::LossCause::fifo_overflow);
  }
}

TEST(RigStream, StopsWithEverythingThatWasHeardUntilThen) {
  RigFixture rig;
  auto tagger = rig.open<hal::TimeTagger>("tagger");
  ASSERT_TRUE(succeeds(tagger->start()));
  rig.bench().make_tags(500);
  ASSERT_TRUE(succeeds(tagger->stop()));
  Heard heard;
  heard.listen(*tagger, 1);
  EXPECT_EQ(heard.tags.size(), 500u);
  EXPECT_EQ(heard.last, hal::StreamStatus::stopped);
}

TEST(RigStream, NoTagAndNoPatternStandsInTheWireLog) {
  RigFixture rig;
  auto source = rig.lit_source();
  auto tagger = rig.open<hal::TimeTagger>("tagger");
  ASSERT_TRUE(succeeds(tagger->start()));
  rig.bench().make_tags(500);
  Heard heard;
  heard.listen(*tagger, 2, [&] { return heard.tags.size() >= 500; });
  const std::vector<std::uint64_t> settings(16, 0x1122334455667788);
  ASSERT_TRUE(succeeds(source->begin_block(1024)));
  ASSERT_TRUE(succeeds(source->emit({0, 1024, settings, settings, {}, {}})));
  for (const transport::WireLine& line : rig.hub().log().since(0, 10'000)) {
    if (line.direction == transport::Direction::note) continue;
    EXPECT_NE(line.text.find("bulk"), std::string::npos) << line.text;
    EXPECT_LT(line.text.size(), 40u) << line.text;
  }
}

std::vector<std::uint64_t> random_words(std::size_t words, std::uint64_t seed) {
  std::vector<std::uint64_t> out(words);
  CounterStream({seed, NodeId::alice, Purpose::test, 0}).fill(std::as_writable_bytes(std::span(out)));
  return out;
}

TEST(RigPattern, EverySlotLeavesAsItWasSet) {
  RigFixture rig;
  auto source = rig.lit_source();
  constexpr std::size_t kSlots = 200'000;  // more than the board holds, and no multiple of anything
  const auto bases = random_words(kSlots / 64 + 1, 1), bits = random_words(kSlots / 64 + 1, 2);
  ASSERT_TRUE(succeeds(source->begin_block(kSlots)));
  ASSERT_TRUE(succeeds(source->emit({0, kSlots, bases, bits, {}, {}})));
  ASSERT_TRUE(succeeds(source->end_block()));
  const auto played = rig.bench().played();
  ASSERT_EQ(played.size(), kSlots);
  std::size_t wrong = 0;
  for (std::size_t k = 0; k < kSlots; ++k) {
    const unsigned bit = bits[k / 64] >> k % 64 & 1, basis = bases[k / 64] >> k % 64 & 1;
    wrong += played[k] != (basis << 1 | bit);
  }
  EXPECT_EQ(wrong, 0u);
}

TEST(RigPattern, EverySlotLeavesOnceThoughFramesAreLostOnTheWay) {
  RigSetup setup = quick();
  setup.timing.usb = {30, 3};
  RigFixture rig(setup);
  auto source = rig.lit_source();
  constexpr std::size_t kSlots = 300'000;
  const auto settings = random_words(kSlots / 64 + 1, 3);
  ASSERT_TRUE(succeeds(source->begin_block(kSlots)));
  using sim::FaultKind;
  using sim::FaultSide;
  rig.usb().set_faults({{FaultKind::drop, FaultSide::to_device, 2, 1, {}, 0},
                        {FaultKind::duplicate, FaultSide::to_device, 6, 1, {}, 0},
                        {FaultKind::corrupt, FaultSide::to_device, 9, 1, {}, 0x20},
                        {FaultKind::drop, FaultSide::from_device, 4, 1, {}, 0}});
  const auto emitted = source->emit({0, kSlots, settings, settings, {}, {}});
  ASSERT_TRUE(succeeds(emitted));
  ASSERT_TRUE(succeeds(source->end_block()));
  const auto played = rig.bench().played();
  ASSERT_EQ(played.size(), kSlots);
  for (std::size_t k = 0; k < kSlots; ++k) ASSERT_EQ(played[k], (settings[k / 64] >> k % 64 & 1) * 3) << k;
}

TEST(RigPattern, ALateHostIsToldWhereThePatternRanDry) {
  RigSetup setup = quick();
  setup.bench.underrun = sim::RigUnderrun::fault;
  RigFixture rig(setup);
  auto source = rig.lit_source({{"slot_ps", "1000000000"}});  // a slot lasts a millisecond of the board's
  const std::vector<std::uint64_t> settings(16, 0);
  ASSERT_TRUE(succeeds(source->begin_block(4096)));
  ASSERT_TRUE(succeeds(source->emit({0, 1024, settings, settings, {}, {}})));
  ASSERT_TRUE(until([&] { return rig.bench().played().size() == 1024; }));
  std::this_thread::sleep_for(100ms);
  const auto late = source->emit({1024, 1024, settings, settings, {}, {}});
  ASSERT_EQ(code_of(late), Code::overflow);
  EXPECT_EQ(late.error().native_code, 1024);
}

TEST(RigPattern, ASlotInTheBoardsMemoryHasNotLeft) {
  RigSetup setup = quick();
  setup.bench.underrun = sim::RigUnderrun::fault;
  RigFixture rig(setup);
  auto source = rig.lit_source({{"slot_ps", "1000000000"}});  // a slot lasts a millisecond of the board's
  constexpr std::size_t kSlots = 60'032;                      // a quarter of a minute
  const std::vector<std::uint64_t> settings(kSlots / 64, 0);
  ASSERT_TRUE(succeeds(source->begin_block(kSlots)));
  EXPECT_EQ(source->first_unsent(), 0u);
  ASSERT_TRUE(succeeds(source->emit({0, kSlots, settings, settings, {}, {}})));
  std::uint64_t last = 0;
  for (int i = 0; i < 5000 && last < 1000; ++i) {
    const auto now = source->first_unsent();
    ASSERT_TRUE(now.has_value());
    EXPECT_GE(*now, last);
    last = *now;
    EXPECT_LE(last, rig.bench().played().size()) << "a slot that has not left was counted";
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_GE(last, 1000u);
  source->disable_emission();
  EXPECT_LE(*source->first_unsent(), rig.bench().played().size());
  EXPECT_LT(*source->first_unsent(), kSlots);
}

TEST(RigPattern, AllHasLeftWhenTheBlockIsEnded) {
  RigFixture rig;
  auto source = rig.lit_source();
  const std::vector<std::uint64_t> settings(64, 0);
  ASSERT_TRUE(succeeds(source->begin_block(4096)));
  ASSERT_TRUE(succeeds(source->emit({0, 4096, settings, settings, {}, {}})));
  ASSERT_TRUE(succeeds(source->end_block()));
  EXPECT_EQ(source->first_unsent(), 4096u);
}

RigSetup with_intensities(std::uint8_t count) {
  RigSetup setup = quick();
  setup.bench.about.source.intensities = count;
  return setup;
}

TEST(RigPattern, EverySlotLeavesWithItsIntensity) {
  RigFixture rig(with_intensities(4));
  auto source = rig.lit_source();
  ASSERT_EQ(source->caps().intensities, 4u);
  constexpr std::size_t kSlots = 20'001;
  const std::size_t words = kSlots / 64 + 1;
  const auto bases = random_words(words, 1), bits = random_words(words, 2), low = random_words(words, 3),
             high = random_words(words, 4);
  ASSERT_TRUE(succeeds(source->begin_block(kSlots)));
  ASSERT_TRUE(succeeds(source->emit({0, kSlots, bases, bits, low, high})));
  ASSERT_TRUE(succeeds(source->end_block()));
  const auto played = rig.bench().played();
  ASSERT_EQ(played.size(), kSlots);
  const auto at = [](const std::vector<std::uint64_t>& v, std::size_t k) { return v[k / 64] >> k % 64 & 1; };
  for (std::size_t k = 0; k < kSlots; ++k)
    ASSERT_EQ(played[k], at(high, k) << 3 | at(low, k) << 2 | at(bases, k) << 1 | at(bits, k)) << k;
}

TEST(RigPattern, WithoutIntensitiesIsTheFirstOne) {
  RigFixture rig(with_intensities(3));
  auto source = rig.lit_source();
  const std::vector<std::uint64_t> ones(1, ~std::uint64_t{0});
  ASSERT_TRUE(succeeds(source->begin_block(64)));
  ASSERT_TRUE(succeeds(source->emit({0, 64, ones, ones, {}, {}})));
  ASSERT_TRUE(succeeds(source->end_block()));
  EXPECT_EQ(rig.bench().played(), std::vector<std::uint8_t>(64, 3));
}

TEST(RigPattern, AnIntensityThatTheSourceHasNotIsRefused) {
  RigFixture rig(with_intensities(3));
  auto source = rig.lit_source();
  const std::vector<std::uint64_t> none(1, 0), slot_9(1, std::uint64_t{1} << 9);
  ASSERT_TRUE(succeeds(source->begin_block(64)));
  EXPECT_EQ(code_of(source->emit({0, 64, none, none, slot_9, slot_9})), Code::out_of_range);
  EXPECT_TRUE(succeeds(source->emit({0, 9, none, none, slot_9, slot_9}))) << "it stands behind the chunk";
}

TEST(RigPattern, ABlockGoesOnAfterAPause) {
  RigFixture rig;
  auto source = rig.lit_source();
  const std::vector<std::uint64_t> settings(64, 0);
  ASSERT_TRUE(succeeds(source->begin_block(8000)));
  ASSERT_TRUE(succeeds(source->emit({0, 2048, settings, settings, {}, {}})));
  EXPECT_EQ(code_of(source->resume_block(2000)), Code::out_of_range);
  EXPECT_EQ(code_of(source->resume_block(3001)), Code::out_of_range);
  ASSERT_TRUE(succeeds(source->resume_block(4000)));
  ASSERT_TRUE(succeeds(source->emit({4000, 4000, settings, settings, {}, {}})));
  EXPECT_TRUE(succeeds(source->end_block()));
}

}  // namespace
}  // namespace nicol::test
