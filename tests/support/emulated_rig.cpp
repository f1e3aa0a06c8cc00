// SPDX-License-Identifier: Apache-2.0
#include "tests/support/emulated_rig.hpp"

#include <fmt/format.h>

#include "controller/app/device_rig.hpp"
#include "sim/emulators/catalogue.hpp"
#include "sim/emulators/ell14.hpp"
#include "sim/emulators/rig_board.hpp"
#include "tests/support/fake_tty.hpp"
#include "tests/support/fake_usb.hpp"

namespace nicol::test {
namespace {

constexpr const char *kMountsPort = "ttyEMU0", *kAliceBoard = "NICALICE", *kBobBoard = "NICBOB";

sim::Ell14BusConfig three_mounts() {
  sim::Ell14BusConfig bus;
  bus.modules.clear();
  for (char address = '0'; address < '3'; ++address) {
    sim::Ell14Config mount;
    mount.address = address;
    mount.serial = fmt::format("1140051{}", address);
    mount.power_up = Angle::degrees(33 + 50 * (address - '0'));
    mount.seed = static_cast<std::uint64_t>(address);
    bus.modules.push_back(mount);
  }
  return bus;
}

/// The mounts that stand in Bob's light, on their cable.
struct Mounts {
  sim::Ell14Bus bus{three_mounts()};
  FakeTty tty{bus, [] {
                FakeTty::Options options;
                options.name = kMountsPort;
                options.line_rate = true;
                return options;
              }()};

  Angle angle(std::size_t i) {
    Angle a;
    tty.locked([&] { a = bus.angle(i, tty.now()); });
    return a;
  }
  sim::CompensatorOptics optics(const sim::Scenario::Compensator& compensator) {
    sim::CompensatorOptics optics;
    for (std::size_t i = 0; i < bus.modules(); ++i)
      optics.push_back(
          {compensator.retardance_waves[i],
           [this, i, offset = Angle::degrees(compensator.offset_deg[i])](Picoseconds) { return angle(i) - offset; },
           compensator.motor.wedge});
    return optics;
  }
};

FakeUsb::Options usb_port(std::string name) {
  FakeUsb::Options options;
  options.port = std::move(name);
  return options;
}

service::RigDevice unit(const char* board, std::string unit, std::string role) {
  // A busy machine must not look like a broken cable.
  return {{{"driver", "rig"},
           {"serial", board},
           {"unit", std::move(unit)},
           {"role", std::move(role)},
           {"retry_ms", "400"}}};
}

void add_detectors(std::vector<service::RigDevice>& devices, const char* board,
                   const sim::Scenario::Receiver& receiver) {
  for (std::size_t i = 0; i < receiver.detectors.size(); ++i) {
    service::RigDevice detector = unit(board, fmt::format("detector-{}", i), fmt::format("detector-{}", i));
    detector.args["rate_limit_hz"] = fmt::format("{}", receiver.detectors[i].rate_limit_hz);
    devices.push_back(std::move(detector));
  }
}

/// Beside a pair source: she measures as Bob does.
std::vector<service::RigDevice> pair_alice_devices(const sim::Scenario& s, const EmulatedPump& pump) {
  std::vector<service::RigDevice> devices = pump.devices();
  devices.push_back(unit(kAliceBoard, "tagger", "tagger"));
  devices.push_back(unit(kAliceBoard, "shutter-0", "shutter"));
  add_detectors(devices, kAliceBoard, s.alice.receiver);
  return devices;
}

std::vector<service::RigDevice> alice_devices(const sim::Scenario& s) {
  const bool heralded = s.source.type == sim::SourceType::heralded;
  service::RigDevice source = unit(kAliceBoard, "source", "source");
  source.args["slot_ps"] = fmt::format("{}", std::llround(1e12 / s.source.rate_hz));
  source.args["sync_divider"] = fmt::format("{}", s.timing.sync_divider);
  source.args["heralded"] = heralded ? std::string("1") : std::string("0");
  std::vector<service::RigDevice> devices{source, unit(kAliceBoard, "shutter-0", "shutter")};
  if (heralded) devices.push_back(unit(kAliceBoard, "tagger", "tagger"));
  return devices;
}

std::vector<service::RigDevice> bob_devices(const sim::Scenario& s) {
  std::vector<service::RigDevice> devices{unit(kBobBoard, "tagger", "tagger"), unit(kBobBoard, "shutter-0", "shutter")};
  add_detectors(devices, kBobBoard, s.receiver);
  if (s.compensator.type == sim::CompensatorType::none) return devices;
  for (std::size_t i = 0; i < 3; ++i)
    devices.push_back({{{"driver", "elliptec"},
                        {"port", fmt::format("/dev/{}", kMountsPort)},
                        {"address", fmt::format("{}", i)},
                        {"role", fmt::format("compensator-{}", i)}}});
  return devices;
}

}  // namespace

/// Far ends and cables. Members go in reverse: the cable first, the mounts last.
struct EmulatedLab::Half {
  std::unique_ptr<Mounts> mounts;
  std::unique_ptr<EmulatedPump> pump;
  std::unique_ptr<sim::RigBoard> board;
  std::unique_ptr<FakeUsb> cable;

  Result<std::unique_ptr<hal::Rig>> simulated(const app::NodeSetup& node) {
    sim::WorldOptions world = node.world;
    if (world.speed == 0) world.speed = 1;  // cables carry no more than real time
    if (node.side == session::Side::alice) {
      if (sim::makes_pairs(world.scenario.source.type)) {
        pump = std::make_unique<EmulatedPump>(world.scenario.source.pairs);
        world.pumped_elsewhere = [at = pump.get()](Picoseconds) { return at->pairs_per_second(); };
      }
      return sim::make_alice_rig(world);
    }
    if (world.scenario.compensator.type != sim::CompensatorType::none) {
      mounts = std::make_unique<Mounts>();
      world.turned_elsewhere = mounts->optics(world.scenario.compensator);
    }
    return sim::make_bob_rig(world);
  }
};

EmulatedLab::EmulatedLab() = default;
EmulatedLab::~EmulatedLab() = default;

FakeUsb& EmulatedLab::board(session::Side side) { return *(side == session::Side::alice ? alice_ : bob_)->cable; }
EmulatedPump& EmulatedLab::pump() { return *alice_->pump; }
FakeTty& EmulatedLab::mounts() { return bob_->mounts->tty; }

Result<std::unique_ptr<hal::Rig>> EmulatedLab::rig(const app::NodeSetup& node) {
  const sim::Scenario& s = node.world.scenario;
  if (s.source.type == sim::SourceType::motorised || s.receiver.kind == hal::ReceiverKind::active)
    return Error{Code::not_supported,
                 fmt::format("scenario {}: motorised sources and active receivers are not emulated; nicol runs it "
                             "on simulated devices",
                             s.name),
                 "",
                 0,
                 {}};
  const bool alice = node.side == session::Side::alice;
  auto half = std::make_unique<Half>();
  auto simulated = half->simulated(node);
  if (!simulated) return std::move(simulated).error();
  sim::RigBoardOptions board;
  board.serial = alice ? kAliceBoard : kBobBoard;
  half->board = std::make_unique<sim::RigBoard>(*std::move(simulated), board);
  half->cable = std::make_unique<FakeUsb>(*half->board, usb_port(alice ? "1-1" : "1-2"));
  (alice ? alice_ : bob_) = std::move(half);
  auto rig = app::make_device_rig(node.side, s,
                                  !alice         ? bob_devices(s)
                                  : alice_->pump ? pair_alice_devices(s, *alice_->pump)
                                                 : alice_devices(s));
  if (!rig) return rig;
  (*rig)->model.simulated = true;
  (*rig)->description += ", emulated";
  return rig;
}

struct EmulatedShelf::Item {
  std::unique_ptr<sim::SerialEmulator> serial;
  std::unique_ptr<FakeTty> tty;
  std::unique_ptr<sim::RigBoard> board;
  std::unique_ptr<FakeUsb> usb;
};

EmulatedShelf::EmulatedShelf() {
  for (const sim::EmulatorKind& kind : sim::emulator_kinds()) {
    auto item = std::make_unique<Item>();
    item->serial = kind.make();
    FakeTty::Options options;
    options.name = fmt::format("ttyEMU{}", items_.size());
    item->tty = std::make_unique<FakeTty>(*item->serial, options);
    items_.push_back(std::move(item));
  }
  auto scenario = sim::load_scenario("teaching");
  auto half = scenario ? sim::make_alice_rig({*std::move(scenario), 0, {}, 1, {}}) : std::move(scenario).error();
  if (!half) return;
  auto item = std::make_unique<Item>();
  item->board = std::make_unique<sim::RigBoard>(*std::move(half));
  item->usb = std::make_unique<FakeUsb>(*item->board, usb_port("1-1"));
  items_.push_back(std::move(item));
}

EmulatedShelf::~EmulatedShelf() = default;

}  // namespace nicol::test
