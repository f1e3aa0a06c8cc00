// SPDX-License-Identifier: Apache-2.0
// Several bulk-IN transfers in flight, so that the bus never waits for the host: each is handed on and submitted again
// inside its callback. All callbacks run on the one event thread; a stalled endpoint is cleared by the worker.
#include <fmt/format.h>

#include <limits>
#include <optional>

#include "drivers/transport/private_buffer.hpp"
#include "drivers/transport/usb_impl.hpp"

namespace nicol::transport {
namespace {

/// A device that says "nothing" so often in a row is broken, and costs a whole core.
constexpr std::uint64_t kEmptyInARow = 65'536;
constexpr int kErrorsInARow = 3;

struct TransferFree {
  void operator()(libusb_transfer* transfer) const { libusb_free_transfer(transfer); }
};
struct Flight {
  PrivateBuffer buffer;
  std::unique_ptr<libusb_transfer, TransferFree> transfer;
  bool in_the_air = false;
};

class BulkStream final : public UsbDevice::Stream {
 public:
  BulkStream(UsbDevice::Impl& device, std::uint8_t endpoint, UsbDevice::StreamOptions options)
      : device_(device), endpoint_(endpoint), options_(std::move(options)) {}
  ~BulkStream() override;
  Result<void> start();

 private:
  Result<void> prepare();
  int submit(Flight& flight);
  static void LIBUSB_CALL landed(libusb_transfer* transfer) noexcept;
  void land(Flight& flight) noexcept;
  void take(Flight& flight);
  void failed(const libusb_transfer& transfer);
  void end(Error why);
  void stalled();
  void clear_and_go_on();
  void put_down(std::unique_lock<std::mutex>& lock);
  void say_ended(std::unique_lock<std::mutex>& lock);
  void cancel_all();
  Flight& flight_of(const libusb_transfer* transfer);

  UsbDevice::Impl& device_;
  const std::uint8_t endpoint_;
  const UsbDevice::StreamOptions options_;
  libusb_device_handle* handle_ = nullptr;
  // Event thread only.
  std::uint64_t empty_ = 0;
  int errors_ = 0;

  std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  std::vector<Flight> flights_;
  std::size_t busy_ = 0;  // in the air, or the worker that uses this object
  std::optional<Error> ended_;
  bool told_ = false, halted_ = false, cleared_once_ = false, stopping_ = false;
};

Result<void> BulkStream::prepare() {
  for (std::size_t i = 0; i < options_.transfers; ++i) {
    auto buffer = PrivateBuffer::create(options_.bytes);
    if (!buffer) return std::move(buffer).error();
    Flight flight{*std::move(buffer), {}, false};
    flight.transfer.reset(libusb_alloc_transfer(0));
    if (flight.transfer == nullptr) return Error{Code::internal, "no memory for a transfer", "", 0, {}};
    const auto bytes = flight.buffer.bytes();
    libusb_fill_bulk_transfer(flight.transfer.get(), handle_, endpoint_, bytes.data(), static_cast<int>(bytes.size()),
                              landed, this, 0);
    flights_.push_back(std::move(flight));
  }
  return {};
}

Result<void> BulkStream::start() {
  auto handle = device_.acquire();
  if (!handle) return std::move(handle).error();
  handle_ = *handle;
  Result<void> started = prepare();
  {
    const std::lock_guard lock(mutex_);
    for (Flight& flight : flights_) {
      if (!started) break;
      if (const int code = submit(flight); code != 0)
        started = usb_error(device_.described(), "starting a stream of", code);
    }
  }
  device_.release();  // each transfer in the air holds the device by itself
  return started;     // what is in the air is called back by the destructor
}

/// With mutex_ held. Each transfer in the air keeps the handle open.
int BulkStream::submit(Flight& flight) {
  auto held = device_.acquire();
  if (!held) return LIBUSB_ERROR_NO_DEVICE;
  // A stream never outlives the plugging-in it was started on.
  const int code = *held == handle_ ? libusb_submit_transfer(flight.transfer.get()) : int{LIBUSB_ERROR_NO_DEVICE};
  if (code != 0) {
    device_.release();
    return code;
  }
  flight.in_the_air = true;
  ++busy_;
  return 0;
}

Flight& BulkStream::flight_of(const libusb_transfer* transfer) {
  for (Flight& flight : flights_)
    if (flight.transfer.get() == transfer) return flight;
  std::terminate();  // libusb called back for a transfer that is not ours
}

void BulkStream::landed(libusb_transfer* transfer) noexcept {
  auto* stream = static_cast<BulkStream*>(transfer->user_data);
  stream->land(stream->flight_of(transfer));
}

void BulkStream::land(Flight& flight) noexcept {
  take(flight);
  std::unique_lock lock(mutex_);
  flight.in_the_air = false;
  device_.release();
  int code = 0;
  if (!stopping_ && !ended_ && !halted_) code = submit(flight);
  if (code == LIBUSB_ERROR_NO_DEVICE)
    ended_ = usb_gone(device_.described());
  else if (code != 0)
    ended_ = usb_error(device_.described(), "reading the stream of", code);
  put_down(lock);
}

/// What it brought, or why it did not. A cancelled transfer may have brought data, too.
void BulkStream::take(Flight& flight) {
  const libusb_transfer& transfer = *flight.transfer;
  const auto got = flight.buffer.bytes().first(static_cast<std::size_t>(transfer.actual_length));
  bool deliver = false;
  {
    const std::lock_guard lock(mutex_);
    deliver = !ended_ && !stopping_;
    if (!got.empty()) cleared_once_ = false;
  }
  if (!got.empty()) {
    if (deliver) options_.on_data(got);
    empty_ = 0;
    errors_ = 0;
  }
  if (transfer.status == LIBUSB_TRANSFER_COMPLETED) {
    if (got.empty() && ++empty_ >= kEmptyInARow)
      end({Code::protocol,
           fmt::format("{} sent {} empty transfers in a row", name_of(device_.described()), empty_),
           "",
           0,
           {}});
    return;
  }
  failed(transfer);
}

void BulkStream::failed(const libusb_transfer& transfer) {
  const std::string name = name_of(device_.described());
  switch (transfer.status) {
    case LIBUSB_TRANSFER_STALL:
      return stalled();
    case LIBUSB_TRANSFER_NO_DEVICE:
      device_.lost();
      return end(usb_gone(device_.described()));
    case LIBUSB_TRANSFER_OVERFLOW:
      return end({Code::overflow, name + " sent more than a transfer holds", name, transfer.status, {}});
    case LIBUSB_TRANSFER_ERROR:
      if (++errors_ < kErrorsInARow) return;
      return end({Code::io, name + ": transfers fail; check cable and hub", name, transfer.status, {}});
    case LIBUSB_TRANSFER_COMPLETED:
    case LIBUSB_TRANSFER_TIMED_OUT:
    case LIBUSB_TRANSFER_CANCELLED:
      break;
  }
}

void BulkStream::end(Error why) {
  const std::lock_guard lock(mutex_);
  if (!ended_) ended_ = std::move(why);
}

/// The endpoint is cleared when nothing is in the air any more: then the order of what follows is certain.
void BulkStream::stalled() {
  const std::string name = name_of(device_.described());
  const std::lock_guard lock(mutex_);
  if (cleared_once_) {
    if (!ended_) ended_ = Error{Code::protocol, name + " stalls its stream again and again", name, 0, {}};
    return;
  }
  halted_ = true;
  cancel_all();
}

/// On the event thread: one that used this object has done so; the last one sees to what follows. Nothing of it is
/// touched afterwards.
void BulkStream::put_down(std::unique_lock<std::mutex>& lock) {
  if (ended_) cancel_all();
  if (busy_ == 1 && !stopping_ && halted_ && !ended_) {
    ++busy_;
    device_.context.delegate([this] { clear_and_go_on(); });
  }
  if (busy_ == 1 && !stopping_ && ended_ && !told_) say_ended(lock);
  --busy_;
  changed_.notify_all();  // under the lock: the destructor goes right after
}

void BulkStream::say_ended(std::unique_lock<std::mutex>& lock) {
  told_ = true;
  const Error why = *ended_;
  lock.unlock();
  device_.context.note(device_.described(), "stream ended: " + why.message);
  if (options_.on_end) options_.on_end(why);
  lock.lock();
}

/// The worker's.
void BulkStream::clear_and_go_on() {
  int code = LIBUSB_ERROR_NO_DEVICE;
  if (auto handle = device_.acquire()) {
    code = libusb_clear_halt(*handle, endpoint_);
    device_.release();
  }
  std::unique_lock lock(mutex_);
  halted_ = false;
  cleared_once_ = true;
  for (Flight& flight : flights_)
    if (code == 0 && !stopping_) code = submit(flight);
  if (code != 0 && !ended_) ended_ = usb_error(device_.described(), "clearing the stream of", code);
  lock.unlock();
  device_.context.post([this] {
    std::unique_lock again(mutex_);
    put_down(again);
  });
}

/// With mutex_ held.
void BulkStream::cancel_all() {
  for (Flight& flight : flights_)
    if (flight.in_the_air) libusb_cancel_transfer(flight.transfer.get());
}

BulkStream::~BulkStream() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  cancel_all();
  changed_.wait(lock, [this] { return busy_ == 0; });
}

Error unusable(const std::string& why) { return {Code::bad_input, why, "", 0, {}}; }

}  // namespace

Result<std::unique_ptr<UsbDevice::Stream>> UsbDevice::stream(std::uint8_t endpoint, StreamOptions options) {
  if (!options.on_data || options.transfers == 0) return unusable("a stream needs on_data and a transfer");
  if ((endpoint & LIBUSB_ENDPOINT_IN) == 0) return unusable(fmt::format("endpoint {:02x} sends nothing", endpoint));
  auto handle = impl_->acquire();
  if (!handle) return std::move(handle).error();
  const int packet = libusb_get_max_packet_size(libusb_get_device(*handle), endpoint);
  impl_->release();
  if (packet <= 0) return unusable(fmt::format("{} has no endpoint {:02x}", name_of(info()), endpoint));
  if (options.bytes == 0 || options.bytes % static_cast<std::size_t>(packet) != 0 ||
      options.bytes > std::size_t{1} << 30)
    return unusable(fmt::format("transfers of {} bytes do not hold whole packets of {}", options.bytes, packet));
  auto stream = std::make_unique<BulkStream>(*impl_, endpoint, std::move(options));
  if (auto started = stream->start(); !started) return std::move(started).error();
  return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace nicol::transport
