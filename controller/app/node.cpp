// SPDX-License-Identifier: Apache-2.0
// nicol alice, nicol bob: one node.
#include <fmt/format.h>

#include "controller/app/commands.hpp"
#include "controller/app/progress.hpp"
#include "controller/app/report.hpp"

namespace nicol::app {
namespace {

using namespace std::chrono_literals;

void print_log(service::Node& node, Progress& progress, std::uint64_t& seen) {
  for (const auto& l : node.log_since(seen, 256)) {
    seen = l.sequence;
    progress.line(fmt::format("{}: {}", l.value.component, l.value.text));
  }
}

void follow(service::Node& node, Context& context, RunReport& report) {
  Progress progress;
  std::uint64_t blocks_seen = 0, tracks_seen = 0, log_seen = 0;
  for (bool done = false; !done && !context.stop->requested();) {
    done = node.wait(100ms);
    print_log(node, progress, log_seen);
    for (auto& b : node.blocks_since(blocks_seen, 64)) {
      blocks_seen = b.sequence;
      progress.line(block_line(b.value));
      report.blocks.push_back(std::move(b.value));
    }
    for (const auto& t : node.tracks_since(tracks_seen, 64)) {
      tracks_seen = t.sequence;
      report.tracks.push_back(t.value);
    }
    progress.show(*node.snapshot());
  }
}

}  // namespace

Exit node(const NodeRunOptions& options, Context& context) {
  auto config = service::load_config(options.config);
  if (!config) return complain(config.error());
  if (config->role != options.side)
    return complain({Code::bad_input,
                     fmt::format("{}: node.role: expected \"{}\" for this command", config->file.string(),
                                 options.side == session::Side::alice ? "alice" : "bob"),
                     "",
                     0,
                     {}});
  secret::set_memory_policy(config->memory_policy());
  auto simulated = node_from_config(*config);
  if (!simulated) return complain(simulated.error());
  if (context.talk == Talk::verbose) fmt::print(stderr, "{}", secret::describe(context.profile));
  RunReport report;
  report.scenario = simulated->world.scenario;
  if (simulated->devices.empty()) report.seed = simulated->world.seed;
  const auto start = std::chrono::steady_clock::now();
  auto recording = begin_recording(options.record, options.seal, options.side);
  if (!recording) return complain(recording.error());
  auto running = make_node(*simulated, context.hooks, *std::move(recording));
  if (!running) return complain(running.error());
  if (options.arm) (*running)->submit({service::Command::Kind::arm, 0, "", "cli"});
  (*running)->submit({service::Command::Kind::run, options.blocks, "", "cli"});
  follow(**running, context, report);
  if (context.stop->requested()) (*running)->submit({service::Command::Kind::stop, 0, "", "signal"});
  const auto last = (*running)->snapshot();
  report.simulated_s = last->rig_time.seconds();
  report.origin = last->origin;
  if (report.blocks.size() < options.blocks && !context.stop->requested()) report.stopped_because = last->last_error;
  (*running)->stop();
  report.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  report.keys_match = true;
  if (!report.stopped_because.empty()) fmt::print(stderr, "nicol: stopped early: {}\n", report.stopped_because);
  if (context.output == Output::json) fmt::print("{}\n", run_json(report, Document::node));
  if (context.stop->requested()) return report.blocks.empty() ? Exit::failed : Exit::done;
  return run_exit(report);
}

}  // namespace nicol::app
