// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_tty.hpp"

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/support/paced_line.hpp"
#include "tests/support/scaled_clock.hpp"
#include "tests/support/tty_adapter.hpp"
#include "tests/support/wake_up.hpp"

namespace nicol::test {
namespace {

// A host that reads nothing: what the kernel would throw away is thrown away here.
constexpr std::size_t kHostBuffer = 1U << 20U;

std::string checked_name(const std::string& name) {
  if (!name.starts_with("tty")) throw std::invalid_argument("a fake adapter is called tty…, not " + name);
  return name;
}

}  // namespace

struct FakeTty::Impl {
  Impl(sim::SerialEmulator& far_end, Options wishes)
      : emulator(far_end),
        options(std::move(wishes)),
        clock(options.time_scale),
        adapter(std::make_shared<TtyAdapter>(far_end.identity(), options.denied ? Access::denied : Access::granted)),
        to_device(options.faults, sim::FaultSide::to_device),
        from_device(options.faults, sim::FaultSide::from_device) {
    adapter->plug(checked_name(options.name));
    add_tty(adapter);
    thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  ~Impl() {
    thread.request_stop();
    wake.ring();
    thread.join();
    adapter->unplug();
    remove_tty(*adapter);
  }

  void run(const std::stop_token& stop);
  Picoseconds step();
  void hear_host(Picoseconds now);
  void speak_to_host(Picoseconds now);
  LineState line_state() const;
  void pull_cable();
  void plug_in(const std::string& name);
  void wait_until_host_has_read();
  void in_pump(std::function<void()> job);

  sim::SerialEmulator& emulator;
  const Options options;
  const ScaledClock clock;
  WakeUp wake;
  const std::shared_ptr<TtyAdapter> adapter;

  std::mutex mutex;  // guards all below, and the emulator
  std::condition_variable job_done;
  std::function<void()> job;  // for the pump's thread: only it may touch the terminal
  PacedLine to_device, from_device;
  std::vector<std::uint8_t> unsent;  // arrived at the host's end, the terminal has no room yet
  std::uint64_t opens_seen = 0;
  std::jthread thread;  // last: it uses the others
};

void FakeTty::Impl::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Picoseconds due = sim::kNever;
    bool waits_for_room = false;
    {
      const std::lock_guard lock(mutex);
      if (job) {
        std::exchange(job, nullptr)();
        job_done.notify_all();
      }
      if (adapter->terminal() != nullptr) due = step();
      waits_for_room = !unsent.empty();
    }
    const PseudoTerminal* const terminal = adapter->terminal();
    const short events = waits_for_room ? POLLIN | POLLOUT : POLLIN;
    wake.sleep(terminal != nullptr ? terminal->descriptor() : -1, events, clock.wait_for(due));
  }
}

Picoseconds FakeTty::Impl::step() {
  const Picoseconds now = clock.now();
  hear_host(now);
  speak_to_host(now);
  if (to_device.unplug_now() || from_device.unplug_now()) {
    wait_until_host_has_read();
    pull_cable();
    return sim::kNever;
  }
  return std::min({emulator.next_due(), to_device.next_due(), from_device.next_due()});
}

LineState FakeTty::Impl::line_state() const {
  const int host = adapter->terminal()->baud(), device = adapter->identity().baud;
  return {options.latency, options.line_rate ? host : 0, device != 0 && host != device};
}

void FakeTty::Impl::hear_host(Picoseconds now) {
  std::vector<std::uint8_t> bytes;
  adapter->terminal()->read(bytes);
  if (!bytes.empty()) to_device.put(std::move(bytes), now, line_state());
  std::vector<std::uint8_t> arrived;
  to_device.pass(arrived, now);
  if (!arrived.empty()) emulator.receive(arrived, now);
}

void FakeTty::Impl::speak_to_host(Picoseconds now) {
  std::vector<std::uint8_t> said;
  emulator.collect(said, now);
  if (!said.empty()) from_device.put(std::move(said), now, line_state());
  // What was said to whoever had the port before is not for the next one.
  if (const std::uint64_t opens = adapter->opens(); opens != opens_seen || !adapter->in_use()) {
    opens_seen = opens;
    unsent.clear();
  }
  from_device.pass(unsent, now);
  if (!adapter->in_use()) unsent.clear();
  if (unsent.size() > kHostBuffer) unsent.resize(kHostBuffer);
  if (!unsent.empty()) adapter->terminal()->write(unsent);
}

// A hang-up throws away what the host has not read, and "unplug at byte n" promises those before n.
void FakeTty::Impl::wait_until_host_has_read() {
  for (int tries = 0; tries < 20; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (!unsent.empty()) adapter->terminal()->write(unsent);
    if (unsent.empty() && adapter->terminal()->unread_by_host() == 0) return;
  }
}

void FakeTty::Impl::pull_cable() {
  adapter->unplug();
  to_device.cut();
  from_device.cut();
  unsent.clear();
}

void FakeTty::Impl::plug_in(const std::string& name) {
  if (adapter->plugged()) pull_cable();
  emulator.power_cycle();
  adapter->plug(name.empty() ? adapter->name() : name);
}

void FakeTty::Impl::in_pump(std::function<void()> todo) {
  std::unique_lock lock(mutex);
  job_done.wait(lock, [&] { return !job; });
  job = std::move(todo);
  wake.ring();
  job_done.wait(lock, [&] { return !job; });
}

FakeTty::FakeTty(sim::SerialEmulator& emulator, Options options)
    : impl_(std::make_unique<Impl>(emulator, std::move(options))) {}
FakeTty::~FakeTty() = default;

std::string FakeTty::port() const { return "/dev/" + impl_->adapter->name(); }

void FakeTty::unplug() {
  impl_->in_pump([this] { impl_->pull_cable(); });
}

void FakeTty::replug(const std::string& new_name) {
  if (!new_name.empty()) checked_name(new_name);
  impl_->in_pump([&] { impl_->plug_in(new_name); });
}

void FakeTty::set_faults(sim::FaultPlan plan) {
  locked([&] {
    impl_->to_device.plan(plan);
    impl_->from_device.plan(plan);
  });
}

bool FakeTty::plugged() const { return impl_->adapter->plugged(); }
unsigned FakeTty::modem_lines() const { return impl_->adapter->modem_lines(); }
int FakeTty::baud() const { return impl_->adapter->baud(); }
std::uint64_t FakeTty::opens() const { return impl_->adapter->opens(); }
std::uint64_t FakeTty::breaks() const { return impl_->adapter->breaks(); }

std::uint64_t FakeTty::bytes_to_device() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->to_device.carried();
}

std::uint64_t FakeTty::bytes_from_device() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->from_device.carried();
}

Picoseconds FakeTty::now() const { return impl_->clock.now(); }

void FakeTty::locked(const std::function<void()>& f) {
  {
    const std::lock_guard lock(impl_->mutex);
    f();
  }
  impl_->wake.ring();
}

}  // namespace nicol::test
