// SPDX-License-Identifier: Apache-2.0
#include "drivers/catalogue/usb_ids.hpp"

#include <fmt/format.h>

namespace nicol {

std::span<const UsbId> usb_ids() {
  static constexpr UsbId kIds[] = {
      {"rig", "the rig's own boards (test identity of pid.codes)", 0x1209, 0x0001, DeviceNode::usb},
      {"rig", "the rig's own boards on a serial line", 0x1209, 0x0001, DeviceNode::tty},
      {"elliptec", "Thorlabs Elliptec mounts behind an FT230X", 0x0403, 0x6015, DeviceNode::tty},
      {"apt", "Thorlabs APT: K10CR1, K10CR2, KDC101, MPC320, MFF101", 0x0403, 0xfaf0, DeviceNode::tty},
      {"scpi-laser", "Thorlabs CLD1010LP, CLD1011LP, CLD1015", 0x1313, 0x804f, DeviceNode::usb},
      {"scpi-laser", "Thorlabs ITC4000 series", 0x1313, 0x804a, DeviceNode::usb},
      {"pm100", "Thorlabs PM100D", 0x1313, 0x8078, DeviceNode::usb},
      {"cqt-fx2", "CQT FX2 timestamp card", 0x04b4, 0x1234, DeviceNode::usb},
      {"lectrotic", "LectroTIC-4", 0x1209, 0x71c4, DeviceNode::tty},
  };
  return kIds;
}

std::string udev_rules() {
  std::string text =
      "# Who sits at this machine, and the groups plugdev and dialout, may use the instruments that Nicol drives.\n"
      "# Copy to /etc/udev/rules.d/60-nicol.rules, then: udevadm control --reload && udevadm trigger\n";
  for (const UsbId& id : usb_ids()) {
    text += fmt::format("# {}: {}\n", id.driver, id.what);
    if (id.node == DeviceNode::usb)
      text += fmt::format(
          "SUBSYSTEM==\"usb\", ENV{{DEVTYPE}}==\"usb_device\", ATTR{{idVendor}}==\"{:04x}\", "
          "ATTR{{idProduct}}==\"{:04x}\", MODE=\"0660\", GROUP=\"plugdev\", TAG+=\"uaccess\"\n",
          id.vendor_id, id.product_id);
    else
      text += fmt::format(
          "SUBSYSTEM==\"tty\", ATTRS{{idVendor}}==\"{:04x}\", ATTRS{{idProduct}}==\"{:04x}\", MODE=\"0660\", "
          "GROUP=\"dialout\", TAG+=\"uaccess\"\n",
          id.vendor_id, id.product_id);
  }
  return text;
}

}  // namespace nicol
