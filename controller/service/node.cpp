// SPDX-License-Identifier: Apache-2.0
#include "controller/service/node.hpp"

#include "controller/service/engine.hpp"

namespace nicol::service {

std::string_view to_string(NodeState state) noexcept {
  switch (state) {
    case NodeState::idle:
      return "IDLE";
    case NodeState::connecting:
      return "CONNECTING";
    case NodeState::settling:
      return "SETTLING";
    case NodeState::running:
      return "RUNNING";
    case NodeState::calibrating:
      return "CALIBRATING";
    case NodeState::paused:
      return "PAUSED";
    case NodeState::arm_wait:
      return "WAITING FOR ARM";
    case NodeState::backing_off:
      return "BACKING OFF";
    case NodeState::safe_off:
      return "SAFE-OFF";
    case NodeState::stopped:
      return "STOPPED";
  }
  return "?";
}

std::string_view to_string(Command::Kind kind) noexcept {
  switch (kind) {
    case Command::Kind::run:
      return "run";
    case Command::Kind::stop_after_block:
      return "stop after block";
    case Command::Kind::stop:
      return "stop";
    case Command::Kind::arm:
      return "arm";
    case Command::Kind::reset_safe_off:
      return "reset safe-off";
    case Command::Kind::acknowledge:
      return "acknowledge";
    case Command::Kind::calibrate:
      return "calibrate";
  }
  return "?";
}

Result<std::unique_ptr<Node>> Node::create(NodeOptions options, NodeParts parts) {
  auto arena = secret::Arena::create(options.arena_bytes);
  if (!arena) return std::move(arena).error();
  std::optional<TcpListener> listener;
  if (options.peer_role == PeerRole::listen) {
    auto opened = TcpListener::open(options.endpoint);
    if (!opened) return std::move(opened).error();
    listener.emplace(*std::move(opened));
  }
  auto engine = std::make_unique<Engine>(std::move(options), std::move(parts), *std::move(arena), std::move(listener));
  engine->start();
  return std::unique_ptr<Node>(new Node(std::move(engine)));
}

Node::Node(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Node::~Node() = default;
void Node::submit(Command command) { engine_->submit(std::move(command)); }
std::shared_ptr<const Snapshot> Node::snapshot() const { return engine_->snapshot(); }
std::vector<Numbered<session::BlockResult>> Node::blocks_since(std::uint64_t s, std::size_t n) const {
  return engine_->blocks.since(s, n);
}
std::vector<Numbered<LogLine>> Node::log_since(std::uint64_t s, std::size_t n) const {
  return engine_->log.since(s, n);
}
std::vector<Numbered<JournalLine>> Node::journal_since(std::uint64_t s, std::size_t n) const {
  return engine_->journal.since(s, n);
}
std::vector<Numbered<calibration::Report>> Node::calibrations_since(std::uint64_t s, std::size_t n) const {
  return engine_->calibrations.since(s, n);
}
std::vector<Numbered<TrackReport>> Node::tracks_since(std::uint64_t s, std::size_t n) const {
  return engine_->tracks.since(s, n);
}
void Node::light_off() noexcept { engine_->light_off(); }
bool Node::finished() const { return engine_->finished(); }
bool Node::wait(std::chrono::milliseconds patience) { return engine_->wait(patience); }
std::shared_ptr<const Snapshot> Node::next_snapshot(const std::shared_ptr<const Snapshot>& seen,
                                                    std::chrono::milliseconds patience) {
  return engine_->next_snapshot(seen, patience);
}
std::uint16_t Node::listen_port() const { return engine_->listen_port(); }
void Node::stop() { engine_->stop(); }
keystore::KeyStore& Node::store() { return engine_->store(); }

}  // namespace nicol::service
