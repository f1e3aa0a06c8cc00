// SPDX-License-Identifier: Apache-2.0
// Any bytes as a tag file of any format: read to its end or refused with a place, in pieces of bounded size, with no
// time out of range.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "drivers/files/epoch_store.hpp"
#include "drivers/files/event_reader.hpp"
#include "firmware-protocol/crc.hpp"
#include "firmware-protocol/little_endian.hpp"
#include "firmware-protocol/tag_block.hpp"

namespace {

using namespace nicol;
using namespace nicol::files;

constexpr std::uint8_t kFormats = static_cast<std::uint8_t>(FileFormat::epoch) + 1;
constexpr std::int64_t kMostPicoseconds = std::int64_t{1} << 61;

void require(bool fact) {
  if (!fact) std::abort();
}

ByteInput input_of(std::span<const std::uint8_t> bytes) {
  // Never written to: the mode is "rb".
  FileHandle file(::fmemopen(const_cast<std::uint8_t*>(bytes.data()), bytes.size(), "rb"));
  require(file != nullptr);
  return {std::move(file), "input"};
}

void require_place(const Error& error) {
  require(error.code == Code::bad_input);
  require(error.message.find("input: byte ") == 0 || error.message.find("input: line ") == 0);
}

void read_events(std::span<const std::uint8_t> bytes, FileFormat format) {
  auto file = open_input(input_of(bytes), format);
  if (!file) return require_place(file.error());
  require(file->tick.num > 0 && file->tick.den > 0 && !file->roles.empty() && file->roles.size() <= 32);
  std::size_t events = 0;
  for (;;) {
    const auto piece = file->reader->next();
    if (!piece) return require_place(piece.error());
    if (piece->empty()) return;
    require(piece->size() <= EventBatch::kMost);
    events += piece->size();
    require(events <= 8 * bytes.size() + 1);  // no entry of any format has less than a bit
    for (const FileEvent& e : *piece) {
      const auto time = file->tick.to_picoseconds(e.ticks).count;
      require(time >= -kMostPicoseconds && time <= kMostPicoseconds);
    }
  }
}

void read_store(std::span<const std::uint8_t> bytes) {
  auto store = EpochStore::open(input_of(bytes));
  if (!store) return require_place(store.error());
  for (std::size_t entries = 0;; ++entries) {
    const auto value = store->next();
    if (!value) return require_place(value.error());
    if (!*value) return;
    require(entries <= 8 * bytes.size());
  }
}

/// The bytes as payloads of blocks whose CRCs are right: what lies behind that check sees any words, too.
void read_blocks(std::span<const std::uint8_t> bytes) {
  std::vector<std::uint8_t> file{'N', 'I', 'C', 'O', 'L', 'T', 'A', 'G', 1, 0, 40, 0, 1, 0, 0, 0, 0, 0,
                                 0,   0,   1,   0,   0,   0,   0,   0,   0, 0, 4,  0, 0, 0, 1, 1, 1, 1};
  const auto seal = [&file](std::size_t from) {
    std::uint8_t crc[4];
    fw::put_le(crc, fw::crc32c(std::span<const std::uint8_t>(file).subspan(from)));
    file.insert(file.end(), crc, crc + 4);
  };
  seal(0);
  while (!bytes.empty()) {
    const std::size_t length = std::min<std::size_t>(bytes.size() - 1, fw::kTagHeaderBytes + 4 * (bytes[0] % 8));
    const std::size_t from = file.size();
    const std::uint8_t head[4] = {static_cast<std::uint8_t>(length), 0, 0, 0};
    file.insert(file.end(), head, head + 4);
    const auto payload = bytes.subspan(1, length);
    file.insert(file.end(), payload.begin(), payload.end());
    seal(from);
    bytes = bytes.subspan(1 + length);
  }
  read_events(file, FileFormat::nicol);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::span bytes(data + 1, size - 1);
  const auto which = static_cast<std::uint8_t>(data[0] % (kFormats + 2));
  if (which == kFormats)
    read_store(bytes);
  else if (which == kFormats + 1)
    read_blocks(bytes);
  else
    read_events(bytes, static_cast<FileFormat>(which));
  return 0;
}
