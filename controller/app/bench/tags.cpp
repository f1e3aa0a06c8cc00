// SPDX-License-Identifier: Apache-2.0
// Rates of the way from a tagger's words to sifted bits.
#include <bit>
#include <cmath>
#include <stdexcept>

#include "controller/app/bench/measure.hpp"
#include "controller/detection/slot_detector.hpp"
#include "controller/sifting/sifting.hpp"

namespace nicol::bench {

namespace {

constexpr std::size_t kTagsPerBlock = 16'384;
constexpr std::size_t kSizes[] = {100'000, 1'000'000, 10'000'000};
constexpr std::uint16_t kSync = 8, kFrame = 9;
constexpr std::int64_t kSlotPs = 10'000, kGateDelayPs = 3'000;

hal::TimingLayout layout() {
  hal::TimingLayout timing;
  timing.slot_period = {kSlotPs};
  timing.sync_divider = 1'000;
  timing.gate_width = {2'000};
  timing.blind_time = {50'000};
  for (std::uint16_t channel = 0; channel < 4; ++channel)
    timing.channels.push_back({channel, hal::ChannelRole::detector, static_cast<std::uint8_t>(channel / 2),
                               static_cast<std::uint8_t>(channel % 2), Picoseconds{kGateDelayPs}});
  timing.channels.push_back({kSync, hal::ChannelRole::sync, 0, 0, Picoseconds{0}});
  timing.channels.push_back({kFrame, hal::ChannelRole::frame, 0, 0, Picoseconds{0}});
  return timing;
}

/// A stream as a tagger sends it: words of time << 4 | channel in picoseconds, a photon every 50 slots or so.
struct WordStream {
  std::vector<std::uint64_t> words;
  std::uint64_t slots = 0;
  std::int64_t end = 0;
};
WordStream word_stream(std::size_t tags) {
  CounterStream random({1, NodeId::world, Purpose::test, 4});
  constexpr std::int64_t zero = 1'000'000, sync_period = 1'000 * kSlotPs;
  WordStream stream;
  const auto word = [&](std::int64_t time, std::uint16_t channel) {
    stream.words.push_back(static_cast<std::uint64_t>(time) << 4 | channel);
  };
  word(zero, kFrame);
  std::int64_t sync = zero, slot = 0;
  while (stream.words.size() < tags) {
    slot += 1 + static_cast<std::int64_t>(-50 * std::log(random.uniform_positive()));
    for (; sync <= zero + slot * kSlotPs; sync += sync_period) word(sync, kSync);
    const auto jitter = static_cast<std::int64_t>(random.below(600)) - 300;
    word(zero + slot * kSlotPs + kGateDelayPs + jitter, static_cast<std::uint16_t>(random() & 3));
  }
  stream.slots = static_cast<std::uint64_t>(slot) + 1;
  for (; sync <= zero + slot * kSlotPs + 2 * sync_period; sync += sync_period) word(sync, kSync);
  stream.end = sync;
  return stream;
}

std::size_t decode_gate_sift(const WordStream& stream, std::vector<hal::TimeTag>& storage, Random& random) {
  detection::DetectorOptions options;
  options.slots = stream.slots;
  options.capacity = stream.words.size();
  detection::SlotDetector detector(layout(), TickLength{1, 1}, options, random);
  hal::TagBlock block;
  for (std::size_t first = 0; first < stream.words.size(); first += kTagsPerBlock) {
    const std::size_t n = std::min(kTagsPerBlock, stream.words.size() - first);
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t word = stream.words[first + i];
      storage[i] = {static_cast<std::int64_t>(word >> 4), static_cast<std::uint16_t>(word & 15), 0};
    }
    block.storage = storage;
    block.tag_count = n;
    block.first_index = first;
    block.t_begin = block.t_end;
    block.t_end = first + n == stream.words.size() ? stream.end : storage[n - 1].ticks + 1;
    if (auto processed = detector.process(block); !processed) throw std::runtime_error(describe(processed.error()));
    ++block.sequence;
  }
  detection::Clicks clicks = std::move(detector.finish().clicks);
  sifting::BasesReply reply;
  reply.kept = sifting::PublicBits(clicks.slots.size()).complement();
  reply.bases = sifting::PublicBits(clicks.slots.size());
  for (auto& word : reply.bases.words()) word = 0x5555555555555555;
  if (reply.bases.size() % 64 != 0) reply.bases.words().back() &= (std::uint64_t{1} << (reply.bases.size() % 64)) - 1;
  const auto list = sifting::announce(clicks);
  std::size_t mismatched = 0;
  for (std::size_t i = 0; i < list.bases.words().size(); ++i)
    mismatched += static_cast<std::size_t>(std::popcount(list.bases.words()[i] ^ reply.bases.words()[i]));
  reply.mismatched_bits = sifting::PublicBits(mismatched);
  reply.slots_kept_total = stream.slots;
  const auto sifted = sifting::sift_bob(std::move(clicks), reply);
  if (!sifted) throw std::runtime_error(describe(sifted.error()));
  return sifted->block.size(detection::Basis::rectilinear) + sifted->block.size(detection::Basis::diagonal);
}

}  // namespace

std::vector<StageResult> bench_decode_gate_sift(const Options&) {
  std::vector<hal::TimeTag> storage(kTagsPerBlock);
  const auto random = make_seeded_random(1, NodeId::bob);
  const Yardstick merge = branch_free_merge();
  std::vector<StageResult> results;
  for (const std::size_t size : kSizes) {
    const WordStream stream = word_stream(size);
    std::size_t sifted = 0;
    const double seconds = median_seconds([&] { sifted = decode_gate_sift(stream, storage, *random); });
    const auto tags = static_cast<double>(stream.words.size());
    results.push_back(compared("decode_gate_sift", tags, tags / seconds * 1e-6, "Mtags/s", merge,
                               {{"sifted_bits", static_cast<double>(sifted)}}));
  }
  return results;
}

}  // namespace nicol::bench
