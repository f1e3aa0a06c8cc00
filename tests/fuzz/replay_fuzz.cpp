// SPDX-License-Identifier: Apache-2.0
// What a recording says, in the hands of somebody who holds its key: any entries after a node and a connection that
// could be. Invariants: the replay ends, and what it cannot make sense of is refused or named.
#include <cstdlib>

#include "controller/service/recorded_facts.hpp"
#include "controller/service/replay.hpp"
#include "tests/fuzz/recording_file.hpp"

namespace {

using namespace nicol;

service::NodeFacts facts(session::Side side) {
  service::NodeFacts f;
  f.side = side;
  f.clicks_per_block = 64;
  f.arena_bytes = 1 << 16;
  f.receiver = side == session::Side::bob ? hal::ReceiverKind::passive : hal::ReceiverKind::none;
  f.timing.slot_period = Picoseconds{10'000};
  f.timing.gate_width = Picoseconds{2'000};
  f.timing.blind_time = Picoseconds{1'000};
  f.timing.channels = {{0, hal::ChannelRole::sync, 0, 0, {}, {}},
                       {1, hal::ChannelRole::detector, 0, 1, {}, {}},
                       {2, hal::ChannelRole::detector, 1, 0, {}, {}},
                       {3, hal::ChannelRole::frame, 0, 0, {}, {}}};
  return f;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const fuzz::RecordingFile file;
  if (size == 0) return 0;
  const std::span<const std::uint8_t> data(bytes, size);
  {
    auto writer = file.begin();
    session::SessionConfig config;
    config.side = (data[0] & 1) != 0 ? session::Side::alice : session::Side::bob;
    config.agreement.block_slots = 1000;
    if ((data[0] & 4) != 0) config.agreement.protocol = session::Protocol::bbm92;
    if ((data[0] & 2) == 0) {
      writer->put(recording::Entry::node, {service::encode(facts(config.side))});
      writer->put(recording::Entry::session, {service::encode(config)});
    }
    fuzz::put_entries(*writer, data.subspan(1));
    writer->finish();
  }
  const auto report = service::replay(file.path(), fuzz::RecordingFile::secret(), {});
  if (report && !report->keys.empty() && report->identical()) std::abort();  // nobody makes a key this way
  return 0;
}
