// SPDX-License-Identifier: Apache-2.0
// Device to host. A transfer ends with a short packet, an empty one or a full buffer; a packet that does not fit into
// what is left of the buffer is an overflow.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "tests/support/usb_traffic.hpp"

namespace nicol::test {
namespace {

std::size_t whole_packets(std::size_t bytes, std::size_t packet) { return (bytes + packet - 1) / packet * packet; }

}  // namespace

std::optional<int> UsbTraffic::serve_in(UsbTransfer& transfer, Endpoint& endpoint, Picoseconds now) {
  for (;;) {
    if (goes_straight(transfer, endpoint)) return straight_in(transfer, endpoint, now);
    if (endpoint.held.empty() && !fetch(transfer, endpoint, now))
      return endpoint.halted ? std::optional(-EPIPE) : std::nullopt;
    if (endpoint.halted) return -EPIPE;
    if (endpoint.held.empty()) continue;  // dropped on its way
    if (endpoint.held.front().due > now) return std::nullopt;
    if (const auto status = from_held(transfer, endpoint)) return status;
  }
}

bool UsbTraffic::goes_straight(const UsbTransfer& transfer, const Endpoint& endpoint) const {
  return plan_.empty() && latency_.count <= 0 && endpoint.held.empty() && !transfer.room().empty() &&
         transfer.room().size() % endpoint.packet == 0;
}

/// What the emulator says: packets into the buffer. nullopt: nothing now, or a halt.
std::optional<UsbTraffic::Fetched> UsbTraffic::ask(std::uint8_t address, Endpoint& endpoint,
                                                   std::span<std::uint8_t> into, Picoseconds now) {
  const int said = emulator_.in(address, into, now);
  if (said == sim::kUsbStall) endpoint.halted = true;
  if (said == sim::kUsbEmptyPacket) return Fetched{0, true};
  if (said <= 0) return std::nullopt;
  const std::size_t bytes = std::min(static_cast<std::size_t>(said), into.size());
  return Fetched{bytes, bytes % endpoint.packet != 0};
}

/// The usual way, without a copy.
std::optional<int> UsbTraffic::straight_in(UsbTransfer& transfer, Endpoint& endpoint, Picoseconds now) {
  while (!transfer.room().empty()) {
    const auto fetched = ask(transfer.urb->endpoint, endpoint, transfer.room(), now);
    if (!fetched) return endpoint.halted ? std::optional(-EPIPE) : std::nullopt;
    if (!transfer.begun) begin(transfer, sim::FaultSide::from_device);
    transfer.moved += fetched->bytes;
    if (fetched->ends) break;
  }
  return 0;
}

/// Asks the emulator for what would fill the transfer and holds it; false: it has nothing to say now, or is gone.
bool UsbTraffic::fetch(UsbTransfer& transfer, Endpoint& endpoint, Picoseconds now) {
  const std::size_t room = std::max(transfer.room().size(), std::size_t{1});
  std::vector<std::uint8_t> bytes(whole_packets(room, endpoint.packet));
  const auto fetched = ask(transfer.urb->endpoint, endpoint, bytes, now);
  if (!fetched) return false;
  bytes.resize(fetched->bytes);
  const sim::Fault* const fault = transfer.begun ? nullptr : begin(transfer, sim::FaultSide::from_device);
  hold(endpoint, {std::move(bytes), fetched->ends, now + drawn_latency()}, fault, now);
  if (fault != nullptr && fault->kind == sim::FaultKind::drop) transfer.begun = false;
  return !unplug_;
}

void UsbTraffic::hold(Endpoint& endpoint, Burst burst, const sim::Fault* fault, Picoseconds now) {
  if (fault != nullptr) {
    if (fault->kind == sim::FaultKind::drop) return;
    if (fault->kind == sim::FaultKind::unplug) {
      unplug_ = true;
      return;
    }
    if (fault->kind == sim::FaultKind::stall) endpoint.halted = true;  // said again after CLEAR_HALT
    if (fault->kind == sim::FaultKind::late) burst.due = now + fault->delay;
    if (fault->kind == sim::FaultKind::duplicate) {
      burst.ends = true;
      endpoint.held.push_back(burst);
    }
    burst.bytes = damaged(std::move(burst.bytes), *fault);
  }
  endpoint.held.push_back(std::move(burst));
}

/// The front of what is held, as far as it fits.
std::optional<int> UsbTraffic::from_held(UsbTransfer& transfer, Endpoint& endpoint) {
  transfer.begun = true;  // what was held back from an earlier transfer was counted then
  Burst& burst = endpoint.held.front();
  const auto room = transfer.room();
  const std::size_t fits = std::min(room.size(), burst.bytes.size());
  std::copy_n(burst.bytes.begin(), fits, room.begin());
  transfer.moved += fits;
  if (fits < burst.bytes.size() && room.size() % endpoint.packet != 0) {
    endpoint.held.pop_front();  // the rest of the packet is lost
    return -EOVERFLOW;
  }
  if (fits < burst.bytes.size()) {
    burst.bytes.erase(burst.bytes.begin(), burst.bytes.begin() + static_cast<std::ptrdiff_t>(fits));
    return 0;
  }
  const bool ends = burst.ends;
  endpoint.held.pop_front();
  if (ends || transfer.room().empty()) return 0;
  return std::nullopt;
}

}  // namespace nicol::test
