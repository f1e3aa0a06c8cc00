// SPDX-License-Identifier: Apache-2.0
#include "drivers/rig/face.hpp"

namespace nicol::rig {

hal::ArgInfo faults_property() {
  return {"faults", "latched faults",       "what made the board safe; write none to clear them",
          "",       hal::ArgType::text,     {},
          {"none"}, hal::Access::read_write};
}

Result<hal::Value> read_faults(Board& board) {
  const auto faults = board.faults();
  if (!faults) return faults.error();
  return hal::Value{describe_faults(*faults)};
}

Result<void> clear_faults(Board& board) {
  const auto faults = board.faults();
  if (!faults) return faults.error();
  return *faults == 0 ? Result<void>() : board.clear_faults(*faults);
}

Result<std::vector<hal::SelfTestItem>> test_board(Board& board, Deadline deadline) {
  auto mark = board.ask(fw::Type::time_mark, {}, deadline);
  if (!mark) return std::move(mark).error();
  const auto time = fw::decode<fw::TimeMark>(mark->bytes());
  const Heard heard = board.heard();
  return std::vector<hal::SelfTestItem>{
      {"answers", time.has_value(), time ? fmt::format("up for {} ms", time->uptime_ms) : "no time mark"},
      {"faults", (heard.faults & fw::kFaultHardware) == 0, describe_faults(heard.faults)}};
}

}  // namespace nicol::rig
