// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/live_nodes.hpp"

#include <algorithm>
#include <stdexcept>

#include "controller/app/setup.hpp"
#include "controller/session/link.hpp"

namespace nicol::test {
namespace {

constexpr std::chrono::seconds kBlockPatience{60};
constexpr std::size_t kAll = 1024;

std::unique_ptr<service::Node> node_of(const std::filesystem::path& file) {
  auto config = service::load_config(file);
  if (!config) throw std::runtime_error(describe(config.error()));
  secret::set_memory_policy(config->memory_policy());
  auto simulated = app::node_from_config(*config);
  if (!simulated) throw std::runtime_error(describe(simulated.error()));
  auto node = app::make_node(*simulated, {});
  if (!node) throw std::runtime_error(describe(node.error()));
  return *std::move(node);
}

}  // namespace

LiveNodes::LiveNodes(const LinkUnderTest& link)
    : alice_(node_of(link.config(Side::alice))), bob_(node_of(link.config(Side::bob))) {
  bob_->submit({service::Command::Kind::run, 0, "", "test"});
}

session::BlockResult LiveNodes::run_block() {
  const std::size_t before = results(Side::alice).size();
  alice_->submit({service::Command::Kind::run, 1, "", "test"});
  if (!alice_->wait(kBlockPatience)) throw std::runtime_error("no block: " + alice_->snapshot()->session_state);
  const auto all = results(Side::alice);
  if (all.size() <= before) throw std::runtime_error("Alice has finished without a block");
  return all.back();
}

std::vector<session::BlockResult> LiveNodes::results(Side side) const {
  std::vector<session::BlockResult> out;
  for (auto& b : (side == Side::alice ? alice_ : bob_)->blocks_since(0, kAll)) out.push_back(std::move(b.value));
  return out;
}

bool LiveNodes::has_alarm(Side side, const std::string& name) const {
  const auto snapshot = (side == Side::alice ? alice_ : bob_)->snapshot();
  return std::any_of(snapshot->alarms.begin(), snapshot->alarms.end(), [&](const auto& a) { return a.name == name; });
}

void LiveNodes::stop() {
  alice_.reset();
  bob_.reset();
}

struct EveOnce::Notes {
  mutable std::mutex mutex;  // guards everything below
  Direction direction;
  FrameType type;
  Line act;
  bool acted = false, watching_connection = false, victim_open = false, bases = false;
  std::string open_id;
  std::vector<std::string> victims;

  bool contact() const { return type == FrameType::hello || type == FrameType::marks; }
  void note(const session::FrameHeader& header, const Bytes& frame) {
    const std::lock_guard lock(mutex);
    if (header.type == FrameType::block_open) {
      open_id = distillation::to_string(block_open_of({header.direction, header.type, frame}).id);
      victim_open = watching_connection;
      if (watching_connection) victims.push_back(open_id);
    }
    if (header.type == FrameType::hello && header.direction == Direction::a_to_b) watching_connection = false;
    if (header.type == FrameType::bases && victim_open) bases = true;
  }
  bool is_mine(const session::FrameHeader& header) {
    const std::lock_guard lock(mutex);
    if (acted || header.type != type || header.direction != direction) return false;
    acted = true;
    watching_connection = contact();
    victim_open = !contact();
    if (!contact()) victims.push_back(open_id);
    return true;
  }
};

EveOnce::EveOnce(Direction direction, FrameType type, Line act) : notes_(std::make_shared<Notes>()) {
  notes_->direction = direction;
  notes_->type = type;
  notes_->act = std::move(act);
}

Line EveOnce::line() const {
  return [notes = notes_](const session::FrameHeader& header, Bytes frame) -> Outgoing {
    notes->note(header, frame);
    return notes->is_mine(header) ? notes->act(header, std::move(frame)) : passed(std::move(frame));
  };
}

bool EveOnce::acted() const {
  const std::lock_guard lock(notes_->mutex);
  return notes_->acted;
}

std::vector<std::string> EveOnce::victims() const {
  const std::lock_guard lock(notes_->mutex);
  return notes_->victims;
}

bool EveOnce::saw_bases() const {
  const std::lock_guard lock(notes_->mutex);
  return notes_->bases;
}

Line flip_bit(std::size_t byte, unsigned bit) {
  return [byte, bit](const session::FrameHeader&, Bytes frame) {
    frame.at(byte % frame.size()) ^= static_cast<std::uint8_t>(1U << bit);
    return passed(std::move(frame));
  };
}

}  // namespace nicol::test
