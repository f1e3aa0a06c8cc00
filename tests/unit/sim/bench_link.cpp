// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/sim/bench_link.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "drivers/hal/random.hpp"
#include "sim/devices/timing.hpp"

namespace nicol::test {
namespace {

std::filesystem::path fresh_folder() {
  static std::atomic<int> count{0};
  auto folder = std::filesystem::temp_directory_path() /
                ("nicol-sim-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
  std::filesystem::create_directories(folder);
  return folder;
}

std::int64_t rig_ps(const hal::Rig& rig, const sim::Scenario& s, std::int64_t ticks) {
  const bool bob = rig.receiver != hal::ReceiverKind::none;
  const double ps =
      static_cast<double>(ticks) * static_cast<double>(s.tagger.tick_num) / static_cast<double>(s.tagger.tick_den);
  return static_cast<std::int64_t>(std::llround(bob ? ps / (1 + s.bob_clock.ppm * 1e-6) : ps));
}

/// Start of slot 0: the mean over all sync tags of where each puts it.
std::int64_t slot_zero(const Recording& r, const hal::Rig& rig, const sim::Scenario& s) {
  const auto& channels = rig.timing.channels;
  const auto sync =
      std::find_if(channels.begin(), channels.end(), [](const auto& c) { return c.role == hal::ChannelRole::sync; });
  std::int64_t first = 0, sum = 0, count = 0;
  const std::int64_t interval = rig.timing.slot_period.count * rig.timing.sync_divider;
  for (const hal::TimeTag& tag : r.tags) {
    if (tag.channel != sync->channel) continue;
    const std::int64_t t = rig_ps(rig, s, tag.ticks);
    if (count == 0) first = t;
    sum += t - first - count * interval;
    ++count;
  }
  return count == 0 ? 0 : first + sum / count;
}

void check_block(const hal::TagBlock& b, const hal::TagBlock& last, bool first, std::uint64_t index, Recording& out) {
  bool ok = first || b.t_begin == last.t_end;
  std::uint64_t lost = 0;
  for (const auto& loss : b.losses()) lost += loss.lost;
  ok = ok && b.first_index == index + lost && b.t_end >= b.t_begin;
  std::int64_t before = b.t_begin;
  for (const hal::TimeTag& tag : b.tags()) {
    ok = ok && tag.ticks >= before;
    before = tag.ticks;
  }
  ok = ok && before <= b.t_end;
  out.contract_kept = out.contract_kept && ok;
}

}  // namespace

Settings random_settings(std::uint64_t slots, std::uint64_t seed) {
  Settings s;
  s.bases.resize((slots + 63) / 64);
  s.bits.resize((slots + 63) / 64);
  CounterStream({seed, NodeId::alice, Purpose::settings, 0}).fill(std::as_writable_bytes(std::span(s.bases)));
  CounterStream({seed, NodeId::alice, Purpose::settings, 1}).fill(std::as_writable_bytes(std::span(s.bits)));
  return s;
}

void make_ready(hal::Rig& rig) {
  bool ready = true;
  for (const auto& e : rig.entries()) {
    if (auto* shutter = dynamic_cast<hal::Shutter*>(e.device.get())) ready = ready && shutter->open().ok();
    if (auto* detector = dynamic_cast<hal::Detector*>(e.device.get())) ready = ready && detector->enable().ok();
    if (auto* source = dynamic_cast<hal::PhotonSource*>(e.device.get()))
      ready = ready && source->arm({1}).ok() && source->set_light_level(hal::LightLevel::quantum).ok() &&
              source->enable_emission().ok();
  }
  ASSERT_TRUE(ready);
}

Recording record(hal::TimeTagger& tagger, std::size_t storage, std::int64_t until) {
  Recording out;
  std::vector<hal::TimeTag> tags(storage);
  std::vector<hal::LossInterval> losses(16);
  hal::TagBlock last;
  const TickLength tick = tagger.caps().tick;
  std::uint64_t index = 0;
  bool first = true;
  while (tick.to_picoseconds(last.t_end).count < until) {
    hal::TagBlock block;
    block.storage = tags;
    block.loss_storage = losses;
    const hal::StreamStatus status = tagger.acquire(block, SteadyDeadlines().in(std::chrono::seconds(10)));
    if (status != hal::StreamStatus::ok && status != hal::StreamStatus::overflow) {
      out.odd.push_back(status);
      break;
    }
    check_block(block, last, first, index, out);
    first = false;
    index = block.first_index + block.tag_count;
    out.tags.insert(out.tags.end(), block.tags().begin(), block.tags().end());
    out.losses.insert(out.losses.end(), block.losses().begin(), block.losses().end());
    last = block;
  }
  out.end = last.t_end;
  const auto after = [&](const hal::TimeTag& t) { return tick.to_picoseconds(t.ticks).count >= until; };
  out.tags.erase(std::find_if(out.tags.begin(), out.tags.end(), after), out.tags.end());
  return out;
}

BenchLink::BenchLink(const sim::Scenario& scenario, const RunOptions& options)
    : scenario_(scenario), options_(options), folder_(fresh_folder()) {
  const sim::WorldOptions world{scenario, options.seed, options.eve, 0, folder_ / "light"};
  auto alice = sim::make_alice_rig(world), bob = sim::make_bob_rig(world);
  EXPECT_TRUE(alice.ok() && bob.ok());
  alice_ = std::move(alice).value();
  bob_ = std::move(bob).value();
  make_ready(*alice_);
  make_ready(*bob_);
}

BenchLink::~BenchLink() {
  alice_.reset();
  bob_.reset();
  std::filesystem::remove_all(folder_);
}

BenchLink::Block BenchLink::run(std::uint64_t slots) {
  Block block{random_settings(slots, options_.seed * 1000 + blocks_++), {}, {}};
  auto* source = alice_->find<hal::PulsedSource>("source");
  auto* heralds = alice_->find<hal::TimeTagger>("tagger");
  auto* tagger = bob_->find<hal::TimeTagger>("tagger");
  EXPECT_TRUE(tagger->start().ok());
  EXPECT_TRUE(!heralds || heralds->start().ok());
  const Picoseconds period = alice_->timing.slot_period;
  const std::int64_t begin = alice_->clock->now().count;
  const std::int64_t until =
      sim::light_begins(scenario_, {begin}).count + period.count * static_cast<std::int64_t>(slots) + 1'000'000;
  const std::int64_t his_until = until + Picoseconds::seconds(scenario_.bob_clock.offset_s).count;
  std::thread bob([&] { block.bob = record(*tagger, options_.storage, his_until); });
  EXPECT_TRUE(source->begin_block(slots).ok());
  for (std::uint64_t first = 0; first < slots; first += options_.chunk) {
    const std::size_t n = std::min<std::size_t>(options_.chunk, slots - first);
    const auto words = [&](const std::vector<std::uint64_t>& all) {
      return std::span(all).subspan(first / 64, (n + 63) / 64);
    };
    const auto emitted = source->emit({first, n, words(block.settings.bases), words(block.settings.bits), {}, {}});
    EXPECT_TRUE(emitted.ok()) << describe(emitted.error());
  }
  EXPECT_TRUE(source->end_block().ok());
  bob.join();
  if (heralds) block.alice = record(*heralds, options_.storage, until);
  EXPECT_TRUE(tagger->stop().ok());
  EXPECT_TRUE(!heralds || heralds->stop().ok());
  return block;
}

std::vector<std::uint64_t> gated_slots(const Recording& recording, const hal::Rig& rig, const sim::Scenario& s,
                                       std::uint16_t channel) {
  std::vector<std::uint64_t> slots;
  const std::int64_t period = rig.timing.slot_period.count, half = rig.timing.gate_width.count / 2;
  const std::int64_t start = slot_zero(recording, rig, s);
  const std::int64_t delay = rig.timing.channels[channel].delay.count;
  for (const hal::TimeTag& tag : recording.tags) {
    if (tag.channel != channel) continue;
    const std::int64_t t = rig_ps(rig, s, tag.ticks) - start - delay + period / 2;
    if (t < 0) continue;
    if (std::abs(t % period - period / 2) <= half) slots.push_back(static_cast<std::uint64_t>(t / period));
  }
  return slots;
}

Sifted sift(const BenchLink::Block& block, BenchLink& link, std::uint64_t slots) {
  Sifted out;
  std::vector<bool> kept(slots, true);
  if (!block.alice.tags.empty()) {
    kept.assign(slots, false);
    for (std::uint64_t slot : gated_slots(block.alice, link.alice(), link.scenario(), 0))
      if (slot < slots) kept[slot] = true;
  }
  for (std::uint64_t slot = 0; slot < slots; ++slot) out.kept += kept[slot];
  std::map<std::uint64_t, unsigned> pattern;
  for (std::uint16_t channel = 0; channel < 4; ++channel)
    for (std::uint64_t slot : gated_slots(block.bob, link.bob(), link.scenario(), channel))
      if (slot < slots && kept[slot]) pattern[slot] |= 1U << channel;
  CounterStream coins({7, NodeId::bob, Purpose::multi_click, 0});
  for (const auto& [slot, clicks] : pattern) {
    const unsigned r = clicks & 3U, d = clicks >> 2;
    const unsigned basis = r && d ? static_cast<unsigned>(coins() & 1) : d ? 1U : 0U;
    const unsigned of_basis = basis ? d : r;
    const unsigned bit = (r && d) || of_basis == 3U ? static_cast<unsigned>(coins() & 1) : of_basis - 1;
    const unsigned alice_basis = block.settings.diagonal(slot), alice_bit = block.settings.bit(slot);
    ++out.clicks;
    out.bob[slot] = {static_cast<std::uint8_t>(basis), static_cast<std::uint8_t>(bit)};
    if (basis == alice_basis) {
      ++out.same_basis[basis];
      out.errors[basis] += bit != alice_bit;
    } else {
      ++out.mismatched[alice_basis];
      out.mismatched_same[alice_basis] += bit == alice_bit;
    }
  }
  return out;
}

double sigmas(double observed, double trials, double probability) {
  return (observed - trials * probability) / std::sqrt(std::max(trials * probability * (1 - probability), 1e-30));
}

}  // namespace nicol::test
