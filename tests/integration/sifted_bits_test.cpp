// SPDX-License-Identifier: Apache-2.0
// One entangled run, sifted twice: live by the nodes (as the replay of their recordings says), and from the raw tags by
// `tool tags` and `tool sift`, which fit clocks, delays and window anew. Compared bit by bit, each at Alice's time;
// what only one of them has is explained one by one.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "controller/detection/pairs/pair_sifter.hpp"
#include "controller/detection/pairs/pair_tracker.hpp"
#include "controller/service/recorded_facts.hpp"
#include "drivers/files/tag_file.hpp"
#include "tests/integration/program.hpp"
#include "tests/integration/recorded_run.hpp"

namespace nicol::test {
namespace {

using namespace detection::pairs;
using nlohmann::json;

struct Bits {
  bool alice = false, bob = false;
  bool operator==(const Bits&) const = default;
};
/// ps off the line, well inside of both windows (about a nanosecond to either side): a pair here is in both.
constexpr std::int64_t kInside = 700;

/// By the nanosecond of Alice's clock: what she told of her click.
using Sifted = std::map<std::int64_t, Bits>;

/// One side's raw tags as `tool sift` reads them, and what its node knew of their arrival.
class RawTags {
 public:
  RawTags(const std::filesystem::path& words, const std::filesystem::path& recording,
          const recording::SealSecret& key) {
    auto file = files::TagFile::open(words, files::FileFormat::readevents).value();
    tick_ = file.tick();
    for (auto events = file.next(); events && !events->empty(); events = file.next())
      for (const files::FileEvent& e : *events) {
        ticks_.push_back(e.ticks);
        patterns_.push_back(e.kind == files::FileEvent::Kind::event ? static_cast<Pattern>(e.pattern) : kDummy);
      }
    auto reader = recording::Reader::open(recording, key).value();
    if (!reader.head()) throw std::runtime_error("an empty recording");
    timing_ = service::decode_node_facts(*reader.rest(1 << 16)).value().timing;
  }
  TickLength tick() const { return tick_; }
  std::span<const std::int64_t> ticks() const { return ticks_; }
  std::span<const Pattern> patterns() const { return patterns_; }
  /// ps, delay taken off.
  std::int64_t arrival(std::size_t k) const {
    std::int64_t delay = 0;
    for (const hal::ChannelLayout& c : timing_.channels)
      if ((unsigned{patterns_[k]} >> (2U * c.bit + c.basis) & 1U) != 0) delay = c.delay.count;
    return tick_.to_picoseconds(ticks_[k]).count - delay;
  }
  /// A node judges this tag by its neighbours too: another one before it blinds it, one right after it is a double.
  bool crowded(std::size_t k) const {
    constexpr std::int64_t kJoin = 4'000, kMargin = 1'000;
    const bool after_another = k > 0 && arrival(k) - arrival(k - 1) <= timing_.blind_time.count + kMargin;
    const bool before_another = k + 1 < ticks_.size() && arrival(k + 1) - arrival(k) <= kJoin + kMargin;
    return after_another || before_another || !std::has_single_bit(unsigned{patterns_[k]});
  }

 private:
  TickLength tick_;
  std::vector<std::int64_t> ticks_;
  std::vector<Pattern> patterns_;
  hal::TimingLayout timing_;
};

struct Commands {
  Folder folder;
  json run, sift;
  std::string file(const std::string& name) const { return (folder / name).string(); }
  json command(std::vector<std::string> arguments) const {
    const Outcome o = nicol(std::move(arguments));
    if (o.exit != 0) throw std::runtime_error(o.err + o.out);
    return json::parse(o.out);
  }
  Commands() {
    run = command({"run", "--scenario", "entangled", "--blocks", "1", "--seed", "11", "--json", "--tags", file("tags"),
                   "--record", file("recording")});
    command({"--json", "replay", file("recording"), "--sifted", file("sifted")});
    for (const std::string side : {"alice", "bob"})
      command({"tool", "tags", "--input", file("tags/" + side + ".tags"), "--format", "nicol", "--to", "readevents",
               "--output", file(side + ".words")});
    sift =
        command({"tool", "sift", "--alice", file("alice.words"), "--bob", file("bob.words"), "--format", "readevents",
                 "--state", "psi-minus", "--alice-bits", file("a.bits"), "--bob-bits", file("b.bits")});
  }
};

class SiftedBits : public testing::Test {
 protected:
  static const Commands& commands() {
    static const Commands once;
    return once;
  }
  static RawTags side(const std::string& name) {
    return {commands().folder / (name + ".words"), commands().folder / "recording" / name,
            key_of(commands().folder / "recording")};
  }
  static bool bit_of(const std::string& bytes, std::size_t k) {
    return (static_cast<unsigned char>(bytes.at(k / 8)) >> (k % 8) & 1) != 0;
  }
  static Sifted live() {
    const auto folder = commands().folder / "sifted";
    const std::string a = read_file(folder / "alice-0.bits"), b = read_file(folder / "bob-0.bits");
    std::istringstream places(read_file(folder / "alice-0.places"));
    Sifted out;
    std::int64_t place = 0;
    for (std::size_t k = 0; places >> place; ++k) out[place / 1000] = {bit_of(a, k), bit_of(b, k)};
    return out;
  }
  using Pairs = std::vector<std::pair<std::int64_t, Coincidence>>;
  /// Coincidences of the raw tags as `tool sift` finds them (its own window: none given), at Alice's times.
  Pairs pairs(std::optional<Picoseconds> window) const {
    TrackerOptions options;
    options.window = window;
    PairTracker tracker(hers_.tick(), his_.tick(), options);
    EXPECT_TRUE(tracker.feed(Side::alice, hers_.ticks(), hers_.patterns()).ok());
    EXPECT_TRUE(tracker.feed(Side::bob, his_.ticks(), his_.patterns()).ok());
    Pairs out;
    for (const Coincidence& c : tracker.finish()) out.emplace_back(hers_.arrival(c.alice_index) / 1000, c);
    return out;
  }
  /// The tool's bits, at the times of the coincidences that made them; the bits themselves are those of its files.
  Sifted tool() const {
    const std::string a = read_file(commands().folder / "a.bits"), b = read_file(commands().folder / "b.bits");
    PairSifter sifter(PairState::psi_minus, MultiClicks::drop, 0);
    Sifted out;
    std::size_t k = 0;
    for (const auto& [ns, pair] : pairs(std::nullopt))
      if (const auto bits = sifter(pair)) {
        const Bits written{bit_of(a, k), bit_of(b, k)};
        EXPECT_EQ(written, (Bits{bits->alice, bits->bob})) << "bit " << k;
        out[ns] = written;
        ++k;
      }
    EXPECT_EQ(k, commands().sift["sifted_bits"].get<std::size_t>());
    return out;
  }
  const RawTags hers_ = side("alice"), his_ = side("bob");
};

TEST_F(SiftedBits, OfTheReplayAreAsManyAsTheRunHad) {
  EXPECT_EQ(live().size(), commands().run["blocks"][0]["sifted_bits"].get<std::size_t>());
  EXPECT_EQ(read_file(commands().folder / "sifted/alice-0.places"),
            read_file(commands().folder / "sifted/bob-0.places"));
}

/// How pairs that one of the two lacks, or that say other bits, are explained.
struct Tally {
  std::size_t same = 0;     // in both, the same bits
  std::size_t crowded = 0;  // another tag beside it: blinded, or a double, whose bits the nodes draw
  std::size_t edge = 0;     // one window ends between the two residuals; hers is cut to nanoseconds in what she told
  std::size_t outside = 0;  // of the block: taggers go on a little longer
  std::size_t unexplained = 0;
};

TEST_F(SiftedBits, OfTheToolAreTheNodesOrExplained) {
  const Sifted nodes = live(), tools = tool();
  Tally tally;
  for (const auto& [ns, pair] : pairs(std::nullopt)) {
    const auto here = tools.find(ns), there = nodes.find(ns);
    if (here == tools.end()) continue;
    const std::int64_t told = pair.residual + hers_.arrival(pair.alice_index) % 1000 - 500;
    if (there != nodes.end() && here->second == there->second)
      ++tally.same;
    else if (hers_.crowded(pair.alice_index) || his_.crowded(pair.bob_index))
      ++tally.crowded;
    else if (ns < nodes.begin()->first || ns > nodes.rbegin()->first)
      ++tally.outside;
    else if (there == nodes.end() && std::abs(told) > kInside)
      ++tally.edge;
    else
      ++tally.unexplained;
  }
  EXPECT_EQ(tally.unexplained, 0u);
  EXPECT_GT(tally.same, tools.size() * 98 / 100);
  EXPECT_LT(tally.edge, tools.size() / 200);
  EXPECT_LT(tally.outside, 100u);
}

TEST_F(SiftedBits, OfTheNodesAreTheToolsOrExplained) {
  const Sifted nodes = live(), tools = tool();
  const Pairs found = pairs(Picoseconds{6'000});  // wider than the tool's own window: it lacks what lies beyond
  const std::map<std::int64_t, Coincidence> wide(found.begin(), found.end());
  Tally tally;
  for (const auto& [ns, bits] : nodes) {
    const auto there = tools.find(ns);
    const auto pair = wide.find(ns);
    if (there != tools.end() && there->second == bits)
      ++tally.same;
    else if (pair == wide.end())
      ++tally.unexplained;
    else if (hers_.crowded(pair->second.alice_index) || his_.crowded(pair->second.bob_index))
      ++tally.crowded;
    else if (there == tools.end() && std::abs(pair->second.residual) > kInside)
      ++tally.edge;
    else
      ++tally.unexplained;
  }
  EXPECT_EQ(tally.unexplained, 0u);
  EXPECT_GT(tally.same, nodes.size() * 98 / 100);
  EXPECT_LT(tally.edge, nodes.size() / 200);
}

}  // namespace
}  // namespace nicol::test
