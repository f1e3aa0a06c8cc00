// SPDX-License-Identifier: Apache-2.0
// The duplex, the light and the two stores of a session test; see two_nodes.hpp.
#include "tests/unit/session/two_nodes.hpp"
#include "tests/support/must.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <stdexcept>

namespace nicol::test {
namespace {

session::SessionConfig config_for(Side side, const LinkModel& model) {
  session::SessionConfig config;
  config.side = side;
  config.agreement.length = distillation::LengthFunction::sp_variable;
  config.agreement.block_slots = model.slots;
  config.model.simulated = true;
  return config;
}

}  // namespace

session::FrameHeader header_of(const Bytes& frame) { return must(session::parse_header(frame)); }

TwoNodes::TwoNodes(LinkModel link_model, std::size_t arena_bytes)
    : model(link_model), arena_(must(secret::Arena::create(arena_bytes))) {
  const keystore::PresharedKeyPlan plan;
  const Result<void> written = keystore::write_preshared_key(folder_.path() / "psk", plan);
  if (!written) throw std::runtime_error(describe(written.error()));
  for (const Side side : {Side::alice, Side::bob}) {
    node(side).config = config_for(side, model);
    node(side).random = make_seeded_random(7, side == Side::alice ? NodeId::alice : NodeId::bob);
    open_store(side, {});
    std::filesystem::copy(folder_of(side), folder_.path() / ("backup-" + folder_of(side).filename().string()),
                          std::filesystem::copy_options::recursive);
  }
}

std::filesystem::path TwoNodes::folder_of(Side side) const {
  return folder_.path() / (side == Side::alice ? "alice" : "bob");
}

void TwoNodes::kill(Side side) {
  node(side).config.blocks_before += node(side).session->blocks_opened();
  node(side).session.reset();
  node(side).store.reset();
  disconnect();
}

void TwoNodes::set_back(Side side) {
  disconnect();
  node(side).session.reset();
  node(side).store.reset();
  std::filesystem::remove_all(folder_of(side));
  std::filesystem::copy(folder_.path() / ("backup-" + folder_of(side).filename().string()), folder_of(side),
                        std::filesystem::copy_options::recursive);
  open_store(side, {});
}

void TwoNodes::open_store(Side side, keystore::FaultPoint fault) {
  const auto directory = folder_of(side);
  node(side).store.reset();
  node(side).store =
      must(keystore::KeyStore::open(directory, folder_.path() / "psk", {.plan = {}, .fault = std::move(fault)}));
}

void TwoNodes::restart(Side side, keystore::FaultPoint fault) {
  disconnect();
  node(side).session.reset();
  open_store(side, std::move(fault));
}

void TwoNodes::connect() {
  disconnect();
  for (Node& n : nodes_) {
    if (n.session) {
      n.config.blocks_before += n.session->blocks_opened();
      n.config.failed_before = n.session->failed_in_a_row();
    }
    n.closed.reset();
    n.ready = false;
    n.session = std::make_unique<session::Session>(n.config, *n.store, *n.random, arena_, deadlines);
  }
  connected_ = true;
  apply(Side::alice, alice().session->start());
  apply(Side::bob, bob().session->start());
  pump();
}

void TwoNodes::disconnect() {
  if (!std::exchange(connected_, false)) return;
  wire_.clear();
  for (const Side side : {Side::alice, Side::bob})
    if (node(side).session) apply(side, node(side).session->on_disconnect());
}

void TwoNodes::run_block() {
  if (!connected_ || alice().closed || bob().closed) connect();
  apply(Side::alice, alice().session->open_block());
  pump();
}

void TwoNodes::pump() {
  while (!wire_.empty() && connected_) {
    Packet packet = std::move(wire_.front());
    wire_.pop_front();
    deadlines.advance(std::chrono::microseconds(10));
    apply(packet.to, node(packet.to).session->on_frame(packet.frame));
  }
  if (alice().closed || bob().closed) disconnect();
}

void TwoNodes::let_time_pass() {
  deadlines.advance(std::chrono::hours(1));
  for (const Side side : {Side::alice, Side::bob}) apply(side, node(side).session->on_timeout());
  pump();
}

void TwoNodes::apply(Side from, session::Step step) {
  const Side to = from == Side::alice ? Side::bob : Side::alice;
  for (Bytes& frame : step.send) {
    log_.push_back(frame);
    if (!line) {
      wire_.push_back({to, std::move(frame)});
      continue;
    }
    for (Bytes& out : line(std::move(frame))) wire_.push_back({to, std::move(out)});
  }
  for (session::Event& event : step.events) on_event(from, event);
}

void TwoNodes::on_event(Side side, session::Event& event) {
  Node& n = node(side);
  if (std::holds_alternative<session::EventPeerReady>(event)) n.ready = true;
  if (std::holds_alternative<session::EventCloseLight>(event)) ++n.light_closed;
  if (auto* e = std::get_if<session::EventBlockDone>(&event)) n.results.push_back(std::move(e->result));
  if (auto* e = std::get_if<session::EventSettled>(&event)) n.settled.push_back(*e);
  if (auto* e = std::get_if<session::EventAlarm>(&event)) n.alarms.push_back(*e);
  if (auto* e = std::get_if<session::EventHint>(&event)) n.hints.push_back(*e);
  if (auto* e = std::get_if<session::EventPauseLight>(&event)) n.pauses.push_back(*e);
  if (auto* e = std::get_if<session::EventPrepareLight>(&event)) n.prepares.push_back(*e);
  if (auto* e = std::get_if<session::EventResumeLight>(&event)) n.resumes.push_back(*e);
  if (auto* e = std::get_if<session::EventRigReady>(&event)) n.answers.push_back(*e);
  if (std::holds_alternative<session::EventAskReady>(event)) ++n.asked;
  if (auto* e = std::get_if<session::EventClosed>(&event)) n.closed = *e;
  if (also) also(side, event);
  const auto* light = std::get_if<session::EventOpenLight>(&event);
  if (light == nullptr || !drive_light) return;
  if (side == Side::bob) return apply(Side::bob, n.session->receiver_ready());
  shine(light->index);
}

void TwoNodes::shine(std::uint64_t index) {
  LinkClicks clicks = simulate_link(model, 1000 + index);
  if (before_list) before_list(clicks.received);
  const std::uint64_t half = model.slots / 2;
  std::vector<std::uint64_t> early;
  for (const std::uint64_t slot : clicks.received.slots)
    if (slot < half) early.push_back(slot);
  apply(Side::bob, bob().session->hint(half, std::move(early)));
  pump();  // the hint comes while her light is still going out
  if (!alice().session->block_open()) return;
  apply(Side::alice, alice().session->emission_finished(std::move(clicks.prepared), model.slots));
  apply(Side::bob, bob().session->detection_finished({std::move(clicks.received), {}}));
}

std::vector<FrameType> TwoNodes::types_seen() const {
  std::vector<FrameType> types;
  for (const Bytes& frame : log_) types.push_back(header_of(frame).type);
  return types;
}

std::size_t available_keys(const keystore::KeyStore& store) {
  std::size_t count = 0;
  for (const keystore::KeyInfo& key : store.keys()) count += key.state == keystore::KeyState::available ? 1 : 0;
  return count;
}

testing::AssertionResult stores_agree(TwoNodes& nodes) {
  keystore::KeyStore &a = *nodes.alice().store, &b = *nodes.bob().store;
  if (a.pending() || b.pending()) return testing::AssertionFailure() << "a key is pending";
  if (available_keys(a) != available_keys(b))
    return testing::AssertionFailure() << available_keys(a) << " keys against " << available_keys(b);
  for (std::size_t p = 0; p < 4; ++p)
    if (a.pools()[p].end != b.pools()[p].end) return testing::AssertionFailure() << "pool " << p << " ends differ";
  for (const keystore::KeyInfo& key : a.keys()) {
    if (key.state != keystore::KeyState::available || key.bits == 0) continue;
    const Result<keystore::SecretKey> mine = a.deliver(key.id), theirs = b.deliver(key.id);
    if (!mine || !theirs) return testing::AssertionFailure() << "a key is on one side only";
    if (!mine->bits().equal_ct(theirs->bits())) return testing::AssertionFailure() << "two keys under one id differ";
  }
  return testing::AssertionSuccess();
}

}  // namespace nicol::test
