// SPDX-License-Identifier: Apache-2.0
// What goes over a device's endpoints: packets between the host's transfers and the emulator, and the faults planned
// for them.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "sim/emulators/emulator.hpp"
#include "sim/emulators/fault_plan.hpp"
#include "tests/support/usb_descriptors.hpp"
#include "tests/support/usb_handle.hpp"

namespace nicol::test {

/// What corrupt and garbage make of a transfer.
std::vector<std::uint8_t> damaged(std::vector<std::uint8_t> bytes, const sim::Fault& fault);

/// Guarded by the device's lock.
class UsbTraffic {
 public:
  UsbTraffic(sim::UsbEmulator& emulator, sim::FaultPlan plan, Picoseconds latency)
      : emulator_(emulator), plan_(std::move(plan)), latency_(latency) {}

  /// The endpoints there are now; nothing is halted or under way.
  void configure(const std::vector<UsbEndpointInfo>& endpoints);
  bool has(std::uint8_t endpoint) const { return endpoints_.contains(endpoint); }
  void halt(std::uint8_t endpoint);
  void clear_halt(std::uint8_t endpoint);
  bool halted(std::uint8_t endpoint) const;

  /// Moves what can be moved: 0 or -errno when the transfer has ended, nullopt while it waits.
  std::optional<int> serve(UsbTransfer& transfer, Picoseconds now);
  /// A fault pulls the cable; said once.
  bool take_unplug() { return std::exchange(unplug_, false); }
  Picoseconds next_due() const;

  /// The new plan counts from here.
  void plan(sim::FaultPlan plan);
  std::uint64_t count(sim::FaultSide side) const { return total_[static_cast<std::size_t>(side)]; }

 private:
  /// What the device has said and the host has not yet got.
  struct Burst {
    std::vector<std::uint8_t> bytes;
    bool ends = false;  // with a short packet, or an empty one
    Picoseconds due;
  };
  struct Endpoint {
    std::size_t packet = 512;
    bool halted = false;
    std::deque<Burst> held;
  };
  struct Fetched {
    std::size_t bytes = 0;
    bool ends = false;
  };

  std::optional<int> serve_in(UsbTransfer& transfer, Endpoint& endpoint, Picoseconds now);
  std::optional<int> serve_out(UsbTransfer& transfer, Endpoint& endpoint, Picoseconds now);
  bool fetch(UsbTransfer& transfer, Endpoint& endpoint, Picoseconds now);
  std::optional<Fetched> ask(std::uint8_t address, Endpoint& endpoint, std::span<std::uint8_t> into, Picoseconds now);
  std::optional<int> straight_in(UsbTransfer& transfer, Endpoint& endpoint, Picoseconds now);
  std::optional<int> from_held(UsbTransfer& transfer, Endpoint& endpoint);
  bool goes_straight(const UsbTransfer& transfer, const Endpoint& endpoint) const;
  void hold(Endpoint& endpoint, Burst burst, const sim::Fault* fault, Picoseconds now);
  void begin_out(UsbTransfer& transfer, Endpoint& endpoint, Picoseconds now);
  std::optional<int> give(UsbTransfer& transfer, Endpoint& endpoint, Picoseconds now);
  const sim::Fault* begin(UsbTransfer& transfer, sim::FaultSide side);
  Picoseconds drawn_latency();

  sim::UsbEmulator& emulator_;
  sim::FaultPlan plan_;
  Picoseconds latency_;
  std::map<std::uint8_t, Endpoint> endpoints_;
  std::array<std::uint64_t, 2> seen_{}, total_{};  // a side: since this plan began, ever
  bool unplug_ = false;
  Picoseconds out_due_ = sim::kNever;  // when a late OUT is to be heard
  std::mt19937_64 random_{1};          // latencies, the same in every run
};

}  // namespace nicol::test
