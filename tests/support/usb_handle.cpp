// SPDX-License-Identifier: Apache-2.0
#include "tests/support/usb_handle.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "tests/support/interpose.hpp"

namespace nicol::test {
namespace {

constexpr int kOnePage = 4096;

}  // namespace

UsbHandle::UsbHandle() {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return;
  our_end_ = ends[0];
  host_end_ = ends[1];
  fcntl(host_end_, F_SETPIPE_SZ, kOnePage);
  signal(false);
}

UsbHandle::~UsbHandle() { real_close(our_end_); }

void UsbHandle::signal(bool ready) {
  if (ready == ready_ || cut()) return;
  ready_ = ready;
  char byte = 0;  // one byte takes the one page there is
  [[maybe_unused]] const ssize_t n = ready ? ::read(our_end_, &byte, 1) : ::write(host_end_, &byte, 1);
}

void UsbHandle::finish(const UsbTransfer& transfer, int status) {
  transfer.urb->status = status;
  transfer.urb->actual_length = static_cast<int>(transfer.moved);
  done_.push_back(transfer.urb);
  signal(true);
}

bool UsbHandle::discard(const void* urb) {
  for (auto& [endpoint, queue] : waiting) {
    const auto it = std::find_if(queue.begin(), queue.end(), [&](const UsbTransfer& t) { return t.urb == urb; });
    if (it == queue.end()) continue;
    finish(*it, -ENOENT);
    queue.erase(it);
    return true;
  }
  return false;
}

usbdevfs_urb* UsbHandle::reap() {
  if (done_.empty()) return nullptr;
  usbdevfs_urb* const urb = done_.front();
  done_.pop_front();
  if (done_.empty()) signal(false);
  return urb;
}

void UsbHandle::cut_off() {
  for (auto& [endpoint, queue] : waiting)
    for (const UsbTransfer& transfer : queue) finish(transfer, -ESHUTDOWN);
  waiting.clear();
  claimed.clear();
  real_close(our_end_);
  our_end_ = -1;
}

int UsbHandle::open_transfers() const {
  std::size_t count = done_.size();
  for (const auto& [endpoint, queue] : waiting) count += queue.size();
  return static_cast<int>(count);
}

}  // namespace nicol::test
