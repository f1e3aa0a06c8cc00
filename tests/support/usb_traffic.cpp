// SPDX-License-Identifier: Apache-2.0
// Endpoints: which there are, halts, and what a transfer's turn is.
#include "tests/support/usb_traffic.hpp"

#include <algorithm>
#include <cerrno>

namespace nicol::test {

std::vector<std::uint8_t> damaged(std::vector<std::uint8_t> bytes, const sim::Fault& fault) {
  if (fault.kind == sim::FaultKind::corrupt && !bytes.empty()) bytes[bytes.size() / 2] ^= fault.mask;
  if (fault.kind == sim::FaultKind::garbage)
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = sim::noise_instead_of(bytes[i], i);
  return bytes;
}

void UsbTraffic::configure(const std::vector<UsbEndpointInfo>& endpoints) {
  endpoints_.clear();
  out_due_ = sim::kNever;
  for (const UsbEndpointInfo& e : endpoints) endpoints_[e.address] = {e.packet, false, {}};
}

void UsbTraffic::halt(std::uint8_t endpoint) {
  if (const auto it = endpoints_.find(endpoint); it != endpoints_.end()) it->second.halted = true;
}

void UsbTraffic::clear_halt(std::uint8_t endpoint) {
  if (const auto it = endpoints_.find(endpoint); it != endpoints_.end()) it->second.halted = false;
}

bool UsbTraffic::halted(std::uint8_t endpoint) const {
  const auto it = endpoints_.find(endpoint);
  return it != endpoints_.end() && it->second.halted;
}

std::optional<int> UsbTraffic::serve(UsbTransfer& transfer, Picoseconds now) {
  const auto it = endpoints_.find(transfer.urb->endpoint);
  if (it == endpoints_.end()) return -ENOENT;
  if (it->second.halted) return -EPIPE;
  const bool in = (transfer.urb->endpoint & 0x80U) != 0;
  return in ? serve_in(transfer, it->second, now) : serve_out(transfer, it->second, now);
}

Picoseconds UsbTraffic::next_due() const {
  Picoseconds due = std::min(emulator_.next_due(), out_due_);
  for (const auto& [address, endpoint] : endpoints_)
    if (!endpoint.held.empty()) due = std::min(due, endpoint.held.front().due);
  return due;
}

void UsbTraffic::plan(sim::FaultPlan plan) {
  plan_ = std::move(plan);
  seen_ = {};
}

const sim::Fault* UsbTraffic::begin(UsbTransfer& transfer, sim::FaultSide side) {
  transfer.begun = true;
  ++total_[static_cast<std::size_t>(side)];
  return sim::fault_at(plan_, side, seen_[static_cast<std::size_t>(side)]++);
}

Picoseconds UsbTraffic::drawn_latency() {
  if (latency_.count <= 0) return {};
  return {static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(latency_.count + 1))};
}

}  // namespace nicol::test
