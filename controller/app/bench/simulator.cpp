// SPDX-License-Identifier: Apache-2.0
// Rate of the simulator: detected photons a second of one core that carries both halves of a link.
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <thread>

#include "controller/app/bench/measure.hpp"
#include "sim/devices/world.hpp"

namespace nicol::bench {

namespace {

constexpr std::uint64_t kSlots = std::uint64_t{1} << 24, kChunk = std::uint64_t{1} << 20;

struct Link {
  std::filesystem::path folder;
  std::unique_ptr<hal::Rig> alice, bob;
};

Result<Link> link() {
  auto scenario = sim::load_scenario("teaching");
  if (!scenario) return std::move(scenario).error();
  Link made{std::filesystem::temp_directory_path() / ("nicol-bench-" + std::to_string(::getpid())), {}, {}};
  std::filesystem::create_directories(made.folder);
  const sim::WorldOptions world{*scenario, 1, {}, 0, made.folder / "light"};
  auto alice = sim::make_alice_rig(world);
  if (!alice) return std::move(alice).error();
  auto bob = sim::make_bob_rig(world);
  if (!bob) return std::move(bob).error();
  made.alice = std::move(*alice);
  made.bob = std::move(*bob);
  return made;
}

Result<void> make_ready(hal::Rig& rig) {
  for (const auto& entry : rig.entries()) {
    Result<void> done;
    if (auto* shutter = dynamic_cast<hal::Shutter*>(entry.device.get())) done = shutter->open();
    if (auto* detector = dynamic_cast<hal::Detector*>(entry.device.get())) done = detector->enable();
    if (auto* source = dynamic_cast<hal::PhotonSource*>(entry.device.get())) {
      done = source->arm({1});
      if (done) done = source->set_light_level(hal::LightLevel::quantum);
      if (done) done = source->enable_emission();
    }
    if (!done) return done;
  }
  return {};
}

/// Tags until the stream has passed this rig time or ends.
std::uint64_t drain(hal::TimeTagger& tagger, std::int64_t until) {
  std::vector<hal::TimeTag> tags(16'384);
  std::vector<hal::LossInterval> losses(16);
  std::uint64_t seen = 0;
  const TickLength tick = tagger.caps().tick;
  hal::TagBlock block;
  do {
    block.storage = tags;
    block.loss_storage = losses;
    const auto status = tagger.acquire(block, SteadyDeadlines().in(std::chrono::seconds(5)));
    if (status != hal::StreamStatus::ok && status != hal::StreamStatus::overflow) break;
    seen += block.tag_count;
  } while (tick.to_picoseconds(block.t_end).count < until);
  return seen;
}

Result<std::uint64_t> run_block(Link& rigs) {
  auto* source = rigs.alice->find<hal::PulsedSource>("source");
  auto* heralds = rigs.alice->find<hal::TimeTagger>("tagger");
  auto* tagger = rigs.bob->find<hal::TimeTagger>("tagger");
  if (source == nullptr || tagger == nullptr) return Error{Code::not_found, "source or tagger", "", 0, {}};
  std::vector<std::uint64_t> bases(kChunk / 64, 0x6996966996696996), bits(kChunk / 64, 0x3c5a965ac3a5695a);
  if (auto r = tagger->start(); !r) return r.error();
  if (heralds != nullptr)
    if (auto r = heralds->start(); !r) return r.error();
  const std::int64_t until = rigs.alice->clock->now().count +
                             rigs.alice->timing.slot_period.count * static_cast<std::int64_t>(kSlots) + 1'000'000;
  std::uint64_t detected = 0;
  std::thread bob([&] { detected = drain(*tagger, until); });
  Result<void> emitted = source->begin_block(kSlots);
  for (std::uint64_t first = 0; emitted && first < kSlots; first += kChunk)
    emitted = source->emit({first, kChunk, bases, bits, {}, {}});
  const Result<void> ended = source->end_block();
  bob.join();
  if (heralds != nullptr) drain(*heralds, until);
  if (auto r = tagger->stop(); !r) return r.error();
  if (heralds != nullptr)
    if (auto r = heralds->stop(); !r) return r.error();
  if (!emitted) return emitted.error();
  if (!ended) return ended.error();
  return detected;
}

}  // namespace

std::vector<StageResult> bench_simulator(const Options&) {
  auto rigs = link();
  if (!rigs) throw std::runtime_error(describe(rigs.error()));
  for (auto* rig : {rigs->alice.get(), rigs->bob.get()})
    if (auto ready = make_ready(*rig); !ready) throw std::runtime_error(describe(ready.error()));
  const Yardstick merge = branch_free_merge();
  double detected = 0;
  const double seconds = median_seconds(
      [&] {
        auto block = run_block(*rigs);
        if (!block) throw std::runtime_error(describe(block.error()));
        detected = static_cast<double>(*block);
      },
      {3, 1, 10});
  rigs->bob.reset();
  rigs->alice.reset();
  std::filesystem::remove_all(rigs->folder);
  return {compared("simulator", detected, detected / seconds, "photons/s", merge,
                   {{"slots", static_cast<double>(kSlots)}, {"mslots_per_s", kSlots / seconds * 1e-6}})};
}

}  // namespace nicol::bench
