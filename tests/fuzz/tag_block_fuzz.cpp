// SPDX-License-Identifier: Apache-2.0
// Any payload: the reader's events are those of a plain loop over its words, and what is in order can be written again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "firmware-protocol/frame.hpp"
#include "firmware-protocol/tag_words.hpp"

namespace {

using namespace nicol::fw;
using Bytes = std::span<const std::uint8_t>;

void require(bool fact) {
  if (!fact) std::abort();
}

struct Plain {
  std::uint64_t tick;
  std::uint32_t kind, value;
};
std::vector<Plain> plain_events(std::uint64_t tick, Bytes words) {
  std::vector<Plain> out;
  std::uint64_t more = 0;
  for (std::size_t i = 0; i + 4 <= words.size(); i += 4) {
    const std::uint32_t kind = words[i + 3] >> 4;
    const auto value =
        static_cast<std::uint32_t>(words[i] | words[i + 1] << 8 | words[i + 2] << 16 | (words[i + 3] & 15) << 24);
    if (kind == kWordExtend) more += std::uint64_t{value} << 28;
    if (kind < kWordChannels) {
      tick += more + value;
      more = 0;
    }
    if (kind < kWordExtend || kind == kWordMissed) out.push_back({tick, kind, value});
  }
  return out;
}

void check_reader(const TagBlockHeader& header, Bytes payload) {
  const auto expected = plain_events(header.base_tick, payload.subspan(kTagHeaderBytes));
  std::size_t n = 0;
  for (const TagWord word : TagWords(header, payload)) {
    require(n < expected.size());
    require(word.tick == expected[n].tick && word.kind == expected[n].kind && word.value == expected[n].value);
    ++n;
  }
  require(n == expected.size());
}

bool put(TagBlockWriter& writer, const TagWord& word) {
  if (word.is_tag()) return writer.tag(word.kind, word.tick);
  return word.kind == kWordMissed ? writer.missed(word.value) : writer.marker(word.value);
}

void check_writer(const TagBlockHeader& header, Bytes payload) {
  static std::vector<std::uint8_t> memory(kStreamPayload);
  TagBlockWriter writer(memory);
  writer.begin(header.block_seq, header.base_tick, header.first_index);
  std::vector<TagWord> put_in;
  for (const TagWord word : TagWords(header, payload)) {
    if (word.kind == kWordMissed && word.value == 0) continue;  // nothing lost is nothing to write
    if (!put(writer, word)) break;
    put_in.push_back(word);
  }
  const std::size_t size = writer.finish(0, 64);
  require(size <= memory.size() && (kHeaderBytes + size + kTrailerBytes) % 64 != 0);
  TagBlockHeader again;
  require(decode_tag_header(Bytes(memory).first(size), again));
  require(again.base_tick == header.base_tick && again.first_index == header.first_index);
  std::size_t n = 0;
  for (const TagWord word : TagWords(again, Bytes(memory).first(size))) {
    require(n < put_in.size());
    require(word.kind == put_in[n].kind && word.tick == put_in[n].tick);
    ++n;
  }
  require(n == put_in.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  const Bytes payload = bytes.first(size < kStreamPayload ? size : kStreamPayload);
  TagBlockHeader header;
  if (!decode_tag_header(payload, header)) return 0;
  check_reader(header, payload);
  check_writer(header, payload);
  return 0;
}
