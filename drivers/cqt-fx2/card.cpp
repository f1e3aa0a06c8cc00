// SPDX-License-Identifier: Apache-2.0
#include "drivers/cqt-fx2/card.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace nicol::cqt_fx2 {
namespace {

using namespace std::chrono_literals;

constexpr std::uint8_t kCommands = 0x01, kStatus = 0x81, kEvents = 0x82;
constexpr auto kCommandWithin = 100ms, kAnswerWithin = 200ms, kStaleWithin = 5ms;
constexpr std::uint16_t kCoincidence = 10, kCalibration = 10;  // what the card's own program sets
constexpr std::uint8_t kFlushAfter = 1;                        // x 10 ms

Deadline in(std::chrono::nanoseconds d) { return SteadyDeadlines().in(d); }

}  // namespace

Result<std::unique_ptr<Card>> Card::open(transport::UsbContext& context, const std::string& serial,
                                         std::function<void(hal::Link)> on_link) {
  std::unique_ptr<Card> card(new Card);
  auto device = transport::UsbDevice::open(context, {{kVendor, kProduct, serial}, 0, 1, std::move(on_link)});
  if (!device) return std::move(device).error();
  card->device_ = *std::move(device);
  return card;
}

Result<void> Card::send(const std::vector<std::uint8_t>& packet) {
  return device_->bulk_out(kCommands, packet, in(kCommandWithin));
}

Result<void> Card::send_all(std::initializer_list<std::vector<std::uint8_t>> packets) {
  for (const auto& packet : packets)
    if (auto sent = send(packet); !sent) return sent;
  return {};
}

/// Answers carry no name: one that came too late must not be taken for the next.
Result<std::uint8_t> Card::status(StatusItem item) {
  const std::lock_guard lock(exchange_);
  std::array<std::uint8_t, 512> answer{};
  if (stale_) (void)device_->bulk_in(kStatus, answer, in(kStaleWithin));
  stale_ = false;
  if (auto sent = send(packet(Command::status, static_cast<std::uint8_t>(item))); !sent) return std::move(sent).error();
  const auto got = device_->bulk_in(kStatus, answer, in(kAnswerWithin));
  if (!got) {
    stale_ = true;
    return got.error();
  }
  if (*got != 1)
    return Error{Code::protocol,
                 fmt::format("the card answered its status with {} bytes instead of one", *got),
                 info().serial,
                 0,
                 {}};
  return answer.front();
}

Result<void> Card::set_levels(const Levels& levels) {
  return send_all(
      {dac_packet(Dac::coincidence, kCoincidence), dac_packet(Dac::threshold, levels.threshold),
       dac_packet(Dac::calibration, kCalibration), dac_packet(Dac::skew, levels.skew),
       packet(Command::reference, std::uint8_t{levels.external_reference ? std::uint8_t{0} : std::uint8_t{1}})});
}

Result<void> Card::initialise(const Levels& levels) {
  if (auto ok = send_all({packet(Command::fresh), packet(Command::init_dac)}); !ok) return ok;
  if (auto ok = set_levels(levels); !ok) return ok;
  return send_all({packet(Command::inhibit), packet(Command::calibration_off)});
}

Result<void> Card::prepare_run() {
  return send_all({packet(Command::inhibit), packet(Command::reset_counter), packet(Command::clear_buffers),
                   packet(Command::autoflush, kFlushAfter)});
}

Result<void> Card::release() { return send_all({packet(Command::start), packet(Command::sample)}); }

Result<std::unique_ptr<transport::UsbDevice::Stream>> Card::stream(transport::UsbDevice::StreamOptions options) {
  return device_->stream(kEvents, std::move(options));
}

}  // namespace nicol::cqt_fx2
