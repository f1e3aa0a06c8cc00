// SPDX-License-Identifier: Apache-2.0
// The device's side of USBTMC 1.0 and USB488: an instrument behind bulk endpoints, with tags, parts, padding, abort,
// clear.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/emulators/emulator.hpp"
#include "sim/emulators/scpi_text.hpp"

namespace nicol::sim {

struct UsbTmcConfig {
  std::uint16_t vendor_id = 0x1313, product_id = 0;
  std::string product, manufacturer, serial;
  bool wants_remote = false;           // hears nothing until REN_CONTROL said 1 (Thorlabs)
  std::size_t longest_part = 1 << 20;  // bytes of a reply in one DEV_DEP_MSG_IN
};

class UsbTmcDevice final : public UsbEmulator {
 public:
  static constexpr std::uint8_t kBulkOut = 0x02, kBulkIn = 0x81;

  /// The instrument outlives it.
  UsbTmcDevice(ScpiInstrument& instrument, UsbTmcConfig config);

  UsbIdentity identity() const override;
  int control(std::span<const std::uint8_t, 8> setup, std::span<std::uint8_t> data, Picoseconds now) override;
  int out(std::uint8_t endpoint, std::span<const std::uint8_t> bytes, Picoseconds now) override;
  int in(std::uint8_t endpoint, std::span<std::uint8_t> into, Picoseconds now) override;
  Picoseconds next_due() const override;
  void power_cycle() override;

  void delay_replies(Picoseconds by) { delay_ = by; }
  void be_silent() { silent_ = true; }  // hears and obeys, and answers nothing
  void speak_again() { silent_ = false; }
  std::uint64_t clears() const { return clears_; }
  std::uint64_t aborts() const { return aborts_; }

 private:
  struct Request {
    std::uint8_t tag = 0;
    std::size_t bytes = 0;
  };
  int take_message(std::span<const std::uint8_t> bytes, std::size_t size, Picoseconds now);
  void prepare_part();
  int abort_in(std::uint8_t tag, std::span<std::uint8_t> answer);
  void forget();

  ScpiInstrument& instrument_;
  const UsbTmcConfig config_;
  bool remote_ = false, silent_ = false;
  std::string hearing_;              // message parts until EOM
  std::string reply_;                // what is left of it
  std::optional<Request> request_;   // REQUEST_DEV_DEP_MSG_IN that was not answered yet
  std::vector<std::uint8_t> going_;  // of the transfer that answers
  bool short_packet_due_ = false;
  Picoseconds delay_, due_ = kNever, now_;
  std::uint64_t clears_ = 0, aborts_ = 0;
};

}  // namespace nicol::sim
