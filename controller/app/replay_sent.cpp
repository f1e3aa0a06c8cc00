// SPDX-License-Identifier: Apache-2.0
#include "controller/app/replay_sent.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "controller/app/offline_report.hpp"
#include "controller/app/sent_file.hpp"
#include "controller/detection/slot_detector.hpp"
#include "controller/service/tag_buffer.hpp"
#include "drivers/files/tag_player.hpp"

namespace nicol::app {
namespace {

using detection::SlotDetector;
using nlohmann::json;

constexpr std::size_t kTags = 1 << 14, kMostClicks = std::size_t{1} << 22;
constexpr std::int64_t kLongestSlot = 1'000'000'000'000;

Error bad(std::string message) { return {Code::bad_input, std::move(message), "", 0, {}}; }

/// Bob's file, the roles of its channels, and what Alice sent.
struct Recordings {
  std::unique_ptr<files::TagPlayer> tags;
  SentFile sent;
  hal::TimingLayout timing;
  std::optional<detection::PublicPattern> pattern;
};

Result<void> check_numbers(const SentOptions& o) {
  if (o.slot_ps < 1 || o.slot_ps > kLongestSlot)
    return bad(fmt::format("--slot-ps {}: expected 1 to {}", o.slot_ps, kLongestSlot));
  if (o.gate_ps < 0 || o.gate_ps > o.slot_ps)
    return bad(fmt::format("--gate-ps {}: expected at most the slot's {}", o.gate_ps, o.slot_ps));
  if (o.dead_ps < 0 || o.dead_ps > kLongestSlot)
    return bad(fmt::format("--dead-ps {}: expected 0 to {}", o.dead_ps, kLongestSlot));
  if (o.delay_ps < -kLongestSlot || o.delay_ps > kLongestSlot)
    return bad(fmt::format("--delay-ps {}: expected at most {} either way", o.delay_ps, kLongestSlot));
  if (o.sync_divider < 1 || o.sync_divider > std::numeric_limits<std::uint32_t>::max())
    return bad(
        fmt::format("--sync-divider {}: expected 1 to {}", o.sync_divider, std::numeric_limits<std::uint32_t>::max()));
  if (o.detectors.size() != 4) return bad("--detectors: expected four channels: V, minus, H, plus");
  return {};
}

/// The first channel that the file calls so.
std::optional<unsigned> channel_of(const files::TagPlayer& tags, hal::ChannelRole role) {
  for (std::size_t k = 0; k < tags.caps().channels; ++k)
    if (const auto config = tags.channel(k); config && config->role == role) return static_cast<unsigned>(k);
  return std::nullopt;
}

Result<hal::TimingLayout> timing_of(const SentOptions& o, const files::TagPlayer& tags) {
  hal::TimingLayout timing;
  timing.slot_period = {o.slot_ps};
  timing.sync_divider = static_cast<std::uint32_t>(o.sync_divider);
  timing.gate_width = {o.gate_ps > 0 ? o.gate_ps : std::max<std::int64_t>(o.slot_ps / 3, 1)};
  timing.blind_time = {o.dead_ps};
  const auto add = [&](unsigned channel, hal::ChannelRole role, unsigned basis, unsigned bit, Picoseconds delay) {
    hal::ChannelLayout c;
    c.channel = static_cast<std::uint16_t>(channel);
    c.role = role;
    c.basis = static_cast<std::uint8_t>(basis);
    c.bit = static_cast<std::uint8_t>(bit);
    c.delay = delay;
    timing.channels.push_back(c);
  };
  for (unsigned d = 0; d < 4; ++d) add(o.detectors[d], hal::ChannelRole::detector, d & 1U, d >> 1U, {o.delay_ps});
  if (const auto sync = o.sync ? o.sync : channel_of(tags, hal::ChannelRole::sync))
    add(*sync, hal::ChannelRole::sync, 0, 0, {});
  if (const auto frame = channel_of(tags, hal::ChannelRole::frame)) add(*frame, hal::ChannelRole::frame, 0, 0, {});
  for (std::size_t i = 0; i < timing.channels.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (timing.channels[i].channel == timing.channels[j].channel)
        return bad(fmt::format("channel {} stands for two things", timing.channels[i].channel));
  for (const hal::ChannelLayout& c : timing.channels)
    if (c.channel >= tags.caps().channels)
      return bad(fmt::format("channel {}: {} has {}", c.channel, o.bob.string(), tags.caps().channels));
  return timing;
}

bool has_sync(const hal::TimingLayout& timing) {
  return std::any_of(timing.channels.begin(), timing.channels.end(),
                     [](const auto& c) { return c.role == hal::ChannelRole::sync; });
}

Result<std::optional<detection::PublicPattern>> pattern_of(const SentOptions& o, std::uint64_t slots) {
  if (o.preamble == 0) return std::optional<detection::PublicPattern>();
  detection::PatternLayout layout;
  layout.seed = o.pattern_seed;
  layout.slots = slots;
  layout.preamble = o.preamble;
  layout.repeat = o.repeat;
  layout.tail = o.tail;
  layout.spacing = static_cast<std::uint32_t>(std::min<std::uint64_t>(o.spacing, 1U << 16));
  auto pattern = detection::PublicPattern::make(layout);
  if (!pattern) return bad(fmt::format("public slots: {}", pattern.error().message));
  return std::optional(*std::move(pattern));
}

Result<Recordings> open(const SentOptions& o) {
  if (auto good = check_numbers(o); !good) return std::move(good).error();
  const auto format = files::file_format(o.format);
  if (!format) return bad(fmt::format("--format {}: expected one of {}", o.format, files::file_format_names()));
  auto sent = SentFile::open(o.sent);
  if (!sent) return std::move(sent).error();
  files::PlayerOptions player;
  player.path = o.bob;
  player.format = *format;
  auto tags = files::TagPlayer::open(player);
  if (!tags) return bad(tags.error().message);
  auto timing = timing_of(o, **tags);
  if (!timing) return std::move(timing).error();
  auto pattern = pattern_of(o, sent->slots());
  if (!pattern) return std::move(pattern).error();
  if (!has_sync(*timing) && !*pattern)
    return bad("no slot clock: expected --sync CHANNEL, or --preamble SLOTS as Alice sent it");
  return Recordings{*std::move(tags), *std::move(sent), *std::move(timing), *std::move(pattern)};
}

/// The whole file, as fast as it is read.
Result<SlotDetector::Finished> detect(Recordings& r, Random& random, const Context& context) {
  detection::DetectorOptions options;
  options.slots = r.sent.slots();
  options.capacity = static_cast<std::size_t>(std::min<std::uint64_t>(r.sent.slots(), kMostClicks));
  options.pattern = r.pattern;
  SlotDetector detector(r.timing, r.tags->caps().tick, options, random);
  if (auto on = r.tags->start(); !on) return bad(on.error().message);
  service::TagBuffer buffer(kTags);
  const SteadyDeadlines steady;
  for (hal::StreamStatus status = hal::StreamStatus::ok; status != hal::StreamStatus::stopped && !detector.done();) {
    if (context.stop != nullptr && context.stop->requested()) return Error{Code::cancelled, "cancelled", "", 0, {}};
    hal::TagBlock block = buffer.block();
    status = r.tags->acquire(block, steady.in(std::chrono::milliseconds(20)));
    Result<void> processed = detector.process(block);
    buffer.wipe(block);
    if (!processed)
      return bad(fmt::format("{}: at tick {}: {}", r.tags->info().port, block.t_begin, processed.error().message));
    if (status != hal::StreamStatus::disconnected) continue;
    const auto why = r.tags->self_test(steady.in(std::chrono::milliseconds(20)));
    return bad(why && !why->empty() ? why->front().detail : std::string("the file was refused"));
  }
  return detector.finish();
}

struct Compared {
  std::uint64_t compared = 0, sifted = 0;
};
using Words = std::span<const std::uint64_t>;
Result<Compared> compare(const std::vector<std::uint64_t>& slots, Words bases, Words bits, SentFile& sent,
                         OfflineBlocks& into) {
  Compared out;
  const auto at = [](Words words, std::size_t k) { return (words[k / 64] >> (k % 64) & 1) != 0; };
  for (std::size_t k = 0; k < slots.size(); ++k, ++out.compared) {
    const auto hers = sent.at(slots[k]);
    if (!hers) return hers.error();
    if (at(bases, k) != hers->diagonal) continue;
    ++out.sifted;
    if (auto r = into.add(hers->diagonal ? 1 : 0, hers->bit, at(bits, k)); !r) return std::move(r).error();
  }
  return out;
}

/// His clicks beside what she sent there; matching bases alone.
Result<Compared> compare(const detection::Clicks& clicks, SentFile& sent, OfflineBlocks& into) {
  return clicks.bases.with_read([&](Words bases) {
    return clicks.bits.with_read([&](Words bits) { return compare(clicks.slots, bases, bits, sent, into); });
  });
}

json said_of(const Recordings& r, const detection::DetectionReport& report, const Compared& compared) {
  json j{{"slots", r.sent.slots()},
         {"tags", report.tags},
         {"sync_tags", report.sync_tags},
         {"in_gate", report.in_gate},
         {"out_of_gate", report.out_of_gate},
         {"double_clicks", report.same_basis_multi + report.cross_basis_multi},
         {"dropped_slots", report.dropped_slots},
         {"detections", compared.compared},
         {"sifted_bits", compared.sifted},
         {"assumes", "one photon in every pulse, efficiencies equal"}};
  if (report.clock)
    j["clock"] = {{"frequency_ppb", report.clock->frequency.value * 1e9},
                  {"locks", report.clock->locks},
                  {"slips", report.clock->slips}};
  return j;
}

Result<json> offline(const SentOptions& options, const Context& context) {
  if (auto fits = check_block_bits(options.block_bits); !fits) return std::move(fits).error();
  auto recordings = open(options);
  if (!recordings) return std::move(recordings).error();
  const auto random = make_os_random();
  auto finished = detect(*recordings, *random, context);
  if (!finished) return std::move(finished).error();
  if (recordings->pattern) detection::remove_public(finished->clicks, *recordings->pattern);
  OfflineReport results;
  OfflineBlocks collected(static_cast<std::size_t>(options.block_bits), {},
                          [&](const OfflineResult& r) { results.take(r); });
  const auto compared = compare(finished->clicks, recordings->sent, collected);
  if (!compared) return compared.error();
  if (auto r = collected.finish(); !r) return std::move(r).error();
  return std::move(results).document(said_of(*recordings, finished->report, *compared));
}

}  // namespace

Exit replay_sent(const SentOptions& options, Context& context) {
  const auto said = offline(options, context);
  if (!said) return complain(said.error());
  if (context.output == Output::json)
    fmt::print("{}\n", said->dump(2));
  else
    print_offline(fmt::format("{} detections in {} slots, {} sifted bits", (*said)["detections"].dump(),
                              (*said)["slots"].dump(), (*said)["sifted_bits"].dump()),
                  *said);
  return offline_exit(*said);
}

}  // namespace nicol::app
