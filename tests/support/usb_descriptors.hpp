// SPDX-License-Identifier: Apache-2.0
// What the bus reads out of a device's descriptors, and the answers every USB device gives to standard requests.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/emulators/emulator.hpp"

namespace nicol::test {

struct UsbEndpointInfo {
  std::uint8_t interface = 0, alternate = 0, address = 0;
  std::size_t packet = 0;  // bytes at most
};

struct UsbInterfaceInfo {
  std::uint8_t interface = 0, alternate = 0;
};

struct UsbLayout {
  std::uint16_t vendor_id = 0, product_id = 0;
  std::uint8_t configuration = 1;
  std::vector<UsbInterfaceInfo> interfaces;
  std::vector<UsbEndpointInfo> endpoints;
};

UsbLayout read_layout(std::span<const std::uint8_t> descriptors);

/// Still a device descriptor, but noise where its configuration was.
std::vector<std::uint8_t> garbled(std::vector<std::uint8_t> descriptors);

/// GET_DESCRIPTOR's answer; empty: the device has none (it stalls).
std::vector<std::uint8_t> descriptor(const sim::UsbIdentity& identity, std::uint8_t type, std::uint8_t index);

}  // namespace nicol::test
