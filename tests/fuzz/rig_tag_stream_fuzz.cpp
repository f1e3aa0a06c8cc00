// SPDX-License-Identifier: Apache-2.0
// Any blocks in any order: the stream that comes out keeps its contract, and nothing is lost untold. Input: blocks,
// each behind a u16 length; a length with its highest bit set is damage instead.
#include <array>
#include <cstdlib>
#include <vector>

#include "drivers/rig/tag_block_stream.hpp"

namespace {

using namespace nicol;

void require(bool fact) {
  if (!fact) std::abort();
}

/// first_index is continuous but for what is told as lost; tags are in order and never before their block.
struct Contract {
  std::uint64_t index = 0;
  std::int64_t end = 0;
  std::array<hal::TimeTag, 64> tags{};
  std::array<hal::LossInterval, 4> losses{};

  void drain(tags::TagQueue& queue) {
    for (;;) {
      hal::TagBlock block;
      block.storage = tags;
      block.loss_storage = losses;
      const auto status = queue.acquire(block, Deadline{std::chrono::steady_clock::time_point{}});
      require(block.t_begin == end && block.t_end >= block.t_begin);
      end = block.t_end;
      if (status != hal::StreamStatus::ok && status != hal::StreamStatus::overflow) return;
      for (const auto& loss : block.losses()) index += loss.lost;
      require(block.first_index == index);
      index += block.tag_count;
      std::int64_t before = block.t_begin;
      for (const hal::TimeTag& tag : block.tags()) {
        require(tag.ticks >= before && tag.channel < 12);
        before = tag.ticks;
      }
    }
  }
};

tags::TagQueue& queue() {
  static auto made = tags::TagQueue::create({1 << 14, 64});
  require(made.ok());
  return **made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rig::TagBlockStream stream(queue());
  stream.begin();
  Contract contract;
  std::span<const std::uint8_t> rest(data, size);
  while (rest.size() >= 2) {
    const auto word = static_cast<std::size_t>(rest[0] | rest[1] << 8);
    rest = rest.subspan(2);
    if ((word & 0x8000) != 0) {
      stream.damaged();
      continue;
    }
    const std::size_t bytes = word < rest.size() ? word : rest.size();
    stream.block(rest.first(bytes));
    rest = rest.subspan(bytes);
    contract.drain(queue());
  }
  return 0;
}
