// SPDX-License-Identifier: Apache-2.0
// Photon statistics of every kind of source, in closed form and as emitted.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "sim/devices/emitter.hpp"
#include "sim/optics/photon_number.hpp"
#include "tests/unit/sim/bench_link.hpp"

namespace nicol::sim {
namespace {

struct Light {
  double mean, g2;
};
constexpr Light kLights[] = {{0.8, 0.0}, {0.8, 0.03}, {0.2, 0.5}, {0.5, 1.0}, {0.1, 1.0}, {0.4, 1.5}, {0.6, 2.0}};

TEST(PhotonNumber, HasTheMeanAndG2ItWasMadeWith) {
  for (const Light& light : kLights) {
    const PhotonNumber photons = PhotonNumber::make(light.mean, light.g2).value();
    double sum = 0, mean = 0, pairs = 0;
    for (unsigned n = 0; n < 200; ++n) {
      sum += photons.probability(n);
      mean += n * photons.probability(n);
      pairs += n * (n - 1.0) * photons.probability(n);
    }
    EXPECT_NEAR(sum, 1, 1e-9);
    EXPECT_NEAR(mean, light.mean, 1e-9);
    EXPECT_NEAR(pairs / (mean * mean), light.g2, 1e-9);
  }
}

TEST(PhotonNumber, IsItsOwnGeneratingFunction) {
  for (const Light& light : kLights) {
    const PhotonNumber photons = PhotonNumber::make(light.mean, light.g2).value();
    for (double x : {0.0, 0.3, 0.9, 1.0}) {
      double sum = 0;
      for (unsigned n = 0; n < 200; ++n) sum += photons.probability(n) * std::pow(x, n);
      EXPECT_NEAR(photons.generating(x), sum, 1e-9);
    }
  }
}

TEST(PhotonNumber, StaysInItsFamilyUnderLoss) {
  for (const Light& light : kLights) {
    const PhotonNumber before = PhotonNumber::make(light.mean, light.g2).value();
    for (double x : {0.0, 0.5, 0.9})
      EXPECT_NEAR(before.after_loss(0.3).generating(x), before.generating(0.7 + 0.3 * x), 1e-12);
  }
}

TEST(PhotonNumber, NeverExceedsTheInequalityOfG2) {
  for (const Light& light : kLights)
    EXPECT_LE(PhotonNumber::make(light.mean, light.g2)->at_least_two(), light.mean * light.mean * light.g2 / 2 + 1e-12);
}

TEST(PhotonNumber, RefusesWhatNoPulseCanHave) {
  EXPECT_FALSE(PhotonNumber::make(1.8, 0.3).ok());
  EXPECT_FALSE(PhotonNumber::make(-0.1, 1).ok());
}

// ---- as emitted ----

struct Tally {
  std::uint64_t events = 0, photons = 0, heralds = 0, herald_and_photon = 0, herald_and_two = 0, only_photon = 0;
  std::array<std::uint64_t, 4> by_number{};  // slots with 0 (unused), 1, 2, 3 or more photons
  std::vector<std::uint64_t> slots_with_photons;
};

Scenario pulsed(Light light, double loss_db) {
  Scenario s = load_scenario("lossy").value();
  s.source.mean_photon_number.fill(light.mean);
  s.source.g2.fill(light.g2);
  s.channel.loss_db = loss_db;
  for (DetectorModel& d : s.receiver.detectors) d.efficiency = 1;
  return s;
}

Tally emit(const Scenario& s, std::uint64_t slots, std::uint64_t seed = 3) {
  Emitter emitter(s, seed, {});
  const test::Settings settings = test::random_settings(slots, 9);
  emitter.begin_block(0, {0}, {10'000});
  Tally tally;
  LightBatch batch;
  std::vector<std::uint64_t> heralds;
  const hal::PatternChunk chunk{0, slots, settings.bases, settings.bits, {}, {}};
  for (std::uint64_t at = 0; at < slots;) {
    batch.header.first_slot = at;
    batch.header.photons = 0;
    heralds.clear();
    at = emitter.emit(chunk, {at, slots}, Path::open, batch, heralds);
    std::map<std::uint64_t, unsigned> number;
    for (std::size_t i = 0; i < batch.header.photons; ++i) ++number[batch.header.first_slot + batch.slot[i]];
    for (const auto& [slot, n] : number) {
      tally.photons += n;
      ++tally.by_number[std::min(n, 3U)];
      tally.slots_with_photons.push_back(slot);
    }
    tally.heralds += heralds.size();
    for (std::uint64_t slot : heralds)
      if (number.contains(slot)) {
        ++tally.herald_and_photon;
        tally.herald_and_two += number[slot] >= 2;
      }
    tally.only_photon = tally.slots_with_photons.size() - tally.herald_and_photon;
  }
  return tally;
}

void expect_count(std::uint64_t observed, double trials, double probability, const char* what) {
  if (trials * probability < 1e-6) {
    EXPECT_EQ(observed, 0u) << what;
    return;
  }
  EXPECT_LT(std::abs(test::sigmas(static_cast<double>(observed), trials, probability)), 4.5)
      << what << ": " << observed << ", expected " << trials * probability;
}

TEST(PulsedSource, EmitsEachPhotonNumberAsOftenAsTheoryAfterLoss) {
  constexpr std::uint64_t kSlots = 400'000;
  for (const Light& light : kLights)
    for (double loss_db : {0.0, 6.0}) {
      const Scenario s = pulsed(light, loss_db);
      const Tally tally = emit(s, kSlots);
      const PhotonNumber left = PhotonNumber::make(light.mean, light.g2)->after_loss(std::pow(10, -loss_db / 10));
      expect_count(tally.by_number[1], kSlots, left.probability(1), "one photon");
      expect_count(tally.by_number[2], kSlots, left.probability(2), "two photons");
      expect_count(tally.by_number[3], kSlots, left.at_least_two() - left.probability(2), "more");
    }
}

TEST(PulsedSource, GivesEachStateItsOwnBrightness) {
  Scenario s = pulsed({0.5, 0.2}, 3);
  s.source.mean_photon_number = {0.5, 0.2, 0.35, 0};
  constexpr std::uint64_t kSlots = 400'000;
  const Tally tally = emit(s, kSlots);
  const test::Settings settings = test::random_settings(kSlots, 9);
  std::array<std::uint64_t, 4> slots{}, lit{};
  for (std::uint64_t k = 0; k < kSlots; ++k) ++slots[2U * settings.diagonal(k) + settings.bit(k)];
  for (std::uint64_t k : tally.slots_with_photons) ++lit[2U * settings.diagonal(k) + settings.bit(k)];
  for (std::size_t state = 0; state < 4; ++state) {
    const PhotonNumber left =
        PhotonNumber::make(s.source.mean_photon_number[state], 0.2)->after_loss(std::pow(10, -0.3));
    expect_count(lit[state], static_cast<double>(slots[state]), 1 - left.generating(0), "lit slots");
  }
}

TEST(HeraldedSource, HeraldsAndEmitsAsPairsDo) {
  Scenario s = load_scenario("teaching").value();
  s.source.pair_probability = 0.1;
  s.source.g2.fill(0.3);
  s.channel.loss_db = 2;
  for (DetectorModel& d : s.receiver.detectors) d.efficiency = 1;
  constexpr std::uint64_t kSlots = 2'000'000;
  const Tally tally = emit(s, kSlots);
  const PhotonNumber left = PhotonNumber::make(0.8, 0.3)->after_loss(std::pow(10, -0.2));
  const double pair = 0.1, herald = s.source.herald_efficiency, some = 1 - left.generating(0);
  expect_count(tally.heralds, kSlots, pair * herald, "heralds");
  expect_count(tally.herald_and_photon, kSlots, pair * herald * some, "heralds with photons");
  expect_count(tally.only_photon, kSlots, pair * (1 - herald) * some, "photons without herald");
  expect_count(tally.herald_and_two, kSlots, pair * herald * left.at_least_two(), "two photons with a herald");
}

/// Slot by slot: a pair or not, each photon lost or not. Nothing in common with the emitter but the model.
std::vector<std::uint64_t> brute_force(const Scenario& s, std::uint64_t slots) {
  CounterStream stream({99, NodeId::world, Purpose::test, 0});
  const PhotonNumber photons = PhotonNumber::make(s.source.mean_photon_number[0], s.source.g2[0]).value();
  const double passed = std::pow(10, -s.channel.loss_db / 10);
  std::vector<std::uint64_t> lit;
  for (std::uint64_t slot = 0; slot < slots; ++slot) {
    unsigned n = 0;
    for (double u = stream.uniform(); u >= photons.probability(n) && n < 20; ++n) u -= photons.probability(n);
    unsigned survivors = 0;
    for (unsigned i = 0; i < n; ++i) survivors += stream.uniform() < passed;
    if (survivors > 0) lit.push_back(slot);
  }
  return lit;
}

TEST(GeometricSkipping, GivesTheGapsOfSlotBySlotBruteForce) {
  const Scenario s = pulsed({0.5, 1.0}, 4);
  constexpr std::uint64_t kSlots = 600'000;
  const auto histogram = [](const std::vector<std::uint64_t>& lit) {
    std::array<double, 20> gaps{};
    for (std::size_t i = 1; i < lit.size(); ++i) ++gaps[std::min<std::uint64_t>(lit[i] - lit[i - 1], 20) - 1];
    return gaps;
  };
  const auto skipped = histogram(emit(s, kSlots).slots_with_photons), walked = histogram(brute_force(s, kSlots));
  double chi2 = 0;
  for (std::size_t i = 0; i < skipped.size(); ++i)
    chi2 += (skipped[i] - walked[i]) * (skipped[i] - walked[i]) / (skipped[i] + walked[i]);
  EXPECT_LT(chi2, 20 + 4.5 * std::sqrt(2 * 20.0));  // two samples of nearly equal size: 20 degrees of freedom
  EXPECT_GT(skipped[19] + walked[19], 100);
}

TEST(GeometricSkipping, VisitsNoSlotThatLosesItsPhoton) {
  // 60 dB over 2^32 slots would take minutes slot by slot.
  Scenario s = pulsed({0.2, 0.002}, 60);
  Emitter emitter(s, 1, {});
  emitter.begin_block(0, {0}, {10'000});
  LightBatch batch;
  std::vector<std::uint64_t> heralds;
  const test::Settings settings = test::random_settings(1 << 20, 1);
  std::uint64_t photons = 0;
  for (std::uint64_t first = 0; first < std::uint64_t{1} << 32; first += 1 << 20) {
    batch.header.first_slot = first;
    batch.header.photons = 0;
    ASSERT_EQ(emitter.emit({first, 1 << 20, settings.bases, settings.bits, {}, {}}, {first, first + (1 << 20)},
                           Path::open, batch, heralds),
              first + (1 << 20));
    photons += batch.header.photons;
  }
  EXPECT_LT(std::abs(test::sigmas(static_cast<double>(photons), 4294967296.0, 0.2e-6)), 4.5);
}

}  // namespace
}  // namespace nicol::sim
