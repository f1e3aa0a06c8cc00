// SPDX-License-Identifier: Apache-2.0
#include "drivers/rig/face.hpp"

namespace nicol::rig {

hal::ArgInfo faults_property() {
  return {"faults", "latched faults",       "what made the board safe; write none to clear them",
          "",       hal::ArgType::text,     {},
          {"none"}, hal::Access::read_write};
}

Result<hal::Value> read_faults(Board& board) {
  auto faults = board.get(fw::Property::faults, 0, "asking for faults");
  if (!faults) return std::move(faults).error();
  return hal::Value{describe_faults(static_cast<fw::Faults>(faults->number))};
}

Result<void> clear_faults(Board& board) {
  auto reply = board.command(fw::Type::clear_fault, "clearing faults");
  return reply ? Result<void>() : std::move(reply).error();
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
