// SPDX-License-Identifier: Apache-2.0
// Rates at which a tagger's bytes become tags: the rig's own boards, and for comparison a readevents file.
#include <stdexcept>

#include "controller/app/bench/measure.hpp"
#include "drivers/files/readevents.hpp"
#include "drivers/hal/random.hpp"
#include "drivers/hal/time_tagger.hpp"
#include "firmware-protocol/frame.hpp"
#include "firmware-protocol/little_endian.hpp"
#include "firmware-protocol/tag_words.hpp"

namespace nicol::bench {

namespace {

constexpr std::size_t kTransfers = 256, kTransferBytes = 32'768;

/// A board's stream at 10 Mtags/s and 1 ps: full blocks, each in a USB transfer of its own, as short packets make it.
class Transfers {
 public:
  Transfers() : memory_(kTransfers * kTransferBytes), filled_(kTransfers) {
    CounterStream random({1, NodeId::world, Purpose::test, 6});
    std::uint64_t tick = 0, index = 0;
    for (std::size_t i = 0; i < kTransfers; ++i) {
      const auto out = std::span(memory_).subspan(i * kTransferBytes, fw::kLargestFrame);
      fw::TagBlockWriter writer(out.subspan(fw::kHeaderBytes, fw::kStreamPayload));
      writer.begin(static_cast<std::uint32_t>(i), tick, index);
      while (writer.tag(static_cast<std::uint32_t>(random() & 7), tick)) tick += random.below(200'000);
      index = writer.next_index();
      const std::size_t payload = writer.finish(0, 512);
      const fw::Header header{.type = fw::Type::tag_block, .seq = static_cast<std::uint16_t>(i)};
      filled_[i] = fw::encode_frame(header, out.subspan(fw::kHeaderBytes, payload), out);
      words_ += writer.words();
    }
  }
  std::span<const std::uint8_t> operator[](std::size_t i) const {
    return std::span(memory_).subspan(i * kTransferBytes, filled_[i]);
  }
  std::size_t words() const { return words_; }

 private:
  std::vector<std::uint8_t> memory_;
  std::vector<std::size_t> filled_;
  std::size_t words_ = 0;
};

std::size_t decode_block(std::span<const std::uint8_t> payload, std::span<hal::TimeTag> storage) {
  fw::TagBlockHeader header;
  if (!fw::decode_tag_header(payload, header)) throw std::runtime_error("a tag block without a header");
  std::size_t n = 0;
  for (const fw::TagWord word : fw::TagWords(header, payload))
    if (word.is_tag()) storage[n++] = {static_cast<std::int64_t>(word.tick), static_cast<std::uint16_t>(word.kind), 0};
  keep(storage.data());
  return n;
}

std::size_t decode_in_place(const Transfers& transfers, std::span<hal::TimeTag> storage) {
  std::size_t tags = 0;
  for (std::size_t i = 0; i < kTransfers; ++i) {
    const fw::Decoded decoded = fw::decode_frame(transfers[i]);
    if (decoded.verdict != fw::Verdict::frame) throw std::runtime_error("a frame of the benchmark's own is damaged");
    tags += decode_block(decoded.frame.payload, storage);
  }
  return tags;
}

std::size_t decode_through_buffer(const Transfers& transfers, fw::FrameDecoder& decoder,
                                  std::span<hal::TimeTag> storage) {
  std::size_t tags = 0;
  for (std::size_t i = 0; i < kTransfers; ++i) {
    decoder.feed(transfers[i]);
    for (fw::Frame frame; decoder.next(frame);) tags += decode_block(frame.payload, storage);
  }
  return tags;
}

/// The least that any decoder of such words does: no frame, no CRC, no kinds but channels.
Yardstick bare_word_loop(const Transfers& transfers, std::span<hal::TimeTag> storage) {
  constexpr std::size_t first = fw::kHeaderBytes + fw::kTagHeaderBytes;
  const double seconds = median_seconds(
      [&] {
        std::uint64_t tick = 0;
        for (std::size_t i = 0; i < kTransfers; ++i) {
          const auto words = transfers[i].subspan(first, transfers[i].size() - first - fw::kTrailerBytes);
          for (std::size_t at = 0; at < words.size(); at += 4) {
            const auto word = fw::get_le<std::uint32_t>(words.data() + at);
            tick += word & fw::kWordValueMask;
            storage[at / 4] = {static_cast<std::int64_t>(tick), static_cast<std::uint16_t>(word >> 28), 0};
          }
          keep(storage.data());
        }
      },
      {5, 0.3, 2});
  return {"bare_word_loop", "Mwords/s", static_cast<double>(transfers.words()) / seconds * 1e-6};
}

double readevents_mtags() {
  constexpr std::size_t events = 4'000'000, piece = std::size_t{1} << 20;
  std::vector<std::uint64_t> words(events);
  CounterStream random({1, NodeId::world, Purpose::test, 5});
  std::uint64_t time = 0;
  for (auto& word : words) word = (time += random.below(500)) << 10 | (std::uint64_t{1} << (random() & 3));
  const auto bytes = std::as_bytes(std::span(words));
  std::size_t decoded = 0;
  const double seconds = median_seconds([&] {
    files::ReadeventsDecoder decoder(files::ReadeventsForm::native);
    for (std::size_t at = 0; at < bytes.size(); at += piece)
      decoded += decoder.decode(bytes.subspan(at, std::min(piece, bytes.size() - at))).value().size();
  });
  if (decoded % events != 0) throw std::runtime_error("readevents words were lost");
  return static_cast<double>(events) / seconds * 1e-6;
}

}  // namespace

std::vector<StageResult> bench_tag_stream(const Options&) {
  const Transfers transfers;
  std::vector<hal::TimeTag> storage(fw::kMostWords);
  const auto words = static_cast<double>(transfers.words());
  const Yardstick bare = bare_word_loop(transfers, storage);
  fw::FrameDecoder decoder(fw::Framing::raw);
  std::size_t tags = 0, buffered = 0;
  const double in_place = median_seconds([&] { tags = decode_in_place(transfers, storage); });
  const double through = median_seconds([&] { buffered = decode_through_buffer(transfers, decoder, storage); });
  if (tags != transfers.words() || buffered != tags) throw std::runtime_error("tags of the stream were lost");
  return {compared("tag_stream", words, words / in_place * 1e-6, "Mwords/s", bare,
                   {{"through_decoder_mwords", words / through * 1e-6}, {"readevents_mtags", readevents_mtags()}})};
}

}  // namespace nicol::bench
