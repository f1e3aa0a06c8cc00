// SPDX-License-Identifier: Apache-2.0
#include "sim/emulators/usbtmc_device.hpp"

#include <algorithm>

namespace nicol::sim {
namespace {

constexpr std::size_t kHeader = 12, kPacket = 512;
constexpr std::uint8_t kMessageOut = 1, kRequestIn = 2, kTrigger = 128;
constexpr std::uint8_t kSuccess = 0x01, kFailed = 0x80, kNotInProgress = 0x81;
constexpr std::size_t kLongestMessage = 1 << 16;

enum ControlRequest : std::uint8_t {
  kInitiateAbortOut = 1,
  kCheckAbortOut = 2,
  kInitiateAbortIn = 3,
  kCheckAbortIn = 4,
  kInitiateClear = 5,
  kCheckClear = 6,
  kGetCapabilities = 7,
  kIndicatorPulse = 64,
  kReadStatusByte = 128,
  kRemoteEnable = 160,
  kGoToLocal = 161,
  kLocalLockout = 162
};

std::size_t transfer_size(std::span<const std::uint8_t> header) {
  std::size_t size = 0;
  for (std::size_t k = 0; k < 4; ++k) size |= std::size_t{header[4 + k]} << (8 * k);
  return size;
}

bool sound_header(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= kHeader && bytes[1] != 0 && (bytes[1] ^ bytes[2]) == 0xff;
}

}  // namespace

UsbTmcDevice::UsbTmcDevice(ScpiInstrument& instrument, UsbTmcConfig config)
    : instrument_(instrument), config_(std::move(config)) {}

UsbIdentity UsbTmcDevice::identity() const {
  const auto low = [](std::uint16_t v) { return static_cast<std::uint8_t>(v); };
  const auto high = [](std::uint16_t v) { return static_cast<std::uint8_t>(v >> 8); };
  return {{18,
           1,
           0,
           2,
           0,
           0,
           0,
           64,
           low(config_.vendor_id),
           high(config_.vendor_id),
           low(config_.product_id),
           high(config_.product_id),
           0,
           1,
           1,
           2,
           3,
           1,  //
           9,
           2,
           32,
           0,
           1,
           1,
           0,
           0xc0,
           50,  // one configuration, self-powered
           9,
           4,
           0,
           0,
           2,
           0xfe,
           3,
           1,
           0,  // application specific, test and measurement, USB488
           7,
           5,
           kBulkOut,
           2,
           0,
           2,
           0,  //
           7,
           5,
           kBulkIn,
           2,
           0,
           2,
           0},
          config_.product,
          config_.manufacturer,
          config_.serial};
}

int UsbTmcDevice::control(std::span<const std::uint8_t, 8> setup, std::span<std::uint8_t> data, Picoseconds now) {
  now_ = now;
  if (data.empty()) return kUsbStall;  // each of its requests has an answer
  std::ranges::fill(data, std::uint8_t{0});
  data[0] = kSuccess;
  switch (setup[1]) {
    case kInitiateAbortOut:
      hearing_.clear();
      break;
    case kInitiateAbortIn:
      return abort_in(setup[2], data);
    case kInitiateClear:
      forget();
      ++clears_;
      break;
    case kRemoteEnable:
      remote_ = setup[2] != 0;
      break;
    case kCheckAbortOut:
    case kCheckAbortIn:
    case kCheckClear:
    case kGetCapabilities:
    case kIndicatorPulse:
    case kReadStatusByte:
    case kGoToLocal:
    case kLocalLockout:
      break;
    default:
      return kUsbStall;
  }
  return static_cast<int>(data.size());
}

/// The transfer under way ends with a short packet.
int UsbTmcDevice::abort_in(std::uint8_t tag, std::span<std::uint8_t> answer) {
  ++aborts_;
  const bool under_way = request_.has_value() || !going_.empty() || short_packet_due_;
  if (!under_way) answer[0] = kFailed;
  if (request_ && request_->tag != tag) answer[0] = kNotInProgress;
  if (answer[0] == kSuccess) {
    request_.reset();
    going_.clear();
    short_packet_due_ = true;
  }
  return static_cast<int>(answer.size());
}

int UsbTmcDevice::out(std::uint8_t endpoint, std::span<const std::uint8_t> bytes, Picoseconds now) {
  now_ = now;
  if (endpoint != kBulkOut || !sound_header(bytes)) return kUsbStall;
  const std::size_t size = transfer_size(bytes);
  switch (bytes[0]) {
    case kMessageOut:
      return take_message(bytes, size, now);
    case kRequestIn:
      request_ = Request{bytes[1], size};
      return static_cast<int>(bytes.size());
    case kTrigger:
      return static_cast<int>(bytes.size());
    default:
      return kUsbStall;
  }
}

int UsbTmcDevice::take_message(std::span<const std::uint8_t> bytes, std::size_t size, Picoseconds now) {
  const std::size_t padded = (kHeader + size + 3) / 4 * 4;
  if (size == 0 || size > kLongestMessage || bytes.size() != padded) return kUsbStall;
  if (hearing_.size() > kLongestMessage) hearing_.clear();
  hearing_.append(bytes.begin() + kHeader, bytes.begin() + static_cast<std::ptrdiff_t>(kHeader + size));
  if ((bytes[8] & 1) == 0) return static_cast<int>(bytes.size());
  std::string line;
  std::swap(line, hearing_);
  if (config_.wants_remote && !remote_) return static_cast<int>(bytes.size());
  reply_ = instrument_.execute(line, now);  // an old reply that nobody fetched is gone
  if (!reply_.empty()) reply_ += '\n';
  due_ = reply_.empty() ? kNever : now + delay_;
  return static_cast<int>(bytes.size());
}

void UsbTmcDevice::prepare_part() {
  const std::size_t size = std::min({request_->bytes, reply_.size(), config_.longest_part});
  const bool last = size == reply_.size();
  const std::uint8_t tag = request_->tag;
  going_ = {kRequestIn, tag, static_cast<std::uint8_t>(~tag), 0};
  for (std::size_t k = 0; k < 4; ++k) going_.push_back(static_cast<std::uint8_t>(size >> (8 * k)));
  going_.push_back(last ? 1 : 0);
  going_.resize(kHeader, 0);
  going_.insert(going_.end(), reply_.begin(), reply_.begin() + static_cast<std::ptrdiff_t>(size));
  while (going_.size() % 4 != 0) going_.push_back(0);
  reply_.erase(0, size);
  if (reply_.empty()) due_ = kNever;
  short_packet_due_ = going_.size() % kPacket == 0;
  request_.reset();
}

int UsbTmcDevice::in(std::uint8_t endpoint, std::span<std::uint8_t> into, Picoseconds now) {
  now_ = now;
  if (endpoint != kBulkIn) return kUsbStall;
  if (going_.empty() && !short_packet_due_ && request_ && !silent_ && !reply_.empty() && due_ <= now) prepare_part();
  if (!going_.empty()) {
    const std::size_t size = std::min(into.size(), going_.size());
    std::copy_n(going_.begin(), size, into.begin());
    going_.erase(going_.begin(), going_.begin() + static_cast<std::ptrdiff_t>(size));
    return static_cast<int>(size);
  }
  if (!short_packet_due_) return 0;
  short_packet_due_ = false;
  return kUsbEmptyPacket;
}

Picoseconds UsbTmcDevice::next_due() const { return request_ && !silent_ && due_ > now_ ? due_ : kNever; }

void UsbTmcDevice::forget() {
  hearing_.clear();
  reply_.clear();
  request_.reset();
  going_.clear();
  short_packet_due_ = false;
  due_ = kNever;
}

void UsbTmcDevice::power_cycle() {
  forget();
  remote_ = false;
  instrument_.cable_pulled();
}

}  // namespace nicol::sim
