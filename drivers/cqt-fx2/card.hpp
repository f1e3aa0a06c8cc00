// SPDX-License-Identifier: Apache-2.0
// A timestamp card on its cable: commands out, one byte of status back, and the stream of its events.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "drivers/cqt-fx2/commands.hpp"
#include "drivers/transport/usb.hpp"

namespace nicol::cqt_fx2 {

inline constexpr std::uint16_t kVendor = 0x04b4, kProduct = 0x1234;

struct Levels {
  std::uint16_t threshold = 3586;  // of the converter: about -0.5 V
  std::uint16_t skew = 2000;
  bool external_reference = false;
};

/// Thread-safe, but for the callbacks' rules of UsbDevice.
class Card {
 public:
  static Result<std::unique_ptr<Card>> open(transport::UsbContext& context, const std::string& serial,
                                            std::function<void(hal::Link)> on_link);

  hal::Link link() const noexcept { return device_->link(); }
  transport::UsbInfo info() const { return device_->info(); }

  /// Sent once. The card answers no command but status.
  Result<void> send(const std::vector<std::uint8_t>& packet);
  Result<std::uint8_t> status(StatusItem item);
  /// A known state with these levels; inputs inhibited, no data.
  Result<void> initialise(const Levels& levels);
  Result<void> set_levels(const Levels& levels);
  /// The counter starts at zero; data flow into `stream`, made between the two.
  Result<void> prepare_run();
  Result<void> release();
  Result<std::unique_ptr<transport::UsbDevice::Stream>> stream(transport::UsbDevice::StreamOptions options);

 private:
  Card() = default;
  Result<void> send_all(std::initializer_list<std::vector<std::uint8_t>> packets);

  std::mutex exchange_;  // one question at a time; guards stale_
  bool stale_ = false;   // an answer nobody waited for may be there
  std::unique_ptr<transport::UsbDevice> device_;
};

}  // namespace nicol::cqt_fx2
