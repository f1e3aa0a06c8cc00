// SPDX-License-Identifier: Apache-2.0
#include "tests/support/usb_descriptors.hpp"

#include <algorithm>

#include "sim/emulators/fault_plan.hpp"

namespace nicol::test {
namespace {

constexpr std::uint8_t kDevice = 1, kConfiguration = 2, kString = 3, kInterface = 4, kEndpoint = 5;
constexpr std::size_t kDeviceLength = 18;
constexpr std::uint16_t kPacketBits = 0x07ff;  // above them: extra transactions a microframe

std::uint16_t word(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] | bytes[at + 1] << 8U);
}

std::vector<std::uint8_t> string_descriptor(const std::string& ascii) {
  std::vector<std::uint8_t> bytes{static_cast<std::uint8_t>(2 + 2 * ascii.size()), kString};
  for (const char c : ascii) {
    bytes.push_back(static_cast<std::uint8_t>(c));
    bytes.push_back(0);
  }
  return bytes;
}

std::vector<std::uint8_t> string_of(const sim::UsbIdentity& identity, std::uint8_t index) {
  switch (index) {
    case 0:
      return {4, kString, 0x09, 0x04};  // the languages: US English
    case 1:
      return string_descriptor(identity.manufacturer);
    case 2:
      return string_descriptor(identity.product);
    case 3:
      return string_descriptor(identity.serial);
    default:
      return {};
  }
}

}  // namespace

UsbLayout read_layout(std::span<const std::uint8_t> descriptors) {
  UsbLayout layout;
  UsbInterfaceInfo current;
  while (descriptors.size() >= 2 && descriptors[0] >= 2 && descriptors[0] <= descriptors.size()) {
    const auto d = descriptors.first(descriptors[0]);
    if (d[1] == kDevice && d.size() >= kDeviceLength) {
      layout.vendor_id = word(d, 8);
      layout.product_id = word(d, 10);
    } else if (d[1] == kConfiguration && d.size() >= 9) {
      layout.configuration = d[5];
    } else if (d[1] == kInterface && d.size() >= 9) {
      current = {d[2], d[3]};
      layout.interfaces.push_back(current);
    } else if (d[1] == kEndpoint && d.size() >= 7) {
      const std::size_t packet = word(d, 4) & kPacketBits;
      layout.endpoints.push_back({current.interface, current.alternate, d[2], std::max<std::size_t>(packet, 1)});
    }
    descriptors = descriptors.subspan(d.size());
  }
  return layout;
}

std::vector<std::uint8_t> garbled(std::vector<std::uint8_t> descriptors) {
  for (std::size_t i = kDeviceLength; i < descriptors.size(); ++i)
    descriptors[i] = sim::noise_instead_of(descriptors[i], i);
  return descriptors;
}

std::vector<std::uint8_t> descriptor(const sim::UsbIdentity& identity, std::uint8_t type, std::uint8_t index) {
  const auto& all = identity.descriptors;
  const auto device_end = all.begin() + static_cast<std::ptrdiff_t>(std::min(kDeviceLength, all.size()));
  switch (type) {
    case kDevice:
      return {all.begin(), device_end};
    case kConfiguration:
      return index == 0 ? std::vector<std::uint8_t>(device_end, all.end()) : std::vector<std::uint8_t>{};
    case kString:
      return string_of(identity, index);
    default:
      return {};
  }
}

}  // namespace nicol::test
