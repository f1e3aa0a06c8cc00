// SPDX-License-Identifier: Apache-2.0
// Both halves together: what comes out agrees with theory, and depends on the seed alone.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <numbers>
#include <thread>

#include "sim/devices/four_state_source.hpp"
#include "sim/devices/receiver_tagger.hpp"
#include "tests/unit/sim/bench_link.hpp"

namespace nicol::sim {
namespace {

using test::BenchLink;
using test::RunOptions;
using test::sigmas;

Scenario scenario_of(const char* name) { return load_scenario(name).value(); }

/// Theory knows no dead time and no afterpulses.
Scenario without_memory(Scenario s) {
  for (DetectorModel& d : s.receiver.detectors) d.dead_time_ns = d.afterpulse_probability = 0;
  return s;
}

void expect_as_theory(const Scenario& s, std::uint64_t slots) {
  BenchLink link(s, {});
  const BenchLink::Block block = link.run(slots);
  EXPECT_TRUE(block.bob.contract_kept && block.alice.contract_kept);
  EXPECT_TRUE(block.bob.losses.empty());
  const test::Sifted sifted = test::sift(block, link, slots);
  const LinkExpectation theory = expect(s);
  const double kept = static_cast<double>(sifted.kept);
  EXPECT_LE(std::abs(kept - static_cast<double>(slots) * theory.kept_per_slot),
            4.5 * std::sqrt(static_cast<double>(slots) * theory.kept_per_slot * (1 - theory.kept_per_slot)));
  EXPECT_LT(std::abs(sigmas(static_cast<double>(sifted.clicks), kept, theory.clicks_per_slot)), 4.5);
  for (std::size_t b = 0; b < 2; ++b) {
    const double same = static_cast<double>(sifted.same_basis[b]);
    EXPECT_LT(std::abs(sigmas(same, kept, theory.sifted_per_slot[b])), 4.5) << "basis " << b;
    EXPECT_LT(std::abs(sigmas(static_cast<double>(sifted.errors[b]), same, theory.qber[b])), 4.5)
        << "QBER " << static_cast<double>(sifted.errors[b]) / same << ", theory " << theory.qber[b];
  }
}

TEST(Link, TeachingAgreesWithTheory) { expect_as_theory(without_memory(scenario_of("teaching")), 8'000'000); }
TEST(Link, LossyAgreesWithTheory) { expect_as_theory(without_memory(scenario_of("lossy")), 20'000'000); }

TEST(Link, AgreesWithTheoryWhereEverythingIsUnequal) {
  Scenario s = without_memory(scenario_of("lossy"));
  s.channel.loss_db = 6;
  s.source.mean_photon_number = {0.5, 0.3, 0.4, 0.6};
  s.source.g2 = {1.0, 0.2, 1.4, 0.0};
  s.source.misalignment_deg = {4, -9, 2, 12};
  s.source.delay_ps = {0, 150, -100, 300};
  s.channel.rotation_deg = {10, -20, 35};
  s.receiver.splitter = 0.35;
  s.receiver.extinction_transmitted_db = 12;
  s.receiver.extinction_reflected_db = 9;
  const double efficiency[] = {0.9, 0.5, 0.7, 0.3}, dark[] = {1e5, 2e5, 3e5, 5e4};
  for (std::size_t i = 0; i < 4; ++i) {
    s.receiver.detectors[i].efficiency = efficiency[i];
    s.receiver.detectors[i].dark_hz = dark[i];
    s.receiver.detectors[i].jitter_tail_ps = 300;
    s.receiver.detectors[i].jitter_tail_fraction = 0.3;
    s.receiver.detectors[i].rate_limit_hz = 1e9;
  }
  s.tagger.drain_hz = 1e9;
  expect_as_theory(s, 1'500'000);
}

TEST(Link, SeesDaylightInFreeSpace) {
  Scenario s = without_memory(scenario_of("lossy"));
  s.channel.type = ChannelType::free_space;
  s.channel.background_hz = 2e6;
  s.receiver.loss_db = 1;
  expect_as_theory(s, 10'000'000);
}

TEST(Link, DeadTimeAndAfterpulsesCostLittleOfTeaching) {
  const Scenario s = scenario_of("teaching");
  BenchLink link(s, {});
  const test::Sifted sifted = test::sift(link.run(4'000'000), link, 4'000'000);
  EXPECT_NEAR(static_cast<double>(sifted.clicks) / static_cast<double>(sifted.kept) / expect(s).clicks_per_slot, 1,
              0.04);
}

TEST(Link, FadesAroundItsMeanLoss) {
  Scenario s = without_memory(scenario_of("lossy"));
  s.channel.type = ChannelType::free_space;
  s.channel.loss_db = 10;
  s.channel.fading_sigma = 0.5;
  s.channel.fading_time_s = 1e-4;
  BenchLink link(s, {});
  constexpr std::uint64_t kSlots = 10'000'000;  // 0.1 s: a thousand fading times
  const auto block = link.run(kSlots);
  std::vector<double> per_millisecond(100);
  double clicks = 0;
  for (std::uint16_t c = 0; c < 4; ++c)
    for (std::uint64_t slot : test::gated_slots(block.bob, link.bob(), s, c))
      if (slot < kSlots) ++per_millisecond[slot / 100'000], ++clicks;
  // exp(sigma X - sigma^2/2) has mean 1; over 1000 correlation times it is known to about sqrt(2 * 0.28 / 1000).
  EXPECT_NEAR(clicks / kSlots / expect(s).clicks_per_slot, 1, 4.5 * 0.025);
  double variance = 0;
  for (double n : per_millisecond) variance += (n - clicks / 100) * (n - clicks / 100) / 99;
  EXPECT_GT(variance, 3 * clicks / 100);  // far above Poisson
}

// ---- determinism ----

std::uint64_t digest(const test::Recording& r) {
  std::uint64_t hash = 1469598103934665603U;
  const auto mix = [&](std::uint64_t word) { hash = (hash ^ word) * 1099511628211U; };
  for (const hal::TimeTag& tag : r.tags) {
    mix(static_cast<std::uint64_t>(tag.ticks));
    mix(tag.channel);
  }
  for (const hal::LossInterval& loss : r.losses) mix(loss.lost);
  return hash;
}

struct Digests {
  std::uint64_t alice, bob;
  bool operator==(const Digests&) const = default;
};
Digests run_digests(const Scenario& s, RunOptions options, std::uint64_t slots = 500'000) {
  BenchLink link(s, options);
  link.run(slots);
  const auto second = link.run(slots);
  return {digest(second.alice), digest(second.bob)};
}

Scenario busy_scenario() {
  Scenario s = scenario_of("teaching");
  s.channel.drift_deg_per_sqrt_s = 20;
  s.channel.jump_per_s = 5;
  s.channel.jump_deg = 30;
  s.channel.background_hz = 1e5;
  s.source.pair_probability = 0.3;
  s.source.width_ps.fill(2000);
  for (DetectorModel& d : s.receiver.detectors) d.afterpulse_probability = 0.1;
  return s;
}

TEST(Seed, DecidesEveryTagHoweverTheSlotsAreSliced) {
  const Digests whole = run_digests(busy_scenario(), {.seed = 3});
  EXPECT_EQ(run_digests(busy_scenario(), {.seed = 3, .chunk = 64 * 37}), whole);
  EXPECT_EQ(run_digests(busy_scenario(), {.seed = 3, .chunk = 64 * 1013}), whole);
}

TEST(Seed, DecidesEveryTagHoweverTheReaderSlices) {
  const Digests whole = run_digests(busy_scenario(), {.seed = 3});
  EXPECT_EQ(run_digests(busy_scenario(), {.seed = 3, .storage = 7}), whole);
  EXPECT_EQ(run_digests(busy_scenario(), {.seed = 3, .storage = 1000}), whole);
}

TEST(Seed, ChangesEverything) {
  const Digests one = run_digests(busy_scenario(), {.seed = 3}), other = run_digests(busy_scenario(), {.seed = 4});
  EXPECT_NE(one.alice, other.alice);
  EXPECT_NE(one.bob, other.bob);
}

TEST(Seed, GivesTheSameLightWithAndWithoutEve) {
  const auto times = [](const char* eve) {
    BenchLink link(without_memory(scenario_of("lossy")), {.seed = 3, .eve = parse_eve(eve).value()});
    const auto block = link.run(2'000'000);
    std::vector<std::uint64_t> slots;
    for (std::uint16_t c = 0; c < 4; ++c)
      for (std::uint64_t slot : test::gated_slots(block.bob, link.bob(), link.scenario(), c)) slots.push_back(slot);
    std::sort(slots.begin(), slots.end());
    return slots;
  };
  EXPECT_EQ(times("none").size(), times("breidbart").size());
}

/// Bob alone in a child process; the child's digest comes back through a pipe.
std::uint64_t digest_of_other_process(const WorldOptions& world, std::int64_t until) {
  int pipe_ends[2];
  EXPECT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto bob = make_bob_rig(world);
    test::make_ready(**bob);
    auto* tagger = (*bob)->find<hal::TimeTagger>("tagger");
    const std::uint64_t hash = tagger->start().ok() ? digest(test::record(*tagger, 4096, until)) : 0;
    const bool written = ::write(pipe_ends[1], &hash, sizeof hash) == sizeof hash;
    ::_exit(written ? 0 : 1);
  }
  ::close(pipe_ends[1]);
  auto alice = make_alice_rig(world);
  test::make_ready(**alice);
  auto* source = (*alice)->find<hal::PulsedSource>("source");
  const test::Settings settings = test::random_settings(1 << 19, 8);
  EXPECT_TRUE(source->begin_block(1 << 19).ok());
  EXPECT_TRUE(source->emit({0, 1 << 19, settings.bases, settings.bits, {}, {}}).ok());
  EXPECT_TRUE(source->end_block().ok());
  std::uint64_t hash = 0;
  EXPECT_EQ(::read(pipe_ends[0], &hash, sizeof hash), static_cast<ssize_t>(sizeof hash));
  ::close(pipe_ends[0]);
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return hash;
}

TEST(Seed, DecidesEveryTagInOneProcessOrTwo) {
  const auto folder = std::filesystem::temp_directory_path() / ("nicol-fork-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const WorldOptions world{busy_scenario(), 21, {}, 0, folder / "light"};
  const std::int64_t until = 50'000 * (std::int64_t{1} << 19) + 11'000'000;
  const std::uint64_t two = digest_of_other_process(world, until);
  auto alice = make_alice_rig(world), bob = make_bob_rig(world);
  test::make_ready(**alice);
  test::make_ready(**bob);
  auto* tagger = (*bob)->find<hal::TimeTagger>("tagger");
  ASSERT_TRUE(tagger->start().ok());
  std::uint64_t one = 0;
  std::thread reader([&] { one = digest(test::record(*tagger, 4096, until)); });
  auto* source = (*alice)->find<hal::PulsedSource>("source");
  const test::Settings settings = test::random_settings(1 << 19, 8);
  EXPECT_TRUE(source->begin_block(1 << 19).ok());
  EXPECT_TRUE(source->emit({0, 1 << 19, settings.bases, settings.bits, {}, {}}).ok());
  EXPECT_TRUE(source->end_block().ok());
  reader.join();
  std::filesystem::remove_all(folder);
  EXPECT_EQ(one, two);
}

// ---- Eve on a real link ----

TEST(EveOnTheLink, ShowsAtBobAndKnowsWhatHerNotesSay) {
  const Scenario s = without_memory(scenario_of("lossy"));
  constexpr std::uint64_t kSlots = 20'000'000;
  BenchLink link(s, {.eve = parse_eve("breidbart:0.5").value()});
  const auto block = link.run(kSlots);
  const test::Sifted sifted = test::sift(block, link, kSlots);
  const LinkExpectation theory = expect(s);
  for (std::size_t b = 0; b < 2; ++b) {
    const double e0 = theory.qber[b], expected = e0 + (1 - 2 * e0) * 0.5 / 4;
    EXPECT_LT(
        std::abs(sigmas(static_cast<double>(sifted.errors[b]), static_cast<double>(sifted.same_basis[b]), expected)),
        4.5);
  }
  double guessed = 0, noted = 0;
  for (const EveNote& note : eve_record(link.alice())->notes) {
    ++noted;
    guessed += note.guess[block.settings.diagonal(note.slot)] == static_cast<unsigned>(block.settings.bit(note.slot));
  }
  // She stands before the fibre, so its turn costs her nothing.
  EXPECT_LT(std::abs(sigmas(guessed, noted, std::pow(std::cos(std::numbers::pi / 8), 2))), 4.5);
  EXPECT_EQ(eve_record(link.bob()), nullptr);
}

// ---- what the controller can switch ----

std::uint64_t detector_tags(const test::Recording& r, std::uint16_t channel) {
  return static_cast<std::uint64_t>(
      std::count_if(r.tags.begin(), r.tags.end(), [&](const hal::TimeTag& t) { return t.channel == channel; }));
}

TEST(Shutter, AtEitherEndLeavesOnlyDarkCounts) {
  for (const bool at_alice : {true, false}) {
    BenchLink link(scenario_of("teaching"), {});
    (at_alice ? link.alice() : link.bob()).find<hal::Shutter>("shutter")->close();
    const auto block = link.run(1'000'000);  // 50 ms
    for (std::uint16_t c = 0; c < 4; ++c) EXPECT_LT(detector_tags(block.bob, c), 50u);
    EXPECT_GT(detector_tags(block.alice, 0), 10'000u) << "heralds do not pass the shutter";
  }
}

TEST(Detector, ThatIsDisabledGivesNoClicks) {
  BenchLink link(scenario_of("teaching"), {});
  link.bob().find<hal::Detector>("detector-2")->disable();
  const auto block = link.run(500'000);
  EXPECT_EQ(detector_tags(block.bob, 2), 0u);
  EXPECT_GT(detector_tags(block.bob, 3), 100u);
}

TEST(Detector, ReportsItsClickRate) {
  BenchLink link(scenario_of("teaching"), {});
  const auto block = link.run(2'000'000);
  const double expected = static_cast<double>(detector_tags(block.bob, 1)) / 0.1;
  EXPECT_NEAR(link.bob().find<hal::Detector>("detector-1")->rate()->value / expected, 1, 0.15);
}

TEST(Tagger, LosesTagsWhenTheLightIsTooBrightAndSaysWhich) {
  Scenario s = scenario_of("lossy");
  s.channel.loss_db = 3;
  s.tagger.drain_hz = 1e6;
  s.tagger.fifo_depth = 1000;
  BenchLink slow(s, {});
  s.tagger.drain_hz = 1e10;
  BenchLink fast(s, {});
  const auto lossy = slow.run(500'000), whole = fast.run(500'000);
  std::uint64_t lost = 0;
  for (const auto& loss : lossy.bob.losses) lost += loss.lost;
  EXPECT_GT(lost, 1000u);
  EXPECT_TRUE(lossy.bob.contract_kept);
  // Both read the same light to the same end.
  EXPECT_EQ(lossy.bob.tags.size() + lost, whole.bob.tags.size());
}

TEST(Source, GivesUpWaitingForLightThatNobodyTakesWhenSwitchedOff) {
  const auto folder = std::filesystem::temp_directory_path() / ("nicol-off-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  auto alice = make_alice_rig({scenario_of("teaching"), 1, {}, 0, folder / "light"});
  test::make_ready(**alice);
  auto* source = (*alice)->find<hal::PulsedSource>("source");
  std::thread off([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    source->disable_emission();
  });
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(source->begin_block(64).error().code, Code::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
  off.join();
  std::filesystem::remove_all(folder);
}

TEST(Source, KeepsToTheSpeedItWasGiven) {
  auto alice = make_alice_rig({scenario_of("teaching"), 1, {}, 2.0, {}});
  test::make_ready(**alice);
  auto* source = (*alice)->find<hal::PulsedSource>("source");
  const test::Settings settings = test::random_settings(1 << 20, 8);
  const auto before = std::chrono::steady_clock::now();
  ASSERT_TRUE(source->begin_block(1 << 20).ok());
  ASSERT_TRUE(source->emit({0, 1 << 20, settings.bases, settings.bits, {}, {}}).ok());
  // 52 ms of rig time at twice real time.
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(26));
}

TEST(Tagger, SaysDisconnectedWhenTheFibreEndsAndStartsAgainWithANewOne) {
  const auto folder = std::filesystem::temp_directory_path() / ("nicol-eof-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const WorldOptions world{scenario_of("teaching"), 1, {}, 0, folder / "light"};
  auto alice = make_alice_rig(world), bob = make_bob_rig(world);
  auto* tagger = (*bob)->find<hal::TimeTagger>("tagger");
  ASSERT_TRUE(tagger->start().ok());
  (*alice).reset();
  std::vector<hal::TimeTag> room(16);
  hal::TagBlock block;
  block.storage = room;
  EXPECT_EQ(tagger->acquire(block, SteadyDeadlines().in(std::chrono::seconds(2))), hal::StreamStatus::disconnected);
  ASSERT_TRUE(tagger->stop().ok());
  alice = make_alice_rig(world);
  EXPECT_TRUE(tagger->start().ok());
  std::filesystem::remove_all(folder);
}

/// Tags of Bob's first detector from 50 ms of light.
std::uint64_t tags_of_light(hal::Rig& alice, hal::Rig& bob) {
  constexpr std::uint64_t kSlots = 1 << 20;
  auto* tagger = bob.find<hal::TimeTagger>("tagger");
  EXPECT_TRUE(tagger->start().ok());
  const std::int64_t until = std::max(alice.clock->now(), bob.clock->now()).count + 50'000 * std::int64_t{kSlots};
  test::Recording recording;
  std::thread reader([&] { recording = test::record(*tagger, 4096, until); });
  auto* source = alice.find<hal::PulsedSource>("source");
  const test::Settings settings = test::random_settings(kSlots, 8);
  EXPECT_TRUE(source->begin_block(kSlots).ok());
  EXPECT_TRUE(source->emit({0, kSlots, settings.bases, settings.bits, {}, {}}).ok());
  EXPECT_TRUE(source->end_block().ok());
  reader.join();
  EXPECT_TRUE(tagger->stop().ok());
  EXPECT_TRUE(recording.contract_kept);
  return detector_tags(recording, 0);
}

/// Her clock begins at 0 again; his shutter opened, by his clock, long after that.
TEST(Tagger, SeesTheLightOfAnAliceWhoWasStartedAgain) {
  const auto folder = std::filesystem::temp_directory_path() / ("nicol-again-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const WorldOptions world{scenario_of("teaching"), 1, {}, 0, folder / "light"};
  auto bob = make_bob_rig(world);
  test::make_ready(**bob);
  double tags[3] = {};
  for (double& seen : tags) {
    auto alice = make_alice_rig(world);
    test::make_ready(**alice);
    seen = static_cast<double>(tags_of_light(**alice, **bob));
    auto* shutter = (*bob)->find<hal::Shutter>("shutter");
    shutter->close();
    ASSERT_TRUE(shutter->open().ok());
  }
  std::filesystem::remove_all(folder);
  EXPECT_GT(tags[0], 500);
  EXPECT_NEAR(tags[1] / tags[0], 1, 0.2);
  EXPECT_NEAR(tags[2] / tags[0], 1, 0.2);
}

}  // namespace
}  // namespace nicol::sim
