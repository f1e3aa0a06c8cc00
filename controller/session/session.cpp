// SPDX-License-Identifier: Apache-2.0
// The session's face: every call runs the machine and hands back what it wants sent and said.
#include "controller/session/session.hpp"

#include "controller/session/machine.hpp"

namespace nicol::session {

struct Session::Impl {
  Machine machine;
};

Session::Session(const SessionConfig& config, keystore::KeyStore& store, Random& random, secret::Arena& arena,
                 const Deadlines& deadlines)
    : impl_(std::make_unique<Impl>(Impl{Machine(config, store, random, arena, deadlines)})) {}
Session::~Session() = default;

Step Session::start() {
  impl_->machine.start();
  return impl_->machine.take();
}

Step Session::on_frame(std::span<const std::uint8_t> frame) {
  impl_->machine.on_frame(frame);
  return impl_->machine.take();
}

Step Session::on_garbage(const Error& why) {
  impl_->machine.on_garbage(why);
  return impl_->machine.take();
}

Step Session::on_timeout() {
  impl_->machine.on_timeout();
  return impl_->machine.take();
}

std::optional<Deadline> Session::next_timeout() const { return impl_->machine.next_timeout(); }

Step Session::on_disconnect() {
  impl_->machine.on_disconnect();
  return impl_->machine.take();
}

Step Session::ask_ready() {
  impl_->machine.ask_ready();
  return impl_->machine.take();
}

Step Session::rig_ready(std::string why_not) {
  impl_->machine.rig_ready(std::move(why_not));
  return impl_->machine.take();
}

Step Session::open_block() {
  impl_->machine.open_block();
  return impl_->machine.take();
}

Step Session::emission_finished(detection::Clicks&& prepared, std::uint64_t slots_prepared) {
  impl_->machine.emission_finished(std::move(prepared), slots_prepared);
  return impl_->machine.take();
}

Step Session::receiver_ready() {
  impl_->machine.receiver_ready();
  return impl_->machine.take();
}

Step Session::hint(std::uint64_t complete_slots, std::vector<std::uint64_t> clicked) {
  impl_->machine.hint(complete_slots, std::move(clicked));
  return impl_->machine.take();
}

Step Session::detection_finished(detection::SlotDetector::Finished&& finished) {
  impl_->machine.detection_finished(std::move(finished.clicks));
  return impl_->machine.take();
}

Step Session::pause(std::uint64_t from_slot, PauseReason reason) {
  impl_->machine.pause(from_slot, reason);
  return impl_->machine.take();
}

Step Session::resume(std::uint64_t first_slot) {
  impl_->machine.resume(first_slot);
  return impl_->machine.take();
}

Step Session::resumed() {
  impl_->machine.resumed();
  return impl_->machine.take();
}

Step Session::abort_block(BlockReason reason, std::string detail) {
  impl_->machine.abort_block(reason, std::move(detail));
  return impl_->machine.take();
}

Step Session::goodbye() {
  impl_->machine.goodbye();
  return impl_->machine.take();
}

bool Session::block_open() const { return impl_->machine.block_open(); }
bool Session::light_paused() const { return patience(impl_->machine.state()) == Patience::pause; }
std::uint64_t Session::blocks_opened() const { return impl_->machine.blocks_opened(); }
std::uint32_t Session::failed_in_a_row() const { return impl_->machine.failed_in_a_row(); }
std::string Session::state_name() const { return std::string(to_string(impl_->machine.state())); }

}  // namespace nicol::session
