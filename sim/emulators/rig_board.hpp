// SPDX-License-Identifier: Apache-2.0
// The rig's own board as its cable sees it: the reference firmware, byte in and byte out, over a simulated half of a
// rig or over a bare bench (rig_bench.hpp).
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "drivers/hal/rig.hpp"
#include "firmware-protocol/firmware.hpp"
#include "sim/emulators/emulator.hpp"
#include "sim/emulators/rig_hardware.hpp"

namespace nicol::sim {

struct RigBoardOptions {
  std::string serial = "NIC001";
  /// Of whoever carries the bytes: the firmware's own clock goes on at this pace while nobody does.
  double time_scale = 1;
};

/// A simulated rig behind the pins: source, tagger, shutter and detector-N by their roles. Rig time is the rig's own
/// (paced) time: a late host makes the player wait, it does not run dry.
std::unique_ptr<RigHardware> simulated_hardware(std::unique_ptr<hal::Rig> rig, const RigBoardOptions& options);

/// Firmware, memory and hardware of one board, with a thread that keeps the firmware running when the cable is out.
/// Thread-safe.
class RigBoardCore {
 public:
  RigBoardCore(std::unique_ptr<RigHardware> hardware, fw::Link link, const RigBoardOptions& options);
  ~RigBoardCore();

  void receive(std::span<const std::uint8_t> bytes, Picoseconds now);
  std::size_t transmit(fw::Channel channel, std::span<std::uint8_t> into, Picoseconds now);
  void power_cycle();
  /// A board with a supply of its own notices that its cable is out (USB suspend, DTR): at once safe. Without this its
  /// watchdog notices.
  void cable_out();
  /// A board that lives on its cable: the firmware is gone with the supply, until power_cycle().
  void power_off();
  Picoseconds next_due() const;

  fw::Emission emission() const;
  fw::Faults faults() const;
  fw::FirmwareCounts counts() const;
  std::uint32_t watchdog_ms() const;
  RigHardware& hardware() { return *hardware_; }
  const RigBoardOptions& options() const { return options_; }

 private:
  std::uint64_t tick_to(std::optional<Picoseconds> now);
  void live(const std::stop_token& stop);

  const RigBoardOptions options_;
  const fw::Link link_;
  std::unique_ptr<RigHardware> hardware_;
  mutable std::mutex mutex_;  // guards all below, and the hardware
  std::unique_ptr<fw::Buffers> buffers_;
  std::optional<fw::Firmware> firmware_;
  Picoseconds last_now_;
  bool powered_ = true;
  std::uint64_t uptime_ms_ = 0;
  std::chrono::steady_clock::time_point last_at_ = std::chrono::steady_clock::now();
  std::jthread life_;
};

/// On USB: a vendor interface, EP1 OUT and IN, EP2 IN.
class RigBoard final : public UsbEmulator {
 public:
  explicit RigBoard(std::unique_ptr<hal::Rig> rig, const RigBoardOptions& options = {})
      : core_(simulated_hardware(std::move(rig), options), fw::Link::usb, options) {}
  explicit RigBoard(std::unique_ptr<RigHardware> hardware, const RigBoardOptions& options = {})
      : core_(std::move(hardware), fw::Link::usb, options) {}

  UsbIdentity identity() const override;
  int control(std::span<const std::uint8_t, 8>, std::span<std::uint8_t>, Picoseconds) override { return kUsbStall; }
  int out(std::uint8_t endpoint, std::span<const std::uint8_t> bytes, Picoseconds now) override;
  int in(std::uint8_t endpoint, std::span<std::uint8_t> into, Picoseconds now) override;
  Picoseconds next_due() const override { return core_.next_due(); }
  void power_cycle() override { core_.power_cycle(); }
  RigBoardCore& core() { return core_; }

 private:
  RigBoardCore core_;
};

/// On a CDC serial line.
class RigBoardSerial final : public SerialEmulator {
 public:
  explicit RigBoardSerial(std::unique_ptr<hal::Rig> rig, const RigBoardOptions& options = {})
      : core_(simulated_hardware(std::move(rig), options), fw::Link::serial, options) {}
  explicit RigBoardSerial(std::unique_ptr<RigHardware> hardware, const RigBoardOptions& options = {})
      : core_(std::move(hardware), fw::Link::serial, options) {}

  SerialIdentity identity() const override;
  void receive(std::span<const std::uint8_t> bytes, Picoseconds now) override { core_.receive(bytes, now); }
  void collect(std::vector<std::uint8_t>& out, Picoseconds now) override;
  Picoseconds next_due() const override { return core_.next_due(); }
  void power_cycle() override { core_.power_cycle(); }
  RigBoardCore& core() { return core_; }

 private:
  RigBoardCore core_;
};

}  // namespace nicol::sim
