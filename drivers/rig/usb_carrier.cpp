// SPDX-License-Identifier: Apache-2.0
// A vendor interface: EP1 OUT and IN for control, EP2 IN for tags. Every frame ends a transfer, so nothing is copied.
#include "drivers/rig/carrier.hpp"
#include "firmware-protocol/frame.hpp"

namespace nicol::rig {
namespace {

constexpr int kInterface = 0;
constexpr std::uint8_t kControlOut = 0x01, kControlIn = 0x81, kTagsIn = 0x82;
constexpr std::size_t kControlTransfers = 4, kControlBytes = 4096;
constexpr std::size_t kTagTransfers = 8, kTagBytes = std::size_t{32} * 1024;

class UsbCarrier final : public Carrier {
 public:
  explicit UsbCarrier(CarrierEvents events) : events_(std::move(events)) {}
  ~UsbCarrier() override {
    control_.reset();
    tags_.reset();
  }
  Result<void> open(transport::Hub& hub, const std::string& serial);

  fw::Framing framing() const noexcept override { return fw::Framing::raw; }
  bool present() const noexcept override { return device_->link() == hal::Link::connected; }
  std::string port() const override { return device_->info().port; }
  Result<void> listen() override;
  Result<void> send(std::span<const std::uint8_t> frame, Deadline deadline) override {
    return device_->bulk_out(kControlOut, frame, deadline);
  }

 private:
  Result<std::unique_ptr<transport::UsbDevice::Stream>> stream(std::uint8_t endpoint, std::size_t transfers,
                                                               std::size_t bytes);
  void on_transfer(std::span<const std::uint8_t> bytes);

  const CarrierEvents events_;
  std::unique_ptr<transport::UsbDevice> device_;
  std::unique_ptr<transport::UsbDevice::Stream> control_, tags_;  // destroyed before the device
};

Result<void> UsbCarrier::open(transport::Hub& hub, const std::string& serial) {
  auto context = hub.usb();
  if (!context) return std::move(context).error();
  transport::UsbDevice::Options options;
  options.match = {kVendorId, kProductId, serial};
  options.interface = kInterface;
  options.on_link = events_.link;
  auto device = transport::UsbDevice::open(**context, std::move(options));
  if (!device) return std::move(device).error();
  device_ = *std::move(device);
  return {};
}

Result<std::unique_ptr<transport::UsbDevice::Stream>> UsbCarrier::stream(std::uint8_t endpoint, std::size_t transfers,
                                                                         std::size_t bytes) {
  transport::UsbDevice::StreamOptions options;
  options.transfers = transfers;
  options.bytes = bytes;
  options.on_data = [this](std::span<const std::uint8_t> data) { on_transfer(data); };
  options.on_end = [this](const Error& why) {
    events_.damage();
    events_.end(why);
  };
  return device_->stream(endpoint, std::move(options));
}

Result<void> UsbCarrier::listen() {
  control_.reset();
  tags_.reset();
  auto control = stream(kControlIn, kControlTransfers, kControlBytes);
  if (!control) return std::move(control).error();
  auto tags = stream(kTagsIn, kTagTransfers, kTagBytes);
  if (!tags) return std::move(tags).error();
  control_ = *std::move(control);
  tags_ = *std::move(tags);
  return {};
}

void UsbCarrier::on_transfer(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const fw::Decoded found = fw::decode_frame(bytes);
    if (found.verdict == fw::Verdict::frame)
      events_.frame(found.frame);
    else
      events_.damage();
    if (found.bytes == 0) return;  // cut short: its rest will never come
    bytes = bytes.subspan(found.bytes);
  }
}

}  // namespace

Result<std::unique_ptr<Carrier>> open_usb(transport::Hub& hub, const std::string& serial, CarrierEvents events) {
  auto carrier = std::make_unique<UsbCarrier>(std::move(events));
  if (auto opened = carrier->open(hub, serial); !opened) return std::move(opened).error();
  return std::unique_ptr<Carrier>(std::move(carrier));
}

}  // namespace nicol::rig
