// SPDX-License-Identifier: Apache-2.0
// Light through two emulated boards: Alice's and Bob's simulated halves behind firmware, fake USB, libusb and this
// driver, against the same two halves without anything between.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <thread>

#include "drivers/rig/driver.hpp"
#include "sim/devices/timing.hpp"
#include "sim/devices/world.hpp"
#include "sim/emulators/rig_board.hpp"
#include "sim/scenario/scenario.hpp"
#include "tests/support/fake_usb.hpp"
#include "tests/unit/sim/bench_link.hpp"

namespace nicol::test {
namespace {

constexpr std::uint64_t kSlots = 2'000'000, kSeed = 7;
constexpr std::uint64_t kRealBlock = 65'000'000;  // slots of a block of `emulated`, 3.25 s
constexpr std::size_t kChunk = std::size_t{1} << 19;

sim::Scenario scenario() {
  auto loaded = sim::load_scenario("teaching");
  EXPECT_TRUE(loaded.ok());
  return *loaded;
}

std::filesystem::path fresh_folder() {
  auto folder = std::filesystem::temp_directory_path() / ("nicol-rig-light-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  return folder;
}

std::unique_ptr<hal::Rig> half(Result<std::unique_ptr<hal::Rig>> made) {
  EXPECT_TRUE(made.ok());
  return *std::move(made);
}

/// A slow test machine must not look like a broken cable.
rig::Timing patient() {
  rig::Timing timing;
  timing.usb.wait_ms = 400;
  timing.silence = std::chrono::milliseconds(5000);
  return timing;
}

class TwoBoards {
 public:
  explicit TwoBoards(double speed)
      : folder_(fresh_folder()),
        world_{scenario(), kSeed, {}, speed, folder_ / "light", {}},
        alice_(half(sim::make_alice_rig(world_)), {"ALICE1", 1}),
        bob_(half(sim::make_bob_rig(world_)), {"BOB1", 1}),
        alice_usb_(alice_, port("1-1")),
        bob_usb_(bob_, port("1-2")),
        driver_(rig::driver(hub_, patient())) {}
  ~TwoBoards() { std::filesystem::remove_all(folder_); }

  template <class T>
  std::unique_ptr<T> open(const std::string& board, const std::string& unit, hal::DeviceArgs args = {}) {
    args.insert({{"serial", board}, {"unit", unit}});
    auto made = driver_.make(args);
    if (!made) throw std::runtime_error(describe(made.error()));
    return std::unique_ptr<T>(&dynamic_cast<T&>(*made->release()));
  }
  sim::RigBoard& alice() { return alice_; }

 private:
  static FakeUsb::Options port(const std::string& name) {
    FakeUsb::Options options;
    options.port = name;
    return options;
  }
  std::filesystem::path folder_;
  sim::WorldOptions world_;
  sim::RigBoard alice_, bob_;
  FakeUsb alice_usb_, bob_usb_;
  transport::Hub hub_;
  hal::Driver driver_;
};

/// Alice's source, shutter and tagger; Bob's tagger, shutter and detectors.
struct Units {
  explicit Units(TwoBoards& boards)
      : source(boards.open<hal::PulsedSource>("ALICE1", "source", {{"heralded", "1"}})),
        heralds(boards.open<hal::TimeTagger>("ALICE1", "tagger")),
        alice_shutter(boards.open<hal::Shutter>("ALICE1", "shutter-0")),
        tagger(boards.open<hal::TimeTagger>("BOB1", "tagger")),
        bob_shutter(boards.open<hal::Shutter>("BOB1", "shutter-0")) {
    for (std::size_t k = 0; k < 4; ++k)
      detectors.push_back(boards.open<hal::Detector>("BOB1", "detector-" + std::to_string(k)));
  }
  void make_ready() {
    const auto ok = [](const Result<void>& r) { ASSERT_TRUE(r.ok()) << describe(r.error()); };
    ok(alice_shutter->open());
    ok(bob_shutter->open());
    for (auto& d : detectors) ok(d->enable());
    ok(source->arm({1}));
    ok(source->set_light_level(hal::LightLevel::quantum));
    ok(source->enable_emission());
  }
  std::unique_ptr<hal::PulsedSource> source;
  std::unique_ptr<hal::TimeTagger> heralds;
  std::unique_ptr<hal::Shutter> alice_shutter;
  std::unique_ptr<hal::TimeTagger> tagger;
  std::unique_ptr<hal::Shutter> bob_shutter;
  std::vector<std::unique_ptr<hal::Detector>> detectors;
};

struct Block {
  Recording alice, bob;
};

/// As BenchLink has it, so that both count the same stretch of time.
std::int64_t stretch(Picoseconds period, std::uint64_t slots) {
  return sim::quiet_time(scenario()).count + period.count * static_cast<std::int64_t>(slots) + 1'000'000;
}

Block one_block(Units& units, std::uint64_t slots) {
  Block block;
  const Settings settings = random_settings(slots, kSeed * 1000);
  EXPECT_TRUE(units.tagger->start().ok());
  EXPECT_TRUE(units.heralds->start().ok());
  const std::int64_t until = stretch(units.source->caps().slot_period, slots);
  std::thread bob([&] { block.bob = record(*units.tagger, 1 << 14, until); });
  std::thread alice([&] { block.alice = record(*units.heralds, 1 << 14, until); });
  const auto begun = units.source->begin_block(slots);
  EXPECT_TRUE(begun.ok()) << describe(begun.error());
  for (std::uint64_t first = 0; first < slots; first += kChunk) {
    const std::size_t n = std::min<std::size_t>(kChunk, slots - first);
    const auto words = [&](const std::vector<std::uint64_t>& all) {
      return std::span(all).subspan(first / 64, (n + 63) / 64);
    };
    const auto emitted = units.source->emit({first, n, words(settings.bases), words(settings.bits), {}, {}});
    EXPECT_TRUE(emitted.ok()) << describe(emitted.error());
  }
  const auto ended = units.source->end_block();
  EXPECT_TRUE(ended.ok()) << describe(ended.error());
  bob.join();
  alice.join();
  return block;
}

std::array<std::uint64_t, 8> counts(const Recording& recording) {
  std::array<std::uint64_t, 8> counts{};
  for (const hal::TimeTag& tag : recording.tags) ++counts.at(tag.channel);
  return counts;
}

void expect_alike(const Recording& emulated, const Recording& plain) {
  EXPECT_TRUE(emulated.odd.empty());
  EXPECT_TRUE(emulated.contract_kept);
  EXPECT_TRUE(emulated.losses.empty());
  const auto a = counts(emulated), b = counts(plain);
  for (std::size_t c = 0; c < a.size(); ++c) {
    const double difference = static_cast<double>(a[c]) - static_cast<double>(b[c]);
    EXPECT_LE(std::abs(difference), 4.5 * std::sqrt(static_cast<double>(a[c] + b[c]) + 1)) << "channel " << c;
  }
}

TEST(RigLight, CountsThroughTwoBoardsAsInThePlainSimulator) {
  BenchLink plain(scenario(), {.seed = kSeed});
  const BenchLink::Block expected = plain.run(kSlots);
  TwoBoards boards(1);
  Units units(boards);
  units.make_ready();
  const Block block = one_block(units, kSlots);
  ASSERT_GT(block.bob.tags.size(), 10'000u);
  ASSERT_GT(block.alice.tags.size(), 10'000u);
  expect_alike(block.bob, expected.bob);
  expect_alike(block.alice, expected.alice);
  units.source->disable_emission();
  EXPECT_EQ(boards.alice().core().emission(), fw::Emission::off);
}

TEST(RigLightLong, KeepsUpWithRealTime) {
  TwoBoards boards(1);
  Units units(boards);
  units.make_ready();
  const auto begin = std::chrono::steady_clock::now();
  const Block block = one_block(units, kRealBlock);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  RecordProperty("seconds", std::to_string(seconds));
  EXPECT_LT(seconds, 1.2 * 3.25);
  EXPECT_TRUE(block.bob.losses.empty());
  EXPECT_TRUE(block.alice.losses.empty());
  EXPECT_GT(block.bob.tags.size(), 300'000u);
}

}  // namespace
}  // namespace nicol::test
