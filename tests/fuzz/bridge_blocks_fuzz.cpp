// SPDX-License-Identifier: Apache-2.0
// Any bytes as frames of a bridge program: what comes out of the queue keeps the stream contract all the same.
#include <array>
#include <cstdlib>
#include <memory>

#include "drivers/tagger-bridge/block_reader.hpp"
#include "firmware-protocol/frame.hpp"

using namespace nicol;

namespace {

struct World {
  std::unique_ptr<tags::TagQueue> queue;
  std::unique_ptr<tagger_bridge::BlockReader> reader;
};

World make_world() {
  auto queue = tags::TagQueue::create({4096, 16});
  if (!queue) std::abort();
  World world{*std::move(queue), nullptr};
  auto reader = tagger_bridge::BlockReader::create(*world.queue);
  if (!reader) std::abort();
  world.reader = std::make_unique<tagger_bridge::BlockReader>(*std::move(reader));
  return world;
}

void drain(tags::TagQueue& queue, std::int64_t& edge) {
  static std::array<hal::TimeTag, 512> tags;
  static std::array<hal::LossInterval, 4> losses;
  hal::TagBlock block;
  block.storage = tags;
  block.loss_storage = losses;
  while (true) {
    const auto status = queue.acquire(block, {std::chrono::steady_clock::now()});
    if (block.t_begin != edge || block.t_end < block.t_begin) std::abort();
    edge = block.t_end;
    std::int64_t last = block.t_begin;
    for (const auto& tag : block.tags()) {
      if (tag.ticks < last) std::abort();
      last = tag.ticks;
    }
    if (status != hal::StreamStatus::ok && status != hal::StreamStatus::overflow) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world = make_world();
  world.queue->begin(0);
  world.reader->begin(0);
  std::int64_t edge = 0;
  // Two bytes of length, then a payload: what the frame decoder (fuzzed by itself) would hand on.
  while (size >= 2) {
    const std::size_t length = std::min<std::size_t>(std::size_t{data[0]} | std::size_t{data[1]} << 8, size - 2);
    if (!world.reader->take({data + 2, length})) break;
    drain(*world.queue, edge);
    data += 2 + length;
    size -= 2 + length;
  }
  return 0;
}
