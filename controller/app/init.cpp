// SPDX-License-Identifier: Apache-2.0
// nicol init: two config files, two state folders and one pre-shared key, ready to run.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "controller/app/commands.hpp"
#include "controller/session/authenticator.hpp"

namespace nicol::app {
namespace {

constexpr std::string_view kTemplate = R"(# {who} of a nicol link. See the README, "From here to a real rig".
format = 1
# These keys come from simulated light: anybody who knows the seed knows them. Programs are refused such keys unless
# this says true; on a real link leave it out.
allow_non_production = true

[node]
role = "{role}"
state = "{role}-state"          # keys, pools and marks of this node; mode 0700

[peer]
{peer}

[rig]
scenario = "{scenario}"         # a built-in name or a .toml file
light = "unix:light.sock"       # carries simulated light between the two processes
speed = "max"                   # or 1 for real time
# seed = 7                      # the same seed gives the same counts
{real}
[secret]
preshared_key = "preshared.key" # mode 0600; bring the other node its copy by hand
backing = "auto"                # memfd_secret where the kernel has it, else mlock; or name one
)";

/// What a pair link's [rig] is on devices: the end of it, commented out.
constexpr std::string_view kAlicePairs =
    R"(# pump = "unix:pump.sock"       # the source stands at a third place: `nicol source --config source.toml`
#
# On real devices, instead of scenario, light, speed and seed (set.KEY=… is what a device is set to at start):
# link = "{scenario}"             # the file that says what the optics are
# devices = [
#   "role=tagger, driver=rig, serial=NIC001, unit=tagger",
#   "role=detector-0, driver=rig, serial=NIC001, unit=detector-0",   # and detector-1.., as far as they can be switched
#   "role=shutter, driver=rig, serial=NIC001, unit=shutter-0",
#   # Only where the source is Alice's, not at a third place:
#   "role=pump, driver=scpi-laser, serial=M00312450, set.current=0.045",
#   "role=oven, driver=s15-spdc, serial=SPDCSDR-07, unit=crystal, set.temperature=42",
# ]
)";
constexpr std::string_view kBobPairs = R"(#
# On real devices, instead of scenario, light, speed and seed:
# link = "{scenario}"             # the file that says what the optics are
# devices = [
#   "role=tagger, driver=rig, serial=NIC002, unit=tagger",
#   "role=detector-0, driver=rig, serial=NIC002, unit=detector-0",   # and detector-1.., as far as they can be switched
#   "role=shutter, driver=rig, serial=NIC002, unit=shutter-0",
# ]
)";

/// Where the source is neither Alice's nor Bob's.
constexpr std::string_view kSourceTemplate =
    R"(# A source of pairs at a third place: `nicol source --config source.toml --arm`.
# It holds no key and need not be trusted. Without --arm it stays dark until it reads "arm"; "off", "status" and "quit"
# are its other commands. Alice's file then names the same pump socket (simulated), or no role=pump (real).
format = 1

[node]
role = "source"

[rig]
scenario = "{scenario}"         # a built-in name or a .toml file
pump = "unix:pump.sock"         # carries simulated light to Alice's process
#
# On real devices, instead of scenario and pump: the pump, and what there is of oven and shutter. set.KEY=… is what a
# device is set to at start. A laser that stays on when its cable is pulled needs a wired interlock or a self-closing
# shutter; else arming asks for an acknowledgement (--stays-on, or "arm anyway").
# devices = [
#   "role=pump, driver=scpi-laser, serial=M00312450, set.current=0.045",
#   "role=oven, driver=s15-spdc, serial=SPDCSDR-07, unit=crystal, set.temperature=42",
#   "role=shutter, driver=rig, serial=NIC003, unit=shutter-0",
# ]
)";

Result<void> write_new(const std::filesystem::path& file, const std::string& text) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0)
    return Error{errno == EEXIST ? Code::bad_input : Code::io,
                 fmt::format("{}: {}", file.string(), std::strerror(errno)),
                 "",
                 errno,
                 {}};
  const bool ok = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  if (!ok) return Error{Code::io, fmt::format("{}: cannot write", file.string()), "", errno, {}};
  return {};
}

std::string node_text(std::string_view role, const std::string& name, const sim::Scenario& scenario) {
  const bool alice = role == "alice";
  std::string real;
  if (sim::makes_pairs(scenario.source.type))
    real = fmt::format(fmt::runtime(alice ? kAlicePairs : kBobPairs), fmt::arg("scenario", name));
  return fmt::format(kTemplate, fmt::arg("who", alice ? "Alice" : "Bob"), fmt::arg("role", role),
                     fmt::arg("scenario", name), fmt::arg("real", real),
                     fmt::arg("peer", alice ? "listen = \"127.0.0.1:7450\"" : "connect = \"127.0.0.1:7450\""));
}

Result<void> write_source(const std::filesystem::path& folder, const std::string& name, const sim::Scenario& scenario) {
  if (!sim::makes_pairs(scenario.source.type)) return {};
  return write_new(folder / "source.toml", fmt::format(kSourceTemplate, fmt::arg("scenario", name)));
}

}  // namespace

Exit init(const InitOptions& options, Context&) {
  auto scenario = sim::load_scenario(options.scenario);
  if (!scenario) return complain(scenario.error());
  std::string name = options.scenario;
  if (name.ends_with(".toml")) name = std::filesystem::absolute(name).string();
  std::error_code failed;
  std::filesystem::create_directories(options.folder, failed);
  if (failed)
    return complain(
        {Code::io, fmt::format("{}: {}", options.folder.string(), failed.message()), "", failed.value(), {}});
  keystore::PresharedKeyPlan plan;
  plan.plan = agreement_of(*scenario).pools;
  const auto key = options.folder / "preshared.key";
  if (auto r = keystore::write_preshared_key(key, plan); !r) return complain(r.error());
  for (const char* role : {"alice", "bob"}) {
    if (auto r = write_new(options.folder / fmt::format("{}.toml", role), node_text(role, name, *scenario)); !r)
      return complain(r.error());
    const auto state = options.folder / fmt::format("{}-state", role);
    if (::mkdir(state.c_str(), 0700) != 0 && errno != EEXIST)
      return complain({Code::io, fmt::format("{}: {}", state.string(), std::strerror(errno)), "", errno, {}});
  }
  if (auto r = write_source(options.folder, name, *scenario); !r) return complain(r.error());
  const std::uint64_t per_block = session::worst_reservation_bits(agreement_of(*scenario));
  fmt::print(
      "{0}: alice.toml, bob.toml, their state folders and preshared.key (mode 0600).\n"
      "A pre-shared key survives {1} failed blocks in a row; every block that makes key refills it.\n"
      "Next, in two terminals:\n  nicol alice --config {0}/alice.toml --blocks 4\n  nicol bob --config {0}/bob.toml "
      "--blocks 4\n",
      options.folder.string(), plan.plan.auth_high_water / per_block);
  return Exit::done;
}

}  // namespace nicol::app
