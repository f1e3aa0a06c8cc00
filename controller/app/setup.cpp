// SPDX-License-Identifier: Apache-2.0
#include "controller/app/setup.hpp"

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "controller/app/device_rig.hpp"
#include "controller/service/calibration_plan.hpp"
#include "controller/service/emitter.hpp"
#include "controller/service/track_report.hpp"
#include "sim/devices/timing.hpp"

namespace nicol::app {
namespace {

/// Numbers the scenario leaves to Nicol follow from the light that theory expects: a preamble in which Bob locks but
/// once in 1e4, a tail that confirms the end.
std::optional<session::PublicSlots> public_slots_of(const sim::Scenario& s) {
  if (s.timing.sync != sim::SyncType::none || s.protocol.kind != sim::ProtocolKind::bb84) return {};
  const auto link = sim::expect(s);
  const double per_slot = link.clicks_per_slot * link.kept_per_slot, contrast = 1 - 2 * link.qber[0];
  const double matching = 1 - s.receiver.splitter;
  session::PublicSlots p;
  p.preamble = s.public_slots.preamble;
  if (p.preamble == 0) p.preamble = detection::preamble_needed(per_slot, contrast, matching);
  p.tail = s.public_slots.tail;
  if (p.tail == 0) p.tail = detection::tail_needed(per_slot, contrast, matching);
  p.repeat = s.public_slots.repeat;
  p.spacing = s.public_slots.spacing;
  p.preamble = std::min(p.preamble, s.protocol.block_slots);
  p.tail = std::min(p.tail, s.protocol.block_slots);
  return p;
}

}  // namespace

session::Agreement agreement_of(const sim::Scenario& scenario) {
  session::Agreement a;
  const auto& p = scenario.protocol;
  a.length =
      p.length == "sp_variable" ? distillation::LengthFunction::sp_variable : distillation::LengthFunction::sps_g2;
  a.sample.key_bases = p.key_bases == "both" ? sifting::KeyBases::both : sifting::KeyBases::rectilinear;
  a.sample.key_basis_share = p.sample_share;
  a.sample.key_basis_minimum = p.sample_minimum;
  a.p_alice_diagonal = scenario.source.p_diagonal;
  const bool active = scenario.receiver.kind == hal::ReceiverKind::active;
  a.p_bob_diagonal = active ? scenario.receiver.p_diagonal : scenario.receiver.splitter;
  a.block_slots = p.block_slots;
  if (p.kind == sim::ProtocolKind::bbm92) {
    using detection::pairs::PairState;
    const bool singlet = scenario.source.pairs.state == sim::PairState::psi_minus;
    a.protocol = session::Protocol::bbm92;
    a.pairs.state = singlet ? PairState::psi_minus : PairState::phi_plus;
    a.pairs.slot_period = sim::slot_period(scenario);
    a.p_alice_diagonal = scenario.alice.receiver.splitter;
  }
  a.public_slots = public_slots_of(scenario);
  return a;
}

namespace {

/// What these optics leave of the contrast where nothing turns the light on its way.
double aligned_visibility(sim::Scenario scenario) {
  scenario.channel.rotation_deg = {};
  scenario.compensator.type = sim::CompensatorType::none;
  const auto link = sim::expect(scenario);
  return 1 - (link.qber[0] + link.qber[1]);
}

/// On wherever the rig can, unless somebody says otherwise.
Result<std::optional<service::TrackingOptions>> tracking_of(const NodeSetup& node, const hal::Rig& rig,
                                                            session::Protocol protocol) {
  using service::TrackingWish;
  const std::string why_not = service::why_no_tracking(rig, node.side, protocol);
  if (node.track == TrackingWish::on && !why_not.empty())
    return Error{Code::bad_input, fmt::format("tracking.enabled: expected false: {}", why_not), "", 0, {}};
  if (node.track == TrackingWish::off || !why_not.empty()) return std::optional<service::TrackingOptions>();
  service::TrackingOptions options = node.tracking;
  options.visibility = aligned_visibility(node.world.scenario);
  return std::optional(options);
}

enum class Recorded : bool { no, yes };

/// Both nodes on one machine demonstrate; they keep nothing from anybody. A recording keeps nothing from its reader.
distillation::Origin origin_of(bool simulated, const service::Endpoint& peer, Recorded recorded) {
  using distillation::Origin;
  if (simulated) return Origin::simulated;
  if (recorded == Recorded::yes) return Origin::demonstration;
  const bool here = peer.host == "localhost" || peer.host == "::1" || peer.host.starts_with("127.");
  return here ? Origin::demonstration : Origin::production;
}

/// What this node's calibrations say of its rig, and their names for the keys that rely on them.
Result<service::CalibrationRecords> use_calibrations(const NodeSetup& node, keystore::KeyStore& store, hal::Rig& rig) {
  auto records = service::CalibrationRecords::open(node.state, store);
  if (!records) return records;
  rig.model.calibrations = service::relied_on(*records, node.calibration, std::time(nullptr));
  if (auto told = calibration::apply(records->settings(), rig); !told) return std::move(told).error();
  return records;
}

}  // namespace

Result<std::unique_ptr<hal::Rig>> make_rig(const NodeSetup& node, const Hooks& hooks) {
  if (hooks.rig) return hooks.rig(node);
  if (!node.devices.empty()) return make_device_rig(node.side, node.world.scenario, node.devices);
  return node.side == session::Side::alice ? sim::make_alice_rig(node.world) : sim::make_bob_rig(node.world);
}

Result<std::unique_ptr<service::Node>> make_node(const NodeSetup& node, const Hooks& hooks) {
  return make_node(node, hooks, std::unique_ptr<recording::Writer>());
}

Result<std::unique_ptr<service::Node>> make_node(const NodeSetup& node, const Hooks& hooks,
                                                 std::unique_ptr<recording::Writer> recording) {
  auto rig = make_rig(node, hooks);
  if (!rig) return std::move(rig).error();
  return make_node(node, hooks, *std::move(rig), std::move(recording));
}

Result<std::unique_ptr<service::Node>> make_node(const NodeSetup& node, const Hooks& hooks,
                                                 std::unique_ptr<hal::Rig> rig,
                                                 std::unique_ptr<recording::Writer> recording) {
  const bool alice = node.side == session::Side::alice;
  keystore::StoreOptions store_options;
  store_options.fault = hooks.fault;
  const session::Agreement agreement = agreement_of(node.world.scenario);
  store_options.plan = agreement.pools;
  auto store = keystore::KeyStore::open(node.state, node.preshared_key, std::move(store_options));
  if (!store) return std::move(store).error();
  auto calibrations = use_calibrations(node, **store, *rig);
  if (!calibrations) return std::move(calibrations).error();
  auto tracking = tracking_of(node, *rig, agreement.protocol);
  if (!tracking) return std::move(tracking).error();
  service::NodeOptions options;
  options.tracking = *std::move(tracking);
  options.session.side = node.side;
  options.session.agreement = agreement;
  options.session.receiver = rig->receiver;
  options.session.model = rig->model;
  const bool simulated = rig->model.simulated;
  options.session.origin = origin_of(simulated, node.endpoint, recording ? Recorded::yes : Recorded::no);
  options.session.reply_timeout = node.reply_timeout;
  options.session.light_timeout = node.light_timeout;
  options.session.pause_patience = node.pause_patience;
  options.lock_patience = node.lock_patience;
  options.consent = simulated ? service::Consent::given : service::Consent::operator_only;
  options.peer_role = node.peer_role;
  options.endpoint = node.endpoint;
  options.clicks_per_block = node.clicks_per_block;
  service::NodeParts parts;
  parts.rig = std::move(rig);
  parts.store = *std::move(store);
  const NodeId id = alice ? NodeId::alice : NodeId::bob;
  parts.random = simulated ? make_seeded_random(node.world.seed, id) : make_os_random();
  parts.recording = std::move(recording);
  parts.calibrations = *std::move(calibrations);
  parts.calibration_policy = node.calibration;
  parts.calibration_watch = node.calibration_watch;
  return service::Node::create(std::move(options), std::move(parts));
}

Result<NodeSetup> node_from_config(const service::NodeConfig& config) {
  if (!config.devices.empty() && config.link.empty())
    return Error{Code::bad_input,
                 fmt::format("{}: rig.link: expected the scenario name or .toml file that describes the optics of "
                             "rig.devices: source, fibre, receiver, timing",
                             config.file.string()),
                 "",
                 0,
                 {}};
  auto scenario = sim::load_scenario(config.devices.empty() ? config.scenario : config.link);
  if (!scenario) return std::move(scenario).error();
  NodeSetup node;
  node.side = config.role;
  node.devices = config.devices;
  node.world.scenario = *std::move(scenario);
  node.world.seed = config.seed.value_or(os_random_word());
  node.world.speed = config.speed;
  node.world.light = config.light;
  node.world.pump = config.pump;
  node.state = config.state;
  node.preshared_key = config.preshared_key;
  node.peer_role = config.listen ? service::PeerRole::listen : service::PeerRole::connect;
  node.endpoint = config.listen ? *config.listen : *config.connect;
  node.calibration = config.calibration;
  node.clicks_per_block = static_cast<std::size_t>(config.clicks_per_block);
  node.reply_timeout = config.reply_timeout;
  node.light_timeout = config.light_timeout;
  node.pause_patience = config.pause_patience;
  node.lock_patience = config.lock_patience;
  node.track = config.track;
  node.tracking = config.tracking;
  return node;
}

std::size_t locked_need(const sim::Scenario& scenario, std::size_t clicks_per_block) {
  const auto link = sim::expect(scenario);
  const double sifted = (link.sifted_per_slot[0] + link.sifted_per_slot[1]) * link.kept_per_slot *
                        static_cast<double>(scenario.protocol.block_slots);
  const auto block = static_cast<std::size_t>(sifted / 8);
  constexpr std::size_t kStoreAndSession = std::size_t{384} * 1024, kCopiesOfABlock = 8;
  const std::size_t chunks =
      scenario.source.type == sim::SourceType::motorised ? 0 : service::EmitterOptions::locked_bytes();
  const std::size_t node =
      kStoreAndSession + service::NodeOptions{}.arena_bytes + clicks_per_block / 4 + kCopiesOfABlock * block;
  return 2 * node + chunks;
}

Result<ThrowAwayFolder> ThrowAwayFolder::create() {
  std::error_code ignored;
  const auto base = std::filesystem::temp_directory_path(ignored);
  std::string name = ((ignored ? std::filesystem::path("/tmp") : base) / "nicol-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr)
    return Error{Code::io, fmt::format("cannot make a folder {}", name), "", errno, {}};
  return ThrowAwayFolder(name);
}

ThrowAwayFolder::~ThrowAwayFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path default_state() {
  if (const char* xdg = std::getenv("XDG_STATE_HOME"); xdg != nullptr && *xdg != '\0')
    return std::filesystem::path(xdg) / "nicol";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : ".") / ".local/state/nicol";
}

}  // namespace nicol::app
