// SPDX-License-Identifier: Apache-2.0
// Calls that look synchronous, made of asynchronous transfers: a deadline cancels them, an unplug ends them.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "drivers/transport/usb_impl.hpp"

namespace nicol::transport {
namespace {

struct TransferFree {
  void operator()(libusb_transfer* transfer) const { libusb_free_transfer(transfer); }
};
using Transfer = std::unique_ptr<libusb_transfer, TransferFree>;

/// Waited for by the caller, finished by the event thread.
struct Waiting {
  std::mutex mutex;  // guards done
  std::condition_variable changed;
  bool done = false;
};

void LIBUSB_CALL finished(libusb_transfer* transfer) noexcept {
  auto* waiting = static_cast<Waiting*>(transfer->user_data);
  const std::lock_guard lock(waiting->mutex);
  waiting->done = true;
  waiting->changed.notify_all();  // under the lock: the waiter's stack goes right after
}

void wait_or_cancel(Waiting& waiting, libusb_transfer* transfer, Deadline deadline) {
  std::unique_lock lock(waiting.mutex);
  const auto done = [&] { return waiting.done; };
  if (deadline.at == Deadline{}.at) {
    waiting.changed.wait(lock, done);
    return;
  }
  if (waiting.changed.wait_until(lock, deadline.at, done)) return;
  lock.unlock();
  libusb_cancel_transfer(transfer);
  lock.lock();
  waiting.changed.wait(lock, done);
}

int run(libusb_transfer* transfer, Deadline deadline) {
  Waiting waiting;
  transfer->callback = finished;
  transfer->user_data = &waiting;
  transfer->timeout = 0;
  if (const int code = libusb_submit_transfer(transfer); code != 0) return code;
  wait_or_cancel(waiting, transfer, deadline);
  return 0;
}

Error ended_badly(const UsbInfo& info, const std::string& doing, const libusb_transfer& transfer) {
  const std::string name = name_of(info);
  switch (transfer.status) {
    case LIBUSB_TRANSFER_CANCELLED:
    case LIBUSB_TRANSFER_TIMED_OUT:
      return {Code::timeout,
              fmt::format("{} {}: no end in time, {} of {} bytes moved", doing, name, transfer.actual_length,
                          transfer.length),
              name,
              transfer.status,
              {}};
    case LIBUSB_TRANSFER_STALL:
      return {Code::protocol,
              fmt::format("{} {}: it stalled the endpoint, which means it refuses that", doing, name),
              name,
              transfer.status,
              {}};
    case LIBUSB_TRANSFER_OVERFLOW:
      return {Code::overflow,
              fmt::format("{} {}: it sent more than {} bytes", doing, name, transfer.length),
              name,
              transfer.status,
              {}};
    case LIBUSB_TRANSFER_NO_DEVICE:
      return usb_gone(info);
    case LIBUSB_TRANSFER_ERROR:
    case LIBUSB_TRANSFER_COMPLETED:
      break;
  }
  return {
      Code::io, fmt::format("{} {}: the transfer failed; check cable and hub", doing, name), name, transfer.status, {}};
}

/// One transfer on one device from acquire to release.
Result<std::size_t> perform(UsbDevice::Impl& device, libusb_transfer* transfer, const std::string& doing,
                            Deadline deadline) {
  if (device.context.on_event_thread())
    return Error{Code::internal, "the USB event thread cannot wait for a transfer", "", 0, {}};
  auto handle = device.acquire();
  if (!handle) return std::move(handle).error();
  transfer->dev_handle = *handle;
  const int code = run(transfer, deadline);
  const bool stalled = code == 0 && transfer->status == LIBUSB_TRANSFER_STALL;
  if (stalled && transfer->endpoint != 0) libusb_clear_halt(*handle, transfer->endpoint);
  const bool gone = code == LIBUSB_ERROR_NO_DEVICE || (code == 0 && transfer->status == LIBUSB_TRANSFER_NO_DEVICE);
  if (gone) device.lost();  // before it may be opened again
  device.release();
  if (gone) return usb_gone(device.described());
  if (code != 0) return usb_error(device.described(), doing, code);
  if (transfer->status != LIBUSB_TRANSFER_COMPLETED) return ended_badly(device.described(), doing, *transfer);
  return static_cast<std::size_t>(transfer->actual_length);
}

Result<std::size_t> bulk(UsbDevice::Impl& device, std::uint8_t endpoint, std::span<std::uint8_t> data,
                         const std::string& doing, Deadline deadline) {
  if (data.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return Error{Code::bad_input, fmt::format("{} bytes are too many for one transfer", data.size()), "", 0, {}};
  const Transfer transfer(libusb_alloc_transfer(0));
  if (transfer == nullptr) return Error{Code::internal, "no memory for a transfer", "", 0, {}};
  transfer->type = LIBUSB_TRANSFER_TYPE_BULK;
  transfer->endpoint = endpoint;
  transfer->buffer = data.data();
  transfer->length = static_cast<int>(data.size());
  return perform(device, transfer.get(), doing, deadline);
}

/// Lengths only: what passes may be tags or patterns.
void log_size(const UsbDevice::Impl& device, Direction direction, std::string_view what, std::size_t bytes) {
  if (device.context.log != nullptr) device.context.log->size(name_of(device.described()), direction, what, bytes);
}

}  // namespace

Result<void> UsbDevice::bulk_out(std::uint8_t endpoint, std::span<const std::uint8_t> bytes, Deadline deadline) {
  log_size(*impl_, Direction::to_device, "bulk out", bytes.size());
  // libusb's transfers have no const; an OUT transfer only reads.
  const std::span<std::uint8_t> data(const_cast<std::uint8_t*>(bytes.data()), bytes.size());
  auto sent = bulk(*impl_, endpoint, data, fmt::format("writing to endpoint {:02x} of", endpoint), deadline);
  if (!sent) return std::move(sent).error();
  if (*sent != bytes.size())
    return Error{
        Code::io, fmt::format("{} took {} of {} bytes", name_of(info()), *sent, bytes.size()), name_of(info()), 0, {}};
  return {};
}

Result<std::size_t> UsbDevice::bulk_in(std::uint8_t endpoint, std::span<std::uint8_t> into, Deadline deadline) {
  auto got = bulk(*impl_, endpoint, into, fmt::format("reading endpoint {:02x} of", endpoint), deadline);
  if (got) log_size(*impl_, Direction::from_device, "bulk in", *got);
  return got;
}

Result<std::size_t> UsbDevice::control(const UsbSetup& setup, std::span<std::uint8_t> data, Deadline deadline) {
  if (data.size() > 4096)
    return Error{Code::bad_input, fmt::format("{} bytes are too many for a control request", data.size()), "", 0, {}};
  const bool in = (setup.request_type & LIBUSB_ENDPOINT_IN) != 0;
  std::vector<std::uint8_t> buffer(LIBUSB_CONTROL_SETUP_SIZE + data.size());
  libusb_fill_control_setup(buffer.data(), setup.request_type, setup.request, setup.value, setup.index,
                            static_cast<std::uint16_t>(data.size()));
  if (!in) std::copy(data.begin(), data.end(), buffer.begin() + LIBUSB_CONTROL_SETUP_SIZE);
  const Transfer transfer(libusb_alloc_transfer(0));
  if (transfer == nullptr) return Error{Code::internal, "no memory for a transfer", "", 0, {}};
  transfer->type = LIBUSB_TRANSFER_TYPE_CONTROL;
  transfer->endpoint = 0;
  transfer->buffer = buffer.data();
  transfer->length = static_cast<int>(buffer.size());
  const std::string doing = fmt::format("request {:02x} to", setup.request);
  log_size(*impl_, in ? Direction::from_device : Direction::to_device, doing, data.size());
  auto moved = perform(*impl_, transfer.get(), doing, deadline);
  if (moved && in) std::copy_n(buffer.begin() + LIBUSB_CONTROL_SETUP_SIZE, std::min(*moved, data.size()), data.begin());
  return moved;
}

Result<void> UsbDevice::clear_halt(std::uint8_t endpoint) {
  auto handle = impl_->acquire();
  if (!handle) return std::move(handle).error();
  const int code = libusb_clear_halt(*handle, endpoint);
  if (code == LIBUSB_ERROR_NO_DEVICE) impl_->lost();
  impl_->release();
  if (code != 0) return usb_error(info(), fmt::format("clearing endpoint {:02x} of", endpoint), code);
  return {};
}

}  // namespace nicol::transport
