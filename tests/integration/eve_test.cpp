// SPDX-License-Identifier: Apache-2.0
// Eve as theory draws her (SECURITY-FORMULAS 2.2, amendment 9): her QBERs, and that what she knows is never of the key.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "controller/distillation/keylength.hpp"
#include "controller/service/emitter.hpp"
#include "controller/service/settings.hpp"
#include "tests/integration/link_run.hpp"
#include "tests/integration/program.hpp"

namespace nicol::test {
namespace {

using nlohmann::json;

struct Rates {
  std::array<double, 2> bits{}, errors{};
  double rate(std::size_t b) const { return errors[b] / bits[b]; }
  double variance(std::size_t b) const { return rate(b) * (1 - rate(b)) / bits[b]; }
};

/// Enough blocks with nine tenths disclosed for 1e5 compared bits in each basis.
Rates measure(const std::string& eve) {
  const Folder folder;
  std::string text = read_file(std::filesystem::path(NICOL_SOURCE_DIR) / "sim/scenario/teaching.toml");
  text += "sample_share = 0.9\n";
  text.replace(text.find("block_slots = 65_000_000"), 24, "block_slots = 75_000_000");
  write_file(folder / "open.toml", text);
  const Outcome o = nicol(
      {"run", "--scenario", (folder / "open.toml").string(), "--eve", eve, "--blocks", "2", "--seed", "5", "--json"});
  const json j = json::parse(o.out, nullptr, false);
  Rates r;
  if (j.is_discarded()) return r;
  for (const auto& b : j["blocks"])
    for (const auto& [name, i] : {std::pair{"rectilinear", 0U}, std::pair{"diagonal", 1U}}) {
      r.bits[i] += b["sample"][name]["bits"].get<double>();
      r.errors[i] += b["sample"][name]["errors"].get<double>();
    }
  return r;
}

/// The honest run once: e0 with its own uncertainty.
const Rates& honest() {
  static const Rates rates = measure("none");
  return rates;
}

struct Expectation {
  std::string eve;
  double fraction;
  std::array<double, 2> added;  // times fraction (1 - 2 e0), rectilinear and diagonal
};

class EveQber : public testing::TestWithParam<Expectation> {};

TEST_P(EveQber, AgreesWithTheoryInBothBasesOverAHundredThousandBits) {
  const auto& p = GetParam();
  const Rates seen = measure(p.eve);
  for (const std::size_t b : {0U, 1U}) {
    ASSERT_GE(seen.bits[b], 1e5);
    ASSERT_GE(honest().bits[b], 1e5);
    const double e0 = honest().rate(b), slope = 1 - 2 * p.fraction * p.added[b];
    const double expected = e0 + (1 - 2 * e0) * p.fraction * p.added[b];
    const double sigma = std::sqrt(seen.variance(b) + slope * slope * honest().variance(b));
    EXPECT_NEAR(seen.rate(b), expected, 4.5 * sigma) << p.eve << " basis " << b;
  }
}
INSTANTIATE_TEST_SUITE_P(Kinds, EveQber,
                         testing::Values(Expectation{"intercept-resend", 1, {0.25, 0.25}},
                                         Expectation{"intercept-resend:0.2", 0.2, {0.25, 0.25}},
                                         Expectation{"intercept-resend-rectilinear:0.5", 0.5, {0, 0.5}},
                                         Expectation{"intercept-resend-diagonal:0.5", 0.5, {0.5, 0}},
                                         Expectation{"breidbart:0.5", 0.5, {0.25, 0.25}}));

TEST(EveOnEveryPulse, AbortsForSecurityAndLeavesNothingInTheStores) {
  const Folder folder;
  const std::string state = (folder / "state").string();
  const Outcome o =
      nicol({"run", "--eve", "intercept-resend", "--blocks", "2", "--seed", "3", "--state", state, "--json"});
  EXPECT_EQ(o.exit, 3) << o.err;
  const json run = json::parse(o.out);
  for (const auto& b : run["blocks"]) EXPECT_EQ(b["abort_reason"], "qber");
  for (const char* side : {"/alice", "/bob"})
    EXPECT_TRUE(json::parse(nicol({"keys", "stats", "--json", "--state", state + side}).out)["keys"].empty());
}

TEST(EveInOneBasis, IsChargedWithTheErrorsOfTheOther) {
  const json run = json::parse(
      nicol({"run", "--eve", "intercept-resend-rectilinear:0.2", "--blocks", "1", "--seed", "3", "--json"}).out);
  const auto& b = run["blocks"][0];
  const double n = b["sifted_bits"].get<double>() - b["sample_bits"].get<double>();
  const double qber = b["qber"]["diagonal"].get<double>(), leak = b["leak_ec_bits"].get<double>();
  EXPECT_GT(b["secret_bits"].get<double>(), 0);
  EXPECT_LE(b["secret_bits"].get<double>() + 32, n * (1 - distillation::binary_entropy(qber)) - leak);
}

// ---- what she knows of the bits ----

/// Alice's bit of a slot, as she drew it: the same seeded draw, made again.
class Settings {
 public:
  Settings(std::uint64_t seed, std::uint64_t block) : random_(make_seeded_random(seed, NodeId::alice)), block_(block) {}
  bool bit(std::uint64_t slot) {
    const std::uint64_t first = slot / service::EmitterOptions::kChunkSlots * service::EmitterOptions::kChunkSlots;
    auto it = chunks_.find(first);
    if (it == chunks_.end()) it = chunks_.emplace(first, draw(first)).first;
    return it->second.get(slot - first);
  }

 private:
  secret::PublicBits draw(std::uint64_t first) {
    const auto bits = service::draw_setting_bits(service::EmitterOptions::kChunkSlots, *random_, block_, first);
    return bits.disclose(secret::PublicBits(bits.size()).complement());
  }
  std::unique_ptr<Random> random_;
  std::uint64_t block_;
  std::map<std::uint64_t, secret::PublicBits> chunks_;
};

std::map<std::uint64_t, const sim::EveNote*> notes_of(const LinkRun& run, std::uint32_t block) {
  std::map<std::uint64_t, const sim::EveNote*> out;
  for (const auto& n : run.notes)
    if (n.block == block) out[n.slot] = &n;
  return out;
}

struct Guessing {
  std::string eve;
  double right;
};
class EveGuess : public testing::TestWithParam<Guessing> {};

TEST_P(EveGuess, OfTheSiftedBitOnAttackedSlotsIsRightAsOftenAsTheorySays) {
  LinkRunOptions o;
  o.scenario = small_teaching(40'000);
  o.eve = *sim::parse_eve(GetParam().eve);
  o.seed = 11;
  const LinkRun run = run_link(o);
  const auto blocks = captured_blocks(run.frames, 64);
  ASSERT_EQ(blocks.size(), 1U);
  const auto notes = notes_of(run, 0);
  Settings settings(o.seed, 0);
  double attacked = 0, right = 0;
  for (const std::uint64_t slot : blocks[0].key_slots) {
    const auto note = notes.find(slot);
    if (note == notes.end()) continue;
    attacked += 1;
    right += (note->second->guess[0] != 0) == settings.bit(slot) ? 1 : 0;
  }
  ASSERT_GT(attacked, 500);
  EXPECT_NEAR(right / attacked, GetParam().right,
              4.5 * std::sqrt(0.25 / attacked) + 0.01);  // 1 %: Alice's own preparation errors
}
INSTANTIATE_TEST_SUITE_P(Kinds, EveGuess,
                         testing::Values(Guessing{"intercept-resend:0.2", 0.75}, Guessing{"breidbart:0.2", 0.8536}));

struct Knowledge {
  std::vector<std::uint64_t> unknown;  // mask over the raw key
  std::size_t known = 0, ignorant = 0;
};

/// Intercept-resend knows the raw bit where she measured in the key basis; everything else is U.
Knowledge knowledge(const CapturedBlock& block, const std::map<std::uint64_t, const sim::EveNote*>& notes) {
  Knowledge k;
  k.unknown.assign((block.key_slots.size() + 63) / 64, 0);
  for (std::size_t i = 0; i < block.key_slots.size(); ++i) {
    const auto note = notes.find(block.key_slots[i]);
    if (note != notes.end() && note->second->basis == 0) {
      ++k.known;
      continue;
    }
    k.unknown[i / 64] |= std::uint64_t{1} << (i % 64);
    ++k.ignorant;
  }
  return k;
}

/// rank[P_U; T_U] = rank(P_U) + l: no combination of key bits is a function of what she has.
bool ignorant_of(const Gf2Rows& disclosed, const Gf2Rows& key, std::size_t disclosed_rank) {
  Gf2Rows both = disclosed;
  both.append(key);
  return both.rank() == disclosed_rank + key.rows();
}

class EveRank : public testing::TestWithParam<std::string> {};

/// Blocks of one run that count: key long enough, Eve knowing enough.
std::size_t check_run(const std::string& eve, std::uint64_t seed) {
  LinkRunOptions o;
  o.scenario = small_teaching(7'500);
  o.eve = *sim::parse_eve(eve);
  o.seed = seed;
  o.blocks = 20;  // as many as one pre-shared key carries through blocks too short to refill it
  const LinkRun run = run_link(o);
  std::map<std::uint64_t, std::uint32_t> ordinal;  // the store's number to the source's count
  for (std::size_t i = 0; i < run.alice.size(); ++i) ordinal[run.alice[i].block] = static_cast<std::uint32_t>(i);
  std::size_t counted = 0;
  for (const auto& block : captured_blocks(run.frames, 64)) {
    const auto k = knowledge(block, notes_of(run, ordinal.at(block.block)));
    if (block.output_bits < 64 || k.known < 50) continue;
    Gf2Rows disclosed = block.parities;
    disclosed.append(block.verification);
    const Gf2Rows seen = disclosed.restricted(k.unknown);
    const std::size_t rank = seen.rank();
    EXPECT_TRUE(ignorant_of(seen, block.toeplitz(block.output_bits).restricted(k.unknown), rank))
        << "block " << block.block;
    if (++counted > 2) continue;  // the controls must fail; a few blocks of each run say so
    EXPECT_FALSE(ignorant_of(seen, block.toeplitz(k.ignorant - rank + 20).restricted(k.unknown), rank))
        << "a key 20 bits too long passed";
    EXPECT_FALSE(ignorant_of(seen, block.toeplitz(k.ignorant).restricted(k.unknown), rank))
        << "a key that forgets the leak passed";
  }
  return counted;
}

TEST_P(EveRank, ShowsThatSheKnowsNothingOfTheFinalKeyInAHundredBlocks) {
  std::size_t counted = 0;
  for (std::uint64_t seed = 77; counted < 100 && seed < 90; ++seed) counted += check_run(GetParam(), seed);
  EXPECT_GE(counted, 100U);
}
INSTANTIATE_TEST_SUITE_P(Kinds, EveRank, testing::Values("intercept-resend:0.1", "intercept-resend-rectilinear:0.1"));

TEST(DeliveredKey, IsTheToeplitzHashOfTheRawKeyUnderTheSeedOnTheWire) {
  LinkRunOptions o;
  o.scenario = small_teaching(40'000);
  o.seed = 21;
  const LinkRun run = run_link(o);
  const auto blocks = captured_blocks(run.frames, 64);
  ASSERT_EQ(blocks.size(), 1U);
  ASSERT_EQ(run.alice_keys.size(), 1U);
  const auto& block = blocks[0];
  Settings settings(o.seed, 0);
  secret::PublicBits raw(block.key_slots.size());
  for (std::size_t i = 0; i < raw.size(); ++i) raw.set(i, settings.bit(block.key_slots[i]));
  const auto& split = run.splits[0];
  std::uint64_t at = 0;
  for (const std::uint64_t n : split.pools) at += n;
  const std::size_t n = raw.size();
  for (std::size_t i = 0; i < run.alice_keys[0].size(); ++i, ++at) {
    bool y = false;
    for (std::size_t j = 0; j < n; ++j) y ^= raw.get(j) && block.seed.get(at - j + n - 1);
    ASSERT_EQ(run.alice_keys[0].get(i), y) << "bit " << i;
    ASSERT_EQ(run.bob_keys[0].get(i), y) << "bit " << i;
  }
}

TEST(Ledger, CountsExactlyTheParityBitsOnTheWire) {
  LinkRunOptions o;
  o.scenario = small_teaching(20'000);
  o.blocks = 3;
  const LinkRun run = run_link(o);
  const auto blocks = captured_blocks(run.frames, 64);
  ASSERT_EQ(blocks.size(), run.alice.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(run.alice[i].parity_bits, blocks[i].parity_answers);
    EXPECT_EQ(run.alice[i].parity_bits, blocks[i].parities.rows());
    EXPECT_EQ(run.bob[i].parity_bits, blocks[i].parity_answers);
  }
}

}  // namespace
}  // namespace nicol::test
