// SPDX-License-Identifier: Apache-2.0
// Host to device. What the emulator does not take waits, as under a device's NAK.
#include <algorithm>
#include <cerrno>

#include "tests/support/usb_traffic.hpp"

namespace nicol::test {
std::optional<int> UsbTraffic::serve_out(UsbTransfer& transfer, Endpoint& endpoint, Picoseconds now) {
  if (!transfer.begun) begin_out(transfer, endpoint, now);
  if (endpoint.halted) return -EPIPE;
  if (unplug_) return std::nullopt;
  if (transfer.not_before > now) {
    out_due_ = std::min(out_due_, transfer.not_before);
    return std::nullopt;
  }
  if (out_due_ <= now) out_due_ = sim::kNever;
  return give(transfer, endpoint, now);
}

void UsbTraffic::begin_out(UsbTransfer& transfer, Endpoint& endpoint, Picoseconds now) {
  const sim::Fault* const fault = begin(transfer, sim::FaultSide::to_device);
  transfer.repeats = 1;
  if (fault == nullptr) return;
  switch (fault->kind) {
    case sim::FaultKind::drop:
      transfer.repeats = 0;
      break;
    case sim::FaultKind::duplicate:
      transfer.repeats = 2;
      break;
    case sim::FaultKind::corrupt:
    case sim::FaultKind::garbage:
      transfer.in_flight = damaged({transfer.buffer().begin(), transfer.buffer().end()}, *fault);
      break;
    case sim::FaultKind::late:
      transfer.not_before = now + fault->delay;
      break;
    case sim::FaultKind::stall:
      endpoint.halted = true;
      break;
    case sim::FaultKind::unplug:
      unplug_ = true;
      break;
  }
}

std::optional<int> UsbTraffic::give(UsbTransfer& transfer, Endpoint& endpoint, Picoseconds now) {
  const std::uint8_t address = transfer.urb->endpoint;
  const std::size_t size = transfer.buffer().size();
  const std::span<const std::uint8_t> bytes =
      transfer.in_flight.empty() ? std::span<const std::uint8_t>(transfer.buffer()) : transfer.in_flight;
  for (; transfer.repeats > 0; --transfer.repeats) {
    if (transfer.moved == size) transfer.moved = 0;
    do {
      const int taken = emulator_.out(address, bytes.subspan(transfer.moved), now);
      if (taken == sim::kUsbStall) endpoint.halted = true;
      if (taken == sim::kUsbStall) return -EPIPE;
      if (taken <= 0 && size != 0) return std::nullopt;
      transfer.moved = std::min(size, transfer.moved + static_cast<std::size_t>(std::max(taken, 0)));
    } while (transfer.moved < size);
  }
  transfer.moved = size;
  const bool empty_packet_wanted = (transfer.urb->flags & USBDEVFS_URB_ZERO_PACKET) != 0;
  if (empty_packet_wanted && size != 0 && size % endpoint.packet == 0) emulator_.out(address, {}, now);
  return 0;
}

}  // namespace nicol::test
