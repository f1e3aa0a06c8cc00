// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_usb.hpp"

#include <utility>

#include "tests/support/usb_model.hpp"

namespace nicol::test {

/// The device outlives this while somebody has it open; its emulator need not.
struct FakeUsb::Impl {
  Impl(sim::UsbEmulator& emulator, Options options)
      : port(options.port), model(std::make_shared<UsbModel>(emulator, std::move(options))) {
    model->plug(port);
  }
  ~Impl() {
    model->unplug();
    model->stop();
  }
  std::string port;
  std::shared_ptr<UsbModel> model;
};

FakeUsb::FakeUsb(sim::UsbEmulator& emulator, Options options)
    : impl_(std::make_unique<Impl>(emulator, std::move(options))) {}
FakeUsb::~FakeUsb() = default;

void FakeUsb::unplug() { impl_->model->unplug(); }
void FakeUsb::replug(const std::string& new_port) { impl_->model->replug(new_port); }
void FakeUsb::set_faults(sim::FaultPlan plan) { impl_->model->set_faults(std::move(plan)); }
void FakeUsb::stall(std::uint8_t endpoint) { impl_->model->stall(endpoint); }
void FakeUsb::hold_settings() { impl_->model->hold_settings(); }
void FakeUsb::let_go() { impl_->model->let_go(); }
int FakeUsb::held() const { return impl_->model->held(); }
bool FakeUsb::plugged() const { return impl_->model->plugged(); }
int FakeUsb::claimed() const { return impl_->model->claimed(); }
int FakeUsb::open_transfers() const { return impl_->model->open_transfers(); }
int FakeUsb::alternate_setting() const { return impl_->model->alternate_setting(); }
std::uint64_t FakeUsb::transfers(sim::FaultSide side) const { return impl_->model->transfers(side); }
Picoseconds FakeUsb::now() const { return impl_->model->now(); }
void FakeUsb::locked(const std::function<void()>& f) { impl_->model->locked(f); }
void FakeUsb::kick() { impl_->model->kick(); }

}  // namespace nicol::test
