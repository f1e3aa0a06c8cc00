// SPDX-License-Identifier: Apache-2.0
// Which USB identities belong to which driver, and the udev rules that let people use them without being root.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace nicol {

/// The node in /dev that the driver opens.
enum class DeviceNode : std::uint8_t { usb, tty };

struct UsbId {
  std::string_view driver, what;
  std::uint16_t vendor_id = 0, product_id = 0;
  DeviceNode node = DeviceNode::usb;
};
/// Devices on any serial adapter (tdc1, newport, s15-spdc, Quantum Composers) need the group dialout and no rule.
std::span<const UsbId> usb_ids();

/// The text of drivers/60-nicol.rules.
std::string udev_rules();

}  // namespace nicol
