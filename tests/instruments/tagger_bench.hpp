// SPDX-License-Identifier: Apache-2.0
// What the tests of every tagger's driver stand on: waiting, opening, plugging, listening. In real time: a stream's
// silence means something. Limits are generous, for what is waited for comes at once or never.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "drivers/hal/registry.hpp"
#include "drivers/hal/time_tagger.hpp"

namespace nicol::test {

inline bool until(const std::function<bool()>& fact, double seconds = 20) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!fact()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// std::runtime_error where it cannot be opened.
inline std::unique_ptr<hal::TimeTagger> open_tagger(const hal::Driver& driver, const hal::DeviceArgs& args) {
  auto made = driver.make(args);
  if (!made) throw std::runtime_error(describe(made.error()));
  return std::unique_ptr<hal::TimeTagger>(&dynamic_cast<hal::TimeTagger&>(*made->release()));
}

inline double seconds_of(const std::function<void()>& f) {
  const auto before = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
}

inline void await_link(const hal::Device& device, hal::Link link) {
  until([&] { return device.link() == link; });
}

/// So many tags, on the inputs in turn.
template <class Tag>
std::vector<Tag> tags_in_turn(Picoseconds begin, std::size_t count, std::int64_t apart_ps) {
  std::vector<Tag> tags;
  for (std::size_t i = 0; i < count; ++i)
    tags.push_back({begin + Picoseconds{static_cast<std::int64_t>(i) * apart_ps}, static_cast<unsigned>(i % 4)});
  return tags;
}

/// What a consumer has seen of a stream.
struct Heard {
  std::vector<hal::TimeTag> tags;
  std::vector<hal::LossInterval> losses;
  hal::StreamStatus last = hal::StreamStatus::ok;

  /// Until `enough`, the end of the stream, or the time is up.
  void listen(hal::TimeTagger& tagger, double seconds, const std::function<bool()>& enough = nullptr) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    std::vector<hal::TimeTag> tag_storage(4096);
    std::vector<hal::LossInterval> loss_storage(16);
    hal::TagBlock block;
    block.storage = tag_storage;
    block.loss_storage = loss_storage;
    while (std::chrono::steady_clock::now() < end) {
      last = tagger.acquire(block, {std::chrono::steady_clock::now() + std::chrono::milliseconds(20)});
      tags.insert(tags.end(), block.tags().begin(), block.tags().end());
      losses.insert(losses.end(), block.losses().begin(), block.losses().end());
      if (last == hal::StreamStatus::stopped || last == hal::StreamStatus::disconnected) return;
      if (enough && enough()) return;
    }
  }
};

/// The named case that a mutant must not pass: a tag of input k comes out as channel k, at its time. Tags so far apart,
/// which is so many ticks.
template <class Bench>
Result<void> inputs_are_channels(Bench& bench, std::int64_t apart_ps, std::int64_t apart_ticks) {
  constexpr std::size_t kTags = 400;
  const auto tagger = bench.open();
  if (auto ok = tagger->start(); !ok) return ok;
  bench.make_tags(kTags, apart_ps);
  Heard heard;
  const auto given_up = [&] { return std::get<std::int64_t>(*tagger->read_property("restarts")) > 0; };
  heard.listen(*tagger, 20, [&] { return heard.tags.size() >= kTags || given_up(); });
  const auto& tags = heard.tags;
  if (tags.size() != kTags) return Error{Code::protocol, "tags are missing", "", 0, {}};
  for (std::size_t i = 0; i < kTags; ++i) {
    if (tags[i].channel != i % 4) return Error{Code::protocol, "a tag came out on another channel", "", 0, {}};
    if (tags[i].ticks != tags[0].ticks + static_cast<std::int64_t>(i) * apart_ticks)
      return Error{Code::protocol, "a tag came out at another time", "", 0, {}};
  }
  for (const auto& loss : heard.losses)  // transport: the host was slow, and a driver may have to say so
    if (loss.end > tags[0].ticks && loss.cause != hal::LossCause::transport)
      return Error{Code::protocol, "a loss where there was none", "", 0, {}};
  return {};
}

}  // namespace nicol::test
