// SPDX-License-Identifier: Apache-2.0
// Any bytes as what an APT controller says: the parser must read the same whole and in pieces, lose no byte
// unaccounted, and give packets that it reads again as they are.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "drivers/apt/channel.hpp"
#include "drivers/apt/messages.hpp"

namespace {

using namespace nicol::apt;

void require(bool fact) {
  if (!fact) std::abort();
}

std::vector<Packet> parse(PacketParser& parser, std::span<const std::uint8_t> bytes, std::size_t piece) {
  std::vector<Packet> packets;
  while (!bytes.empty()) {
    const auto now = bytes.first(std::min(piece, bytes.size()));
    parser.push(now);
    while (auto packet = parser.next()) packets.push_back(std::move(*packet));
    bytes = bytes.subspan(now.size());
  }
  return packets;
}

/// What the driver makes of a packet.
void interpret(const std::vector<Packet>& packets) {
  Channel channel(5, 100, "fuzz");
  Channel::Time now{};
  channel.begin(Channel::Goal::position, 1000, now);
  for (const Packet& packet : packets) {
    now += std::chrono::milliseconds(100);
    if (const auto report = report_of(packet)) channel.report(*report, packet.id, now);
    if (const auto fault = fault_of(packet)) require(fault->text.size() <= 64);
    if (const auto info = info_of(packet)) require(info->model.size() <= 8);
    (void)velocity_of(packet);
    (void)home_of(packet);
    (void)paddles_of(packet);
    if (packet.id == Id::mot_homed) channel.homed(now);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::span<const std::uint8_t> bytes(data + 1, size - 1);
  PacketParser whole_parser, piece_parser;
  const auto whole = parse(whole_parser, bytes, size);
  require(parse(piece_parser, bytes, 1 + data[0] % 40) == whole);
  require(whole_parser.dropped_bytes() == piece_parser.dropped_bytes());
  for (const Packet& packet : whole) {
    PacketParser again;
    const auto encoded = encode(packet);
    require(parse(again, encoded, encoded.size()) == std::vector<Packet>{packet});
  }
  interpret(whole);
  return 0;
}
