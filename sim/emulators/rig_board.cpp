// SPDX-License-Identifier: Apache-2.0
#include "sim/emulators/rig_board.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>

namespace nicol::sim {
namespace {

constexpr std::uint16_t kVendor = 0x1209, kProduct = 0x0001;  // pid.codes' test identity
constexpr std::uint8_t kControlOut = 0x01, kControlIn = 0x81, kTagsIn = 0x82;
constexpr std::size_t kPacket = 512;
constexpr std::int64_t kPsPerMs = 1'000'000'000;
constexpr const char* kProductName = "Nicol rig board";
constexpr const char* kMaker = "Nicol";

/// Device, configuration, one vendor interface with three bulk endpoints.
std::vector<std::uint8_t> descriptors() {
  constexpr std::uint8_t kLow = kPacket & 0xff, kHigh = kPacket >> 8;
  return {
      18,
      1,
      0x00,
      0x02,
      0,
      0,
      0,
      64,
      kVendor & 0xff,
      kVendor >> 8,
      kProduct & 0xff,
      kProduct >> 8,
      0x00,
      0x01,
      1,
      2,
      3,
      1,  // strings, configurations
      9,
      2,
      39,
      0,
      1,
      1,
      0,
      0x80,
      250,  // configuration: 500 mA
      9,
      4,
      0,
      0,
      3,
      0xff,
      0,
      0,
      0,  // interface
      7,
      5,
      kControlOut,
      2,
      kLow,
      kHigh,
      0,
      7,
      5,
      kControlIn,
      2,
      kLow,
      kHigh,
      0,  // endpoints
      7,
      5,
      kTagsIn,
      2,
      kLow,
      kHigh,
      0,
  };
}

}  // namespace

RigBoardCore::RigBoardCore(std::unique_ptr<RigHardware> hardware, fw::Link link, const RigBoardOptions& options)
    : options_(options), link_(link), hardware_(std::move(hardware)), buffers_(std::make_unique<fw::Buffers>(link)) {
  hardware_->on_usb(link == fw::Link::usb ? kPacket : 0);
  hardware_->power_cycle();
  firmware_.emplace(*hardware_, *buffers_, link_);
  life_ = std::jthread([this](const std::stop_token& stop) { live(stop); });
}

RigBoardCore::~RigBoardCore() {
  life_.request_stop();
  life_.join();
}

/// The board's uptime. Its clock does not stop when nobody carries its bytes, and never goes back.
std::uint64_t RigBoardCore::tick_to(std::optional<Picoseconds> now) {
  const auto at = std::chrono::steady_clock::now();
  if (now && *now > last_now_) {
    last_now_ = *now;
    last_at_ = at;
  }
  const double since = std::chrono::duration<double, std::milli>(at - last_at_).count() * options_.time_scale;
  const auto guess = static_cast<std::uint64_t>(last_now_.count / kPsPerMs + static_cast<std::int64_t>(since));
  uptime_ms_ = std::max(uptime_ms_, guess);
  hardware_->tell_time(uptime_ms_);
  return uptime_ms_;
}

void RigBoardCore::live(const std::stop_token& stop) {
  std::mutex sleep_mutex;
  std::condition_variable_any sleep;
  const auto every = std::chrono::duration<double, std::milli>(5 / std::max(options_.time_scale, 0.1));
  while (!stop.stop_requested()) {
    {
      const std::lock_guard lock(mutex_);
      if (powered_) firmware_->poll(tick_to({}));
    }
    std::unique_lock lock(sleep_mutex);
    sleep.wait_for(lock, stop, every, [] { return false; });
  }
}

void RigBoardCore::receive(std::span<const std::uint8_t> bytes, Picoseconds now) {
  const std::lock_guard lock(mutex_);
  firmware_->receive(bytes, tick_to(now));
}

std::size_t RigBoardCore::transmit(fw::Channel channel, std::span<std::uint8_t> into, Picoseconds now) {
  const std::lock_guard lock(mutex_);
  firmware_->poll(tick_to(now));
  return firmware_->transmit(channel, into);
}

void RigBoardCore::power_cycle() {
  const std::lock_guard lock(mutex_);
  firmware_->link_lost(uptime_ms_);  // whatever it was doing ends
  hardware_->power_cycle();
  buffers_ = std::make_unique<fw::Buffers>(link_);
  firmware_.emplace(*hardware_, *buffers_, link_);
  powered_ = true;
}

void RigBoardCore::power_off() {
  const std::lock_guard lock(mutex_);
  powered_ = false;
  hardware_->power_off();
}

void RigBoardCore::cable_out() {
  const std::lock_guard lock(mutex_);
  firmware_->link_lost(tick_to({}));
}

Picoseconds RigBoardCore::next_due() const {
  const std::lock_guard lock(mutex_);
  return {last_now_.count +
          static_cast<std::int64_t>(static_cast<double>(kPsPerMs) * std::max(options_.time_scale, 1.0))};
}

fw::Emission RigBoardCore::emission() const {
  const std::lock_guard lock(mutex_);
  return firmware_->emission();
}
fw::Faults RigBoardCore::faults() const {
  const std::lock_guard lock(mutex_);
  return firmware_->faults();
}
std::uint32_t RigBoardCore::watchdog_ms() const {
  const std::lock_guard lock(mutex_);
  return firmware_->watchdog_ms();
}
fw::FirmwareCounts RigBoardCore::counts() const {
  const std::lock_guard lock(mutex_);
  return firmware_->counts();
}

UsbIdentity RigBoard::identity() const { return {descriptors(), kProductName, kMaker, core_.options().serial}; }

int RigBoard::out(std::uint8_t endpoint, std::span<const std::uint8_t> bytes, Picoseconds now) {
  if (endpoint != kControlOut) return kUsbStall;
  core_.receive(bytes, now);
  return static_cast<int>(bytes.size());
}

int RigBoard::in(std::uint8_t endpoint, std::span<std::uint8_t> into, Picoseconds now) {
  if (endpoint != kControlIn && endpoint != kTagsIn) return kUsbStall;
  return static_cast<int>(
      core_.transmit(endpoint == kControlIn ? fw::Channel::control : fw::Channel::stream, into, now));
}

SerialIdentity RigBoardSerial::identity() const {
  return {kVendor, kProduct, kProductName, kMaker, core_.options().serial, 0};
}

void RigBoardSerial::collect(std::vector<std::uint8_t>& out, Picoseconds now) {
  std::array<std::uint8_t, 4096> bytes;
  while (const std::size_t n = core_.transmit(fw::Channel::control, bytes, now))
    out.insert(out.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
}

}  // namespace nicol::sim
