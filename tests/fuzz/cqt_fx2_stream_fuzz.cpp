// SPDX-License-Identifier: Apache-2.0
// Any bytes as the card's stream: cut anywhere it decodes alike, every event is within its 49 bits and four inputs, and
// a run that hears them never gives tags out of order.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "drivers/cqt-fx2/run.hpp"

namespace {

using namespace nicol;
using namespace nicol::cqt_fx2;

void require(bool fact) {
  if (!fact) std::abort();
}

std::vector<Event> decode_in_pieces(std::span<const std::uint8_t> bytes, std::size_t piece) {
  EventDecoder decoder;
  std::vector<Event> events;
  while (!bytes.empty()) {
    auto now = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(now.size());
    while (const auto event = decoder.next(now)) events.push_back(*event);
  }
  return events;
}

void run_over(std::span<const std::uint8_t> bytes) {
  auto queue = tags::TagQueue::create({1024, 16});
  if (!queue) return;
  Run run(**queue);
  const SteadyTime zero{std::chrono::hours(10)};
  run.begin({}, {}, zero);
  run.feed(bytes, zero + std::chrono::hours(5));
  run.checkpoint(false, zero + std::chrono::hours(5), zero + std::chrono::hours(5));
  run.finish();
  std::vector<hal::TimeTag> tags(2048);
  std::vector<hal::LossInterval> losses(16);
  hal::TagBlock block;
  block.storage = tags;
  block.loss_storage = losses;
  std::int64_t last = 0;
  for (int i = 0; i < 64; ++i) {
    const auto status = (*queue)->acquire(block, {std::chrono::steady_clock::time_point::min()});
    for (const hal::TimeTag& tag : block.tags()) {
      require(tag.ticks >= last && tag.channel < kInputs);
      last = tag.ticks;
    }
    if (status == hal::StreamStatus::stopped) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::span bytes(data + 1, size - 1);
  const auto whole = decode_in_pieces(bytes, size);
  require(decode_in_pieces(bytes, 1 + data[0] % 23) == whole);
  for (const Event& event : whole) require(event.time <= kTimeMask && event.inputs < 16);
  run_over(bytes);
  (void)PhaseTable::parse({reinterpret_cast<const char*>(data), size});
  return 0;
}
