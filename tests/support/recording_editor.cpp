// SPDX-License-Identifier: Apache-2.0
#include "tests/support/recording_editor.hpp"
#include "tests/support/must.hpp"

#include <stdexcept>

namespace nicol::test {
namespace {

using recording::Entry;

constexpr std::size_t kTags = 1 << 14, kLongest = std::size_t{1} << 27;

}  // namespace

void edit_recording(const std::filesystem::path& from, const std::filesystem::path& to,
                    const recording::SealSecret& secret, const RecordingEdit& edit) {
  auto reader = must(recording::Reader::open(from, secret));
  auto writer = must(recording::Writer::create(to, reader.header().node, secret));
  auto decoder = must(recording::TagDecoder::create());
  std::vector<hal::TimeTag> tags(kTags);
  std::vector<hal::LossInterval> losses(64);
  while (const auto head = reader.head()) {
    if (head->kind == Entry::tag_block) {
      hal::TagBlock block;
      block.storage = tags;
      block.loss_storage = losses;
      if (!decoder.read(reader, block)) throw std::runtime_error(decoder.why());
      if (edit.tags) edit.tags(std::span(tags).first(block.tag_count));
      recording::put_tags(*writer, block);
      continue;
    }
    auto payload = reader.rest(kLongest);
    reader.done();
    if (!payload) throw std::runtime_error("an entry ends early");
    std::optional<std::vector<std::uint8_t>> changed = std::move(payload);
    if (edit.entry) changed = edit.entry(*head, *std::move(changed));
    if (changed) writer->put(head->kind, {*changed});
  }
  if (!reader.why_cut_short()) writer->finish();
}

}  // namespace nicol::test
