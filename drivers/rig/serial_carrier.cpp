// SPDX-License-Identifier: Apache-2.0
// A serial line: control and tags share it, stuffed with COBS.
#include <new>

#include "drivers/rig/carrier.hpp"
#include "drivers/transport/private_buffer.hpp"
#include "drivers/transport/serial_bus.hpp"

namespace nicol::rig {
namespace {

class SerialCarrier final : public Carrier {
 public:
  SerialCarrier(CarrierEvents events, transport::PrivateBuffer memory)
      : events_(std::move(events)),
        memory_(std::move(memory)),
        decoder_(new (memory_.bytes().data()) fw::FrameDecoder(fw::Framing::cobs)) {}
  ~SerialCarrier() override {
    bus_.reset();
    decoder_->reset();
  }
  Result<void> open(transport::Hub& hub, const transport::SerialAddress& where);

  fw::Framing framing() const noexcept override { return fw::Framing::cobs; }
  bool present() const noexcept override { return bus_->link() == hal::Link::connected; }
  std::string port() const override { return bus_->info().port; }
  Result<void> listen() override {
    // Ends whatever half frame an earlier program has left on the line.
    const std::uint8_t delimiter = 0;
    return bus_->write({&delimiter, 1}, SteadyDeadlines().in(std::chrono::milliseconds(200)));
  }
  Result<void> send(std::span<const std::uint8_t> frame, Deadline deadline) override {
    return bus_->write(frame, deadline);
  }

 private:
  void on_bytes(std::span<const std::uint8_t> bytes);

  const CarrierEvents events_;
  transport::PrivateBuffer memory_;  // tags are raw key material
  fw::FrameDecoder* decoder_;        // in it; the bus's thread only
  std::uint64_t damaged_ = 0;
  std::unique_ptr<transport::SerialBus> bus_;
};

Result<void> SerialCarrier::open(transport::Hub& hub, const transport::SerialAddress& where) {
  transport::SerialBus::Options options;
  options.where = where;
  options.on_bytes = [this](std::span<const std::uint8_t> bytes) { on_bytes(bytes); };
  options.on_link = events_.link;
  options.log = &hub.log();
  options.private_input = true;
  auto bus = transport::SerialBus::open(std::move(options));
  if (!bus) return std::move(bus).error();
  bus_ = *std::move(bus);
  return {};
}

void SerialCarrier::on_bytes(std::span<const std::uint8_t> bytes) {
  fw::Frame frame;
  while (!bytes.empty()) {
    bytes = bytes.subspan(decoder_->feed(bytes));
    while (decoder_->next(frame)) events_.frame(frame);
    const fw::DecoderCounts& counts = decoder_->counts();
    const std::uint64_t damaged = counts.bad_header + counts.bad_payload + counts.bad_stuffing + counts.unknown_flags;
    if (damaged != damaged_) events_.damage();
    damaged_ = damaged;
  }
}

}  // namespace

Result<std::unique_ptr<Carrier>> open_serial(transport::Hub& hub, const transport::SerialAddress& where,
                                             CarrierEvents events) {
  auto memory = transport::PrivateBuffer::create(sizeof(fw::FrameDecoder));
  if (!memory) return std::move(memory).error();
  auto carrier = std::make_unique<SerialCarrier>(std::move(events), *std::move(memory));
  if (auto opened = carrier->open(hub, where); !opened) return std::move(opened).error();
  return std::unique_ptr<Carrier>(std::move(carrier));
}

}  // namespace nicol::rig
