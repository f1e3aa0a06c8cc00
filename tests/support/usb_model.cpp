// SPDX-License-Identifier: Apache-2.0
// Plugging, the thread that waits for the emulator, and the serving of transfers.
#include "tests/support/usb_model.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace nicol::test {
namespace {

/// One descriptor of the host's.
class OpenUsb final : public OpenFile {
 public:
  OpenUsb(std::shared_ptr<UsbModel> model, std::unique_ptr<UsbHandle> handle)
      : model_(std::move(model)), handle_(std::move(handle)) {}
  ~OpenUsb() override { model_->close(*handle_); }
  std::optional<int> ioctl(unsigned long request, void* argument) override {
    return model_->ioctl(*handle_, request, argument);
  }

 private:
  std::shared_ptr<UsbModel> model_;
  std::unique_ptr<UsbHandle> handle_;
};

}  // namespace

UsbModel::UsbModel(sim::UsbEmulator& emulator, FakeUsb::Options options)
    : emulator_(emulator),
      options_(std::move(options)),
      clock_(options_.time_scale),
      layout_(read_layout(emulator.identity().descriptors)),
      traffic_(emulator, options_.faults, options_.latency),
      watcher_([this](const std::stop_token& stop) { watch(stop); }) {}

UsbModel::~UsbModel() { stop(); }

void UsbModel::stop() {
  let_go();
  if (!watcher_.joinable()) return;
  watcher_.request_stop();
  watcher_.join();
}

void UsbModel::hold_settings() {
  const std::lock_guard lock(hold_mutex_);
  holding_ = true;
}

void UsbModel::let_go() {
  const std::lock_guard lock(hold_mutex_);
  holding_ = false;
  let_go_.notify_all();
}

int UsbModel::held() const {
  const std::lock_guard lock(hold_mutex_);
  return held_;
}

void UsbModel::wait_while_held() {
  std::unique_lock lock(hold_mutex_);
  ++held_;
  let_go_.wait(lock, [this] { return !holding_; });
  --held_;
}

void UsbModel::plug(const std::string& port) {
  const std::lock_guard lock(mutex_);
  plug_in(port);
}

void UsbModel::unplug() {
  const std::lock_guard lock(mutex_);
  pull_cable();
}

void UsbModel::replug(const std::string& new_port) {
  const std::lock_guard lock(mutex_);
  power_cycle(new_port);
}

void UsbModel::plug_in(const std::string& port) {
  port_ = port;
  alternates_.clear();
  last_alternate_ = 0;
  configure();
  sim::UsbIdentity identity = emulator_.identity();
  if (options_.bad_descriptors) identity.descriptors = garbled(std::move(identity.descriptors));
  listing_ =
      std::make_shared<const UsbListing>(UsbListing{port_, UsbBus::instance().next_address(), options_.speed_mbit,
                                                    options_.denied, std::move(identity), shared_from_this()});
  UsbBus::instance().arrive(listing_);
}

void UsbModel::pull_cable() {
  if (!listing_) return;
  for (UsbHandle* const handle : handles_) handle->cut_off();
  UsbBus::instance().leave(std::exchange(listing_, nullptr));
}

void UsbModel::power_cycle(const std::string& new_port) {
  pull_cable();
  emulator_.power_cycle();
  plug_in(new_port.empty() ? port_ : new_port);
}

void UsbModel::configure() {
  std::vector<UsbEndpointInfo> active;
  for (const UsbEndpointInfo& e : layout_.endpoints)
    if (alternates_[e.interface] == e.alternate) active.push_back(e);
  traffic_.configure(active);
}

Opened UsbModel::open() {
  auto handle = std::make_unique<UsbHandle>();
  const int fd = handle->descriptor();
  if (fd < 0) return {-1, errno, nullptr};
  const std::lock_guard lock(mutex_);
  if (!listing_) {
    real_close(fd);
    return {-1, ENOENT, nullptr};
  }
  handles_.push_back(handle.get());
  return {fd, 0, std::make_shared<OpenUsb>(shared_from_this(), std::move(handle))};
}

void UsbModel::close(UsbHandle& handle) {
  const std::lock_guard lock(mutex_);
  std::erase(handles_, &handle);
}

void UsbModel::serve() {
  while (listing_ && serve_once(clock_.now())) {
  }
  if (traffic_.take_unplug()) pull_cable();
}

/// True when anything has moved: room for one transfer may be what another waits for.
bool UsbModel::serve_once(Picoseconds now) {
  bool moved = false;
  for (UsbHandle* const handle : handles_) {
    for (auto& [endpoint, queue] : handle->waiting) {
      while (!queue.empty()) {
        const auto status = traffic_.serve(queue.front(), now);
        if (!status) break;
        handle->finish(queue.front(), *status);
        queue.pop_front();
        moved = true;
      }
    }
  }
  return moved;
}

void UsbModel::watch(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::chrono::nanoseconds rest = clock_.wait_for(sim::kNever);
    {
      const std::lock_guard lock(mutex_);
      serve();
      const bool awaited = std::any_of(handles_.begin(), handles_.end(), [](const UsbHandle* handle) {
        return std::any_of(handle->waiting.begin(), handle->waiting.end(),
                           [](const auto& q) { return !q.second.empty(); });
      });
      // What no transfer waits for can be left until one is submitted, which asks at once.
      if (listing_ && awaited) rest = clock_.wait_for(traffic_.next_due());
    }
    std::unique_lock lock(wake_mutex_);
    wake_.wait_for(lock, stop, rest, [this] { return kicked_; });
    kicked_ = false;
  }
}

// The emulator itself may call this: no lock of the device's.
void UsbModel::kick() {
  {
    const std::lock_guard lock(wake_mutex_);
    kicked_ = true;
  }
  wake_.notify_all();
}

void UsbModel::locked(const std::function<void()>& f) {
  {
    const std::lock_guard lock(mutex_);
    f();
    serve();
  }
  kick();
}

void UsbModel::set_faults(sim::FaultPlan plan) {
  locked([&] { traffic_.plan(std::move(plan)); });
}

void UsbModel::stall(std::uint8_t endpoint) {
  locked([&] { traffic_.halt(endpoint); });
}

bool UsbModel::plugged() const {
  const std::lock_guard lock(mutex_);
  return listing_ != nullptr;
}

int UsbModel::claimed() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const UsbHandle* const handle : handles_) count += handle->claimed.size();
  return static_cast<int>(count);
}

int UsbModel::open_transfers() const {
  const std::lock_guard lock(mutex_);
  int count = 0;
  for (const UsbHandle* const handle : handles_) count += handle->open_transfers();
  return count;
}

int UsbModel::alternate_setting() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(last_alternate_);
}

std::uint64_t UsbModel::transfers(sim::FaultSide side) const {
  const std::lock_guard lock(mutex_);
  return traffic_.count(side);
}

}  // namespace nicol::test
