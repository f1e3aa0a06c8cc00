// SPDX-License-Identifier: Apache-2.0
// The states of the rig's protocol, each as a command that can be given again and again: how to get there, the command,
// and what must hold on the board's bench when it has ended, well or not.
#pragma once

#include <cmath>

#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/rig_fixture.hpp"

namespace nicol::test::rig_states {

inline constexpr std::size_t kSlots = 40'000;  // three frames
inline constexpr double kTagRate = 20'000;     // a second of the board's

inline RigSetup matrix_setup(RigCable cable, double tag_rate) {
  RigSetup setup;
  setup.cable = cable;
  setup.time_scale = 10;
  setup.timing = scaled_timing(setup.time_scale);
  setup.timing.usb = {60, 3};
  setup.timing.serial = {100, 3};
  setup.bench.tag_rate_hz = tag_rate;
  return setup;
}

/// A board, those of its units that a state needs, and what was counted before the command under test.
struct Bed {
  explicit Bed(RigCable cable, double tag_rate) : rig(matrix_setup(cable, tag_rate)) {}

  hal::PulsedSource& light() {
    if (source) return *source;
    source = rig.open<hal::PulsedSource>("source");
    EXPECT_TRUE(hal_contract::succeeds(source->write_property("watchdog_ms", std::int64_t{5000})));
    return *source;
  }
  hal::RotationStage& axis() {
    if (!stage) stage = rig.open<hal::RotationStage>("axis-0");
    return *stage;
  }
  hal::TimeTagger& tags() {
    if (!tagger) tagger = rig.open<hal::TimeTagger>("tagger");
    return *tagger;
  }
  hal::Shutter& gate() {
    if (!shutter) shutter = rig.open<hal::Shutter>("shutter-0");
    return *shutter;
  }
  hal::Detector& clicks() {
    if (!detector) detector = rig.open<hal::Detector>("detector-0");
    return *detector;
  }

  RigFixture rig;
  std::unique_ptr<hal::PulsedSource> source;
  std::unique_ptr<hal::RotationStage> stage;
  std::unique_ptr<hal::TimeTagger> tagger;
  std::unique_ptr<hal::Shutter> shutter;
  std::unique_ptr<hal::Detector> detector;
  std::unique_ptr<hal::Device> keeper;  // any unit: what tells the link
  std::vector<std::uint64_t> pattern = std::vector<std::uint64_t>(kSlots / 64, 0xF0E1D2C3B4A59687);
  std::uint64_t moves = 0, runs = 0;
  double threshold = 0;
  Heard heard;
};

inline Error failure(const Result<void>& result) { return result ? Error{} : result.error(); }

enum class Outcome : std::uint8_t { done, refused };

/// One state of the protocol: how to get there, the command, and what must hold when it has ended.
struct State {
  const char* name;
  std::uint64_t transfers;  // that the command is made of
  void (*prepare)(Bed&);
  Result<void> (*act)(Bed&);
  void (*check)(Bed&, Outcome);
  double tag_rate = 0;
};
inline void PrintTo(const State& state, std::ostream* out) { *out << state.name; }

// ---- greeting and settings ----

inline void nothing_more(Bed&, Outcome) {}

inline void leave_board(Bed& bed) {
  bed.source.reset();
  bed.keeper.reset();
  bed.rig.begin_program();
}
inline Result<void> greet(Bed& bed) {
  auto made = bed.rig.make("shutter-1");
  if (!made) return made.error();
  bed.keeper = *std::move(made);
  return {};
}

inline void leave_source(Bed& bed) { bed.source.reset(); }
inline Result<void> configure_source(Bed& bed) {
  auto made = bed.rig.make("source");
  return made ? Result<void>() : made.error();
}

inline Result<void> set_channel(Bed& bed) {
  auto config = bed.tags().channel(3);
  if (!config) return config.error();
  config->threshold = {bed.threshold};
  return bed.tags().set_channel(3, *config);
}
inline void next_threshold(Bed& bed) {
  bed.tags();
  bed.threshold = bed.threshold > 3 ? 0.01 : bed.threshold + 0.01;
}
inline void channel_is_set(Bed& bed, Outcome outcome) {
  if (outcome == Outcome::refused) return;
  EXPECT_EQ(bed.rig.bench().channel(3).threshold_mv, std::lround(bed.threshold * 1000));
}

inline void shut(Bed& bed) { bed.gate().close(); }
inline Result<void> open_shutter(Bed& bed) { return bed.gate().open(); }
inline void shutter_is_open(Bed& bed, Outcome outcome) {
  if (outcome == Outcome::done) {
    EXPECT_TRUE(bed.rig.bench().shutter_open(0));
  }
}

inline void switch_off(Bed& bed) { bed.clicks().disable(); }
inline Result<void> switch_on(Bed& bed) { return bed.clicks().enable(); }
inline void detector_is_on(Bed& bed, Outcome outcome) {
  EXPECT_EQ(bed.clicks().enabled(), outcome == Outcome::done);
  if (outcome == Outcome::done) {
    EXPECT_TRUE(bed.rig.bench().detector_on(0));
  }
}

// ---- light ----

inline void go_dark(Bed& bed) {
  bed.light().disable_emission();
  EXPECT_TRUE(hal_contract::succeeds(bed.light().set_light_level(hal::LightLevel::quantum)));
}
inline Result<void> arm(Bed& bed) { return bed.light().arm({1}); }
inline void only_armed(Bed& bed, Outcome outcome) {
  EXPECT_FALSE(bed.rig.bench().emitting());
  if (outcome == Outcome::done) {
    EXPECT_EQ(bed.rig.core().emission(), fw::Emission::armed);
  }
}

inline void be_armed(Bed& bed) {
  go_dark(bed);
  EXPECT_TRUE(hal_contract::succeeds(arm(bed)));
}
inline Result<void> enable(Bed& bed) { return bed.light().enable_emission(); }
inline void lit_if_done(Bed& bed, Outcome outcome) {
  if (outcome == Outcome::done) {
    EXPECT_TRUE(bed.rig.bench().emitting());
  }
}

inline void be_lit(Bed& bed) {
  const auto now = bed.light().emission();
  if (!now || *now != hal::EmissionState::emitting) {
    be_armed(bed);
    EXPECT_TRUE(hal_contract::succeeds(enable(bed)));
  }
  bed.runs = bed.rig.bench().runs();
}
inline Result<void> run(Bed& bed) { return bed.light().begin_block(kSlots); }
inline void ran_once(Bed& bed, Outcome outcome) {
  const std::uint64_t runs = bed.rig.bench().runs() - bed.runs;
  EXPECT_LE(runs, 1u);
  if (outcome == Outcome::done) {
    EXPECT_EQ(runs, 1u);
  }
}

inline void begin_block(Bed& bed) {
  be_lit(bed);
  EXPECT_TRUE(hal_contract::succeeds(run(bed)));
}
inline Result<void> emit(Bed& bed) { return bed.light().emit({0, kSlots, bed.pattern, bed.pattern, {}, {}}); }
/// What has left is what was set, from the first slot on, each slot once.
inline void left_as_set(Bed& bed) {
  const auto played = bed.rig.bench().played();
  ASSERT_LE(played.size(), kSlots);
  for (std::size_t k = 0; k < played.size(); ++k)
    ASSERT_EQ(played[k], (bed.pattern[k / 64] >> k % 64 & 1) * 3) << "slot " << k;
}
inline void every_slot_once(Bed& bed, Outcome outcome) {
  if (outcome == Outcome::done) {
    EXPECT_TRUE(hal_contract::succeeds(bed.light().end_block()));
    EXPECT_EQ(bed.rig.bench().played().size(), kSlots);
  }
  left_as_set(bed);
}

inline void emit_all(Bed& bed) {
  begin_block(bed);
  EXPECT_TRUE(hal_contract::succeeds(emit(bed)));
}
inline Result<void> end_block(Bed& bed) { return bed.light().end_block(); }
inline void all_left(Bed& bed, Outcome outcome) {
  if (outcome == Outcome::done) {
    EXPECT_EQ(bed.rig.bench().played().size(), kSlots);
  }
  left_as_set(bed);
  EXPECT_EQ(bed.rig.bench().runs() - bed.runs, 1u);
}

// ---- motion ----

inline Result<void> finish(Result<hal::Motion> motion) {
  return motion ? motion->wait(SteadyDeadlines().in(std::chrono::seconds(2))) : motion.error();
}

inline void count_moves(Bed& bed) {
  bed.axis();
  bed.moves = bed.rig.bench().moves();
}
inline Result<void> home(Bed& bed) { return finish(bed.axis().home(hal::HomeDirection::positive)); }
inline void moved_once(Bed& bed, Outcome outcome) {
  const std::uint64_t moves = bed.rig.bench().moves() - bed.moves;
  EXPECT_LE(moves, 1u);
  if (outcome == Outcome::done) {
    EXPECT_EQ(moves, 1u);
  }
}
inline void be_homed(Bed& bed) {
  const auto status = bed.axis().status();
  ASSERT_TRUE(hal_contract::succeeds(status));
  if (!status->homed) {
    ASSERT_TRUE(hal_contract::succeeds(home(bed)));
  }
  count_moves(bed);
}
inline Result<void> move(Bed& bed) { return finish(bed.axis().move_relative(Angle::degrees(1))); }

// ---- tags ----

inline void be_stopped(Bed& bed) {
  (void)bed.tags().stop();
  bed.heard = {};
}
inline Result<void> start(Bed& bed) { return bed.tags().start(); }
inline void every_tag_comes(Bed& bed, Outcome outcome) {
  if (outcome == Outcome::refused) return;
  bed.rig.bench().make_tags(300);
  bed.heard.listen(bed.tags(), 3, [&] { return bed.heard.tags.size() + bed.heard.lost() >= 300; });
  EXPECT_EQ(bed.heard.tags.size(), 300u);
  EXPECT_EQ(bed.heard.lost(), 0u);
}

inline void be_running(Bed& bed) {
  be_stopped(bed);
  EXPECT_TRUE(hal_contract::succeeds(start(bed)));
}
inline Result<void> stop(Bed& bed) { return bed.tags().stop(); }
inline void stream_is_over(Bed& bed, Outcome) {
  bed.heard.listen(bed.tags(), 2);
  EXPECT_TRUE(bed.heard.last == hal::StreamStatus::stopped || bed.heard.last == hal::StreamStatus::disconnected);
}

inline Result<void> listen(Bed& bed) {
  bed.heard.listen(bed.tags(), 0.08);
  if (bed.heard.last == hal::StreamStatus::disconnected) return failure(bed.tags().stop());
  return {};
}
/// Each tag is there, or in a loss with its number; none is there that a loss has declared missing.
inline void every_tag_there_or_lost(Bed& bed, Outcome outcome) {
  if (outcome == Outcome::done) {
    const std::size_t before = bed.heard.tags.size();
    bed.heard.listen(bed.tags(), 2, [&] { return bed.heard.tags.size() > before + 500; });
    EXPECT_GT(bed.heard.tags.size(), before);
  }
  const auto step = static_cast<std::int64_t>(bed.rig.bench().tag_ticks());
  std::int64_t next = 0;
  for (const hal::TimeTag& tag : bed.heard.tags) {
    ASSERT_EQ(tag.ticks % step, 0);
    ASSERT_GE(tag.ticks / step, next) << "a tag came twice or too late";
    next = tag.ticks / step + 1;
    ASSERT_EQ(tag.channel, static_cast<std::uint32_t>((next - 1) % 8));
    for (const hal::LossInterval& loss : bed.heard.losses)
      ASSERT_FALSE(loss.begin < tag.ticks && tag.ticks < loss.end) << "tick " << tag.ticks << " was told as lost";
  }
  if (outcome == Outcome::done) {
    EXPECT_EQ(bed.heard.tags.size() + bed.heard.lost(), static_cast<std::uint64_t>(next));
  }
}

inline const State kHello{"Hello", 3, leave_board, greet, nothing_more};
inline const State kConfigure{"SourceConfig", 1, leave_source, configure_source, nothing_more};
inline const State kArm{"NonceAndArm", 4, go_dark, arm, only_armed};
inline const State kEnable{"Enable", 1, be_armed, enable, lit_if_done};
inline const State kRun{"SourceRun", 3, be_lit, run, ran_once};
inline const State kChunks{"PatternChunks", 3, begin_block, emit, every_slot_once};
inline const State kEnd{"SourceEnd", 1, emit_all, end_block, all_left};
inline const State kMove{"Move", 4, be_homed, move, moved_once};
inline const State kHome{"Home", 2, count_moves, home, moved_once};
inline const State kStart{"StreamStart", 1, be_stopped, start, every_tag_comes};
inline const State kStop{"StreamStop", 1, be_running, stop, stream_is_over};
inline const State kTags{"TagsFlowing", 2, be_running, listen, every_tag_there_or_lost, kTagRate};
inline const State kChannel{"SetChannel", 1, next_threshold, set_channel, channel_is_set};
inline const State kShutter{"OpenShutter", 2, shut, open_shutter, shutter_is_open};
inline const State kDetector{"EnableDetector", 2, switch_off, switch_on, detector_is_on};

}  // namespace nicol::test::rig_states
