// SPDX-License-Identifier: Apache-2.0
// nicol source: a source of pairs at a third place. Pump, oven and shutter; no store, no key, nobody it must trust.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <string>

#include "controller/app/commands.hpp"
#include "controller/service/toml_table.hpp"
#include "sim/devices/pair_world.hpp"

namespace nicol::app {
namespace {

using namespace std::chrono_literals;
constexpr auto kHeartbeat = 250ms;
constexpr double kWarmUpSeconds = 600;

Result<sim::WorldOptions> load_source(const std::filesystem::path& file) {
  auto parsed = service::parse_toml_file(file.string());
  if (!parsed) return std::move(parsed).error();
  service::TomlTable top(&*parsed, file.string(), "");
  if (top.integer("format", 1, 1, 0) != 1) top.fail("format", "format = 1");
  service::TomlTable node = top.sub("node"), rig = top.sub("rig");
  node.one_of("role", {"source"}, "source");
  std::string scenario = rig.text("scenario", "");
  const std::string pump = rig.text("pump", "");
  if (!pump.starts_with("unix:")) rig.fail("pump", "\"unix:PATH\", the socket that Alice's rig.pump names");
  for (service::TomlTable* t : {&top, &node, &rig})
    if (auto r = t->done(); !r) return std::move(r).error();
  const auto folder = std::filesystem::absolute(file).parent_path();
  if (scenario.ends_with(".toml")) scenario = (folder / scenario).string();
  auto loaded = sim::load_scenario(scenario);
  if (!loaded) return std::move(loaded).error();
  if (!sim::makes_pairs(loaded->source.type))
    return Error{
        Code::bad_input,
        fmt::format("{}: rig.scenario: expected one with an entangled source, got {}", file.string(), scenario),
        "",
        0,
        {}};
  sim::WorldOptions world{*std::move(loaded), 0, {}, 0, {}};
  world.pump = folder / pump.substr(5);
  return world;
}

/// What of the rig makes light.
struct Lamp {
  hal::Rig* rig;
  hal::PumpLaser* pump;
  hal::TemperatureController* oven;
  hal::Shutter* shutter;
};
Lamp lamp_of(hal::Rig& rig) {
  return {&rig, rig.find<hal::PumpLaser>("pump"), rig.find<hal::TemperatureController>("oven"),
          rig.find<hal::Shutter>("shutter")};
}

/// Cold crystals make no pairs: oven first, light last.
Result<void> arm(const Lamp& lamp) {
  if (auto on = lamp.oven->enable(); !on) return on;
  RigClock& clock = *lamp.rig->clock;
  for (const Picoseconds until = clock.now() + Picoseconds::seconds(kWarmUpSeconds);;) {
    const auto settled = lamp.oven->settled();
    if (!settled) return settled.error();
    if (*settled) break;
    if (clock.now() > until) return Error{Code::timeout, "the oven does not settle", "oven", 0, {}};
    clock.advance_to(clock.now() + Picoseconds::seconds(0.1));
  }
  if (lamp.pump->light_level() != hal::LightLevel::off) return {};
  if (auto armed = lamp.pump->arm({1}); !armed) return armed;
  if (auto lit = lamp.pump->enable_emission(); !lit) return lit;
  return lamp.shutter->open();
}

/// As the devices report it.
std::string status(const Lamp& lamp) {
  const auto emission = lamp.pump->emission();
  const auto oven = lamp.oven->temperature();
  const auto shutter = lamp.shutter->state();
  return fmt::format("light {}, oven {}, shutter {}", emission ? to_string(*emission) : "unknown",
                     oven ? fmt::format("{:.2f} C", oven->value) : "unknown",
                     !shutter                                ? "unknown"
                     : *shutter == hal::ShutterState::open   ? "open"
                     : *shutter == hal::ShutterState::closed ? "closed"
                                                             : "moving");
}

/// Every device answers, or all go dark.
bool heartbeat(const Lamp& lamp) {
  const auto emission = lamp.pump->emission();
  const bool well =
      emission && *emission != hal::EmissionState::tripped && lamp.oven->temperature() && lamp.shutter->state();
  if (!well) lamp.rig->safe_state();
  return well;
}

class Commands {
 public:
  /// The next whole line that has come, if any; the end of the input is "quit" only where there was an input.
  std::optional<std::string> next() {
    pollfd p{STDIN_FILENO, POLLIN, 0};
    char text[256];
    if (open_ && ::poll(&p, 1, 0) > 0) {
      const ssize_t n = ::read(STDIN_FILENO, text, sizeof text);
      open_ = n > 0;
      if (n > 0) read_.append(text, static_cast<std::size_t>(n));
    }
    const std::size_t end = read_.find('\n');
    if (end == std::string::npos) return {};
    std::string line = read_.substr(0, end);
    read_.erase(0, end + 1);
    return line;
  }

 private:
  bool open_ = true;
  std::string read_;
};

enum class Go : std::uint8_t { on, quit };
Go obey(const std::string& command, const Lamp& lamp) {
  if (command == "quit") return Go::quit;
  if (command == "off") lamp.rig->safe_state();
  if (command == "arm")
    if (auto lit = arm(lamp); !lit) {
      lamp.rig->safe_state();
      fmt::print(stderr, "nicol: {}\n", describe(lit.error()));
    }
  if (command != "off" && command != "arm" && command != "status")
    fmt::print(stderr, "nicol: \"{}\": expected arm, off, status or quit\n", command);
  fmt::print(stderr, "nicol: {}\n", status(lamp));
  return Go::on;
}

}  // namespace

Exit source(const SourceOptions& options, Context& context) {
  auto world = load_source(options.config);
  if (!world) return complain(world.error());
  auto place = sim::make_source_place(*world);
  if (!place) return complain(place.error());
  const Lamp lamp = lamp_of(*place->rig);
  const SteadyDeadlines steady;
  Commands commands;
  std::uint64_t answered = 0;
  bool well = true;
  Go go = options.arm ? obey("arm", lamp) : obey("status", lamp);
  for (auto beat = steady.now(); go == Go::on && !context.stop->requested();) {
    answered += place->light->serve(place->shine, steady.in(20ms));
    if (const auto command = commands.next()) go = obey(*command, lamp);
    if (steady.now() - beat < kHeartbeat) continue;
    beat = steady.now();
    const bool now = heartbeat(lamp);
    if (well && !now) fmt::print(stderr, "nicol: SAFE-OFF: a device does not answer; {}\n", status(lamp));
    well = now;
  }
  place->rig->safe_state();
  if (context.output == Output::json)
    fmt::print("{{\"schema\":\"nicol.source/1\",\"stretches\":{},\"light\":\"{}\"}}\n", answered,
               to_string(lamp.pump->light_level()));
  return well ? Exit::done : Exit::failed;
}

}  // namespace nicol::app
