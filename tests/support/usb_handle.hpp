// SPDX-License-Identifier: Apache-2.0
// One open usbfs descriptor: transfers that wait, transfers that are done, and a descriptor whose poll(2) says so.
#pragma once

#include <linux/usbdevice_fs.h>

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "drivers/hal/units.hpp"

namespace nicol::test {

/// A URB on its way. The buffer is the host's and stays while the transfer is under way.
struct UsbTransfer {
  usbdevfs_urb* urb = nullptr;
  std::size_t moved = 0;                // bytes so far
  bool begun = false;                   // counted, and its fault decided
  int repeats = 0;                      // OUT: so many times more
  Picoseconds not_before;               // OUT: the device hears it then
  std::vector<std::uint8_t> in_flight;  // OUT: what a fault has made of the bytes; empty: they are as the host's

  std::span<std::uint8_t> buffer() const {
    return {static_cast<std::uint8_t*>(urb->buffer), static_cast<std::size_t>(urb->buffer_length)};
  }
  std::span<std::uint8_t> room() const { return buffer().subspan(moved); }
};

/// Guarded by the device's lock. poll(2) on descriptor() as on the kernel's: writable when a transfer is done, error
/// when the device is gone. Made of a pipe one page long, whose write end the host gets: full it is not writable,
/// and without a reader it is in error.
class UsbHandle {
 public:
  UsbHandle();
  ~UsbHandle();
  UsbHandle(const UsbHandle&) = delete;
  UsbHandle& operator=(const UsbHandle&) = delete;

  int descriptor() const { return host_end_; }
  bool cut() const { return our_end_ < 0; }

  void submit(usbdevfs_urb* urb) { waiting[urb->endpoint].push_back({urb, 0, false, 0, {}, {}}); }
  /// status: 0 or -errno.
  void finish(const UsbTransfer& transfer, int status);
  /// Ends it with what has moved; false when it is not waiting.
  bool discard(const void* urb);
  /// The next that is done, or null.
  usbdevfs_urb* reap();
  /// The device is gone: everything ends.
  void cut_off();
  int open_transfers() const;

  std::map<std::uint8_t, std::deque<UsbTransfer>> waiting;  // by endpoint, in order
  std::set<unsigned> claimed;                               // interfaces

 private:
  void signal(bool ready);

  int our_end_ = -1, host_end_ = -1;  // the host's end is closed by the host
  bool ready_ = true;
  std::deque<usbdevfs_urb*> done_;
};

}  // namespace nicol::test
