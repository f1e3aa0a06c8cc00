// SPDX-License-Identifier: Apache-2.0
// nicol source: a source of pairs at a third place. Pump, oven and shutter; no store, no key, nobody it must trust.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "controller/app/commands.hpp"
#include "controller/app/device_rig.hpp"
#include "controller/service/roles.hpp"
#include "controller/service/source_config.hpp"
#include "controller/service/third_place.hpp"
#include "sim/devices/pair_world.hpp"

namespace nicol::app {
namespace {

using namespace std::chrono_literals;
using service::StaysOn;
using service::ThirdPlace;
constexpr auto kHeartbeat = 250ms, kTurn = 20ms;

Result<sim::SourcePlace> simulated_place(const service::SourceConfig& config) {
  auto loaded = sim::load_scenario(config.scenario);
  if (!loaded) return std::move(loaded).error();
  if (!sim::makes_pairs(loaded->source.type))
    return Error{Code::bad_input,
                 fmt::format("{}: rig.scenario: expected one with an entangled source, got {}", config.file.string(),
                             config.scenario),
                 "",
                 0,
                 {}};
  sim::WorldOptions world{*std::move(loaded), 0, {}, 0, {}};
  world.pump = config.pump;
  return sim::make_source_place(world);
}

/// Real ones: no simulator's light to serve.
Result<sim::SourcePlace> device_place(const service::SourceConfig& config) {
  auto instruments = make_instruments();
  if (!instruments) return std::move(instruments).error();
  sim::SourcePlace place;
  place.rig = std::make_unique<hal::Rig>();
  place.rig->clock = make_steady_rig_clock();
  place.rig->description = "source of pairs on devices";
  const hal::Registry& registry = (*instruments)->registry;
  place.rig->world = std::shared_ptr<Instruments>(*std::move(instruments));  // goes after the devices
  if (auto r = add_devices(*place.rig, registry, config.devices); !r) return std::move(r).error();
  if (auto r = service::check_source_cast(*place.rig); !r)
    return Error{r.error().code, fmt::format("{}: {}", config.devices.front().place, r.error().message), "", 0, {}};
  return place;
}

/// Of standard input, line by line. Its end is no command: a service has none.
class Commands {
 public:
  std::optional<std::string> next() {
    pollfd p{STDIN_FILENO, POLLIN, 0};
    char text[256];
    if (open_ && ::poll(&p, 1, 0) > 0) {
      const ssize_t n = ::read(STDIN_FILENO, text, sizeof text);
      open_ = n > 0;
      if (n > 0) read_.append(text, static_cast<std::size_t>(n));
    }
    const std::size_t end = read_.find('\n');
    if (end == std::string::npos) {
      if (read_.size() > kLongest) read_.clear();
      return std::nullopt;
    }
    std::string line = read_.substr(0, end);
    read_.erase(0, end + 1);
    return line;
  }

 private:
  static constexpr std::size_t kLongest = 4096;
  bool open_ = true;
  std::string read_;
};

void say(const std::string& text) { fmt::print(stderr, "nicol: {}\n", text); }

void arm(ThirdPlace& post, StaysOn stays_on) {
  if (const auto begun = post.arm(stays_on); !begun)
    say(fmt::format("{}{}", describe(begun.error()),
                    begun.error().code == Code::unsafe_state ? " (\"arm anyway\", or --arm --stays-on)" : ""));
}

enum class Go : std::uint8_t { on, quit };
Go obey(const std::string& command, ThirdPlace& post) {
  if (command == "quit") return Go::quit;
  if (command == "off")
    post.off();
  else if (command == "arm" || command == "arm anyway")
    arm(post, command == "arm" ? StaysOn::refused : StaysOn::acknowledged);
  else if (command != "status")
    say(fmt::format("\"{}\": expected arm, arm anyway, off, status or quit", command));
  say(post.status());
  return Go::on;
}

/// One turn: light for Alice's simulator, a command, and every so often a look at the devices.
struct Loop {
  ThirdPlace& post;
  sim::SourcePlace& place;
  SteadyDeadlines steady{};
  Commands commands{};
  Deadline beat{steady.in(0ms)};
  std::uint64_t answered = 0;

  Go turn() {
    // Nobody asks while it is being armed: a simulated oven warms up in its own time.
    if (place.light && post.state() != ThirdPlace::State::arming)
      answered += place.light->serve(place.shine, steady.in(kTurn));
    else
      std::this_thread::sleep_for(kTurn);
    Go go = Go::on;
    if (const auto command = commands.next()) go = obey(*command, post);
    if (!steady.passed(beat)) return go;
    beat = steady.in(kHeartbeat);
    if (const auto news = post.beat()) say(*news);
    return go;
  }
};

}  // namespace

Exit source(const SourceOptions& options, Context& context) {
  auto config = service::load_source_config(options.config);
  if (!config) return complain(config.error());
  auto place = config->devices.empty() ? simulated_place(*config) : device_place(*config);
  if (!place) return complain(place.error());
  ThirdPlace post(*place->rig);
  if (options.arm) arm(post, options.stays_on ? StaysOn::acknowledged : StaysOn::refused);
  say(post.status());
  Loop loop{post, *place};
  while (!context.stop->requested() && loop.turn() == Go::on) {
  }
  const bool well = post.state() != ThirdPlace::State::faulted;
  post.off();
  const auto* pump = place->rig->find<hal::PhotonSource>("pump");
  if (context.output == Output::json)
    fmt::print("{{\"schema\":\"nicol.source/1\",\"stretches\":{},\"light\":\"{}\"}}\n", loop.answered,
               to_string(pump->light_level()));
  return well ? Exit::done : Exit::failed;
}

}  // namespace nicol::app
