// SPDX-License-Identifier: Apache-2.0
#include "controller/service/engine.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace nicol::service {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kIdle{100}, kGoodbye{1'000}, kConnectPatience{2'000}, kPaused{2};
constexpr milliseconds kEmitterWaits{5};  // for hints, which wake it, and for heralds, which do not

void swallow(int wake) {
  std::uint64_t count = 0;
  if (::read(wake, &count, sizeof count) < 0) return;
}

/// What a replay must know of this node.
NodeFacts facts_of(const NodeOptions& options, const hal::Rig& rig) {
  NodeFacts f;
  f.side = options.session.side;
  f.clicks_per_block = options.clicks_per_block;
  f.arena_bytes = options.arena_bytes;
  f.receiver = rig.receiver;
  f.timing = rig.timing;
  if (const auto* tagger = rig.find<hal::TimeTagger>("tagger")) f.tick = tagger->caps().tick;
  if (const auto* source = rig.find<hal::PulsedSource>("source"))
    f.heralded = source->caps().source == hal::SourceKind::heralded;
  return f;
}

}  // namespace

Engine::Engine(NodeOptions options, NodeParts parts, secret::Arena arena, std::optional<TcpListener> listener)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      arena_(std::move(arena)),
      listener_(std::move(listener)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      session_config_(options_.session),
      server_(*parts_.rig, deadlines_, [this] { return consent(); }),
      watch_(*parts_.rig, deadlines_),
      reconnect_(options_.reconnect_first) {
  now_.side = options_.session.side;
  now_.origin = options_.session.origin;
  now_.pools = parts_.store->pools();
  if (parts_.recording)
    recorder_ = std::make_unique<NodeRecorder>(std::move(parts_.recording), facts_of(options_, *parts_.rig),
                                               *parts_.random, *parts_.store);
  begin_tracking();
  publish();
}

Engine::~Engine() { stop(); }

void Engine::start() {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void Engine::stop() {
  thread_.request_stop();
  nudge();
  if (thread_.joinable()) thread_.join();
}

/// The engine thread looks at once. Any thread.
void Engine::nudge() const noexcept {
  const std::uint64_t one = 1;
  if (::write(wake_.get(), &one, sizeof one) < 0) return;  // full: it wakes anyhow
}

void Engine::run(std::stop_token stop) {
  tell_of_mismatch();
  tell_of_stale_calibrations();
  (void)settings_.hold(*parts_.rig);  // a device that is silent now is asked again before a block
  while (!stop.stop_requested()) {
    now_.state = NodeState::connecting;
    publish();
    if (auto link = meet_peer(stop)) serve(std::move(*link), stop);
    if (!stop.stop_requested()) pause(reconnect_);
    reconnect_ = std::min(reconnect_ * 2, options_.reconnect_most);
  }
  parts_.rig->safe_state();
  arming_.reset();
  if (recorder_) recorder_->finish();
  now_.state = NodeState::stopped;
  stopped_ = true;
  publish();
}

/// Waits for a caller, or calls; empty when it did not work out this time.
std::optional<TcpLink> Engine::meet_peer(std::stop_token stop) {
  take_commands();
  if (options_.peer_role == PeerRole::connect) {
    auto socket = tcp_connect(options_.endpoint, kConnectPatience);
    if (socket) return TcpLink(*std::move(socket));
    now_.last_error = describe(socket.error());
    return std::nullopt;
  }
  while (!stop.stop_requested()) {
    pollfd p[2] = {{listener_->descriptor(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    poll(p, 2, static_cast<int>(kIdle.count()));
    swallow(wake_.get());
    take_commands();
    publish();
    if (Descriptor socket = listener_->accept()) return TcpLink(std::move(socket));
  }
  return std::nullopt;
}

void Engine::serve(TcpLink link, std::stop_token stop) {
  link_.emplace(std::move(link));
  reader_ = std::make_unique<session::FrameReader>(session::kMaxPayloadBeforeMarks);
  if (recorder_) {
    recorder_->begin_session(session_config_);
    session_.emplace(session_config_, recorder_->vault(), random(), arena_, recorder_->clock(), recorder_.get());
  } else {
    session_.emplace(session_config_, *parts_.store, random(), arena_, deadlines_);
  }
  peer_ready_ = asked_ = false;
  now_.state = NodeState::settling;
  After after = apply(session_->start());
  while (after == After::go_on && !stop.stop_requested()) after = turn(stop);
  if (after == After::go_on) apply(session_->goodbye());
  end_calibrations();
  close_light(Ending::dark);
  const auto until = deadlines_.in(kGoodbye);
  while (after == After::go_on && link_->wants_write() && !deadlines_.passed(until)) after = poll_link(kIdle);
  if (after == After::go_on) ::shutdown(link_->descriptor(), SHUT_WR);
  while (after == After::go_on && !deadlines_.passed(until)) after = poll_link(kIdle);
  apply(session_->on_disconnect());
  session_config_.blocks_before = session_->blocks_opened();
  session_config_.failed_before = session_->failed_in_a_row();
  session_.reset();
  link_.reset();
}

Engine::After Engine::turn(std::stop_token) {
  take_commands();
  if (safe_off_ && session_->block_open()) close_light(Ending::dark);
  if (safe_off_ && session_->block_open())
    if (apply(session_->abort_block(session::BlockReason::cancelled, "light off")) == After::reconnect)
      return After::reconnect;
  if (drive_calibration() == After::reconnect) return After::reconnect;
  if (!emitter_ && !receiver_ && !pair_receiver_ && !calibrating()) look_after_idle_rig();
  if (maybe_open_block() == After::reconnect) return After::reconnect;
  if (drive_light() == After::reconnect) return After::reconnect;
  if (take_pairs() == After::reconnect) return After::reconnect;
  if (poll_link(patience()) == After::reconnect) return After::reconnect;
  if (const auto due = session_->next_timeout(); due && deadlines_.passed(*due)) return apply(session_->on_timeout());
  if (deadlines_.passed(publish_due_)) publish();
  return After::go_on;
}

milliseconds Engine::patience() const {
  if (pause_) return kPaused;
  if (receiver_ || pair_receiver_) return milliseconds(0);
  if (emitter_) return emitter_waits_ ? kEmitterWaits : milliseconds(0);
  milliseconds most = kIdle;
  if (const auto due = session_->next_timeout())
    most = std::min(most, std::chrono::ceil<milliseconds>(due->at - deadlines_.now()));
  return std::max(most, milliseconds(0));
}

Engine::After Engine::poll_link(milliseconds wait_most) {
  pollfd p[2] = {{link_->descriptor(), static_cast<short>(POLLIN | (link_->wants_write() ? POLLOUT : 0)), 0},
                 {wake_.get(), POLLIN, 0}};
  poll(p, 2, static_cast<int>(wait_most.count()));
  swallow(wake_.get());
  if (auto r = link_->flush(); !r) {
    say(LogLine::Level::warning, "link", describe(r.error()));
    return After::reconnect;
  }
  return (p[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 ? receive() : After::go_on;
}

Engine::After Engine::receive() {
  const auto bytes = link_->receive();
  if (!bytes) {
    say(LogLine::Level::info, "link", describe(bytes.error()));
    return After::reconnect;
  }
  const auto fed = reader_->feed(*bytes);
  while (auto frame = reader_->next())
    if (apply(session_->on_frame(*frame)) == After::reconnect) return After::reconnect;
  return fed ? After::go_on : apply(session_->on_garbage(fed.error()));
}

Engine::After Engine::apply(session::Step step) {
  for (auto& frame : step.send) link_->queue(std::move(frame));
  After after = After::go_on;
  for (auto& event : step.events)
    if (handle(event) == After::reconnect) after = After::reconnect;
  if (after == After::reconnect) (void)link_->flush();  // the peer should still read why
  return after;
}

void Engine::pause(milliseconds most) {
  pollfd p{wake_.get(), POLLIN, 0};
  poll(&p, 1, static_cast<int>(most.count()));
}

}  // namespace nicol::service
