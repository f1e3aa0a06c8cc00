// SPDX-License-Identifier: Apache-2.0
// What a run tells: one JSON document for programs (nicol.run/1), a table for people.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/app/exit_code.hpp"
#include "controller/service/track_report.hpp"
#include "controller/session/session.hpp"
#include "sim/scenario/scenario.hpp"

namespace nicol::app {

struct RunReport {
  sim::Scenario scenario;
  std::optional<std::uint64_t> seed;  // none on devices: all randomness comes from the OS
  distillation::Origin origin = distillation::Origin::simulated;
  std::vector<session::BlockResult> blocks;
  std::vector<service::TrackReport> tracks;  // of some of them, where Bob's plates follow the fibre
  std::map<std::uint64_t, std::vector<std::string>> bob_relies_on;  // by block
  double wall_s = 0, simulated_s = 0;
  bool keys_match = false;
  std::string stopped_because;  // empty when all wanted blocks were tried
};

enum class Document : std::uint8_t { run, node };
/// DESIGN.md 8: nicol.run/1; a single node's document (nicol.node/1) has no keys_match.
std::string run_json(const RunReport& report, Document document = Document::run);
/// Where photons and bits went, block by block, and why the key is as long as it is.
std::string run_table(const RunReport& report);
/// One line a block, for logs.
std::string block_line(const session::BlockResult& block);
/// How many settings are still missing for a first key, from the link model; empty where a key was made.
std::string missing_settings(const RunReport& report);
Exit run_exit(const RunReport& report);

std::string check_text(std::uint32_t check);  // 8 lower-case hex digits

}  // namespace nicol::app
