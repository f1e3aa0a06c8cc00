// SPDX-License-Identifier: Apache-2.0
// The session's face: every call runs the machine and hands back what it wants sent and said.
#include "controller/session/session.hpp"

#include "controller/session/machine.hpp"
#include "controller/session/tap.hpp"

namespace nicol::session {
namespace {

std::string_view as_text(const Bytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace

struct Session::Impl {
  std::unique_ptr<Vault> own_vault;
  Machine machine;
  Tap* tap = nullptr;

  template <class F>
  Step run(const CallMade& call, F&& f) {
    if (tap != nullptr) tap->before(call);
    f(machine);
    Step step = machine.take();
    if (tap != nullptr) tap->after(step);
    return step;
  }
};

Session::Session(const SessionConfig& config, keystore::KeyStore& store, Random& random, secret::Arena& arena,
                 const Deadlines& deadlines) {
  auto vault = vault_of(store);
  Vault& seen = *vault;
  impl_ =
      std::make_unique<Impl>(Impl{std::move(vault), Machine(config, seen, random, arena, deadlines, nullptr), nullptr});
}
Session::Session(const SessionConfig& config, Vault& vault, Random& random, secret::Arena& arena,
                 const Deadlines& deadlines, Tap* tap)
    : impl_(std::make_unique<Impl>(Impl{nullptr, Machine(config, vault, random, arena, deadlines, tap), tap})) {}
Session::~Session() = default;

Step Session::start() {
  return impl_->run({CallKind::start}, [](Machine& m) { m.start(); });
}

Step Session::on_frame(std::span<const std::uint8_t> frame) {
  return impl_->run({CallKind::frame, frame}, [&](Machine& m) { m.on_frame(frame); });
}

Step Session::on_garbage(const Error& why) {
  return impl_->run({CallKind::garbage, {}, 0, static_cast<std::uint8_t>(why.code), why.message},
                    [&](Machine& m) { m.on_garbage(why); });
}

Step Session::on_timeout() {
  return impl_->run({CallKind::timeout}, [](Machine& m) { m.on_timeout(); });
}

std::optional<Deadline> Session::next_timeout() const { return impl_->machine.next_timeout(); }

Step Session::on_disconnect() {
  return impl_->run({CallKind::disconnect}, [](Machine& m) { m.on_disconnect(); });
}

Step Session::ask_ready() {
  return impl_->run({CallKind::ask_ready}, [](Machine& m) { m.ask_ready(); });
}

Step Session::rig_ready(std::string why_not) {
  return impl_->run({CallKind::rig_ready, {}, 0, 0, why_not}, [&](Machine& m) { m.rig_ready(why_not); });
}

Step Session::rig_call(Bytes call) {
  return impl_->run({CallKind::rig_call, {}, 0, 0, as_text(call)}, [&](Machine& m) { m.rig_call(call); });
}

Step Session::rig_answer(Bytes answer) {
  return impl_->run({CallKind::rig_answer, {}, 0, 0, as_text(answer)}, [&](Machine& m) { m.rig_answer(answer); });
}

Step Session::open_block() {
  return impl_->run({CallKind::open_block}, [](Machine& m) { m.open_block(); });
}

Step Session::emission_finished(detection::Clicks&& prepared, std::uint64_t slots_prepared) {
  return impl_->run({CallKind::emission_finished},
                    [&](Machine& m) { m.emission_finished(std::move(prepared), slots_prepared); });
}

Step Session::receiver_ready() {
  return impl_->run({CallKind::receiver_ready}, [](Machine& m) { m.receiver_ready(); });
}

Step Session::hint(std::uint64_t complete_slots, std::vector<std::uint64_t> clicked) {
  return impl_->run({CallKind::hint}, [&](Machine& m) { m.hint(complete_slots, std::move(clicked)); });
}

Step Session::detection_finished(detection::SlotDetector::Finished&& finished) {
  return impl_->run({CallKind::detection_finished},
                    [&](Machine& m) { m.detection_finished(std::move(finished.clicks)); });
}

Step Session::measurement_closed(detection::pairs::ClosedList&& list, detection::Clicks&& clicks) {
  return impl_->run({CallKind::measurement_closed}, [&](Machine& m) { m.measurement_closed(list, std::move(clicks)); });
}

Step Session::measurement_finished() {
  return impl_->run({CallKind::measurement_finished}, [](Machine& m) { m.measurement_finished(); });
}

Step Session::pause(std::uint64_t from_slot, PauseReason reason) {
  return impl_->run({CallKind::pause, {}, from_slot, static_cast<std::uint8_t>(reason)},
                    [&](Machine& m) { m.pause(from_slot, reason); });
}

Step Session::resume(std::uint64_t first_slot) {
  return impl_->run({CallKind::resume, {}, first_slot}, [&](Machine& m) { m.resume(first_slot); });
}

Step Session::resumed() {
  return impl_->run({CallKind::resumed}, [](Machine& m) { m.resumed(); });
}

Step Session::abort_block(BlockReason reason, std::string detail) {
  return impl_->run({CallKind::abort_block, {}, 0, static_cast<std::uint8_t>(reason), detail},
                    [&](Machine& m) { m.abort_block(reason, detail); });
}

Step Session::goodbye() {
  return impl_->run({CallKind::goodbye}, [](Machine& m) { m.goodbye(); });
}

bool Session::block_open() const { return impl_->machine.block_open(); }
bool Session::light_paused() const { return patience(impl_->machine.state()) == Patience::pause; }
std::uint64_t Session::blocks_opened() const { return impl_->machine.blocks_opened(); }
std::uint32_t Session::failed_in_a_row() const { return impl_->machine.failed_in_a_row(); }
std::string Session::state_name() const { return std::string(to_string(impl_->machine.state())); }

}  // namespace nicol::session
