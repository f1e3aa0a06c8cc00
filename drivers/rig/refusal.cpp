// SPDX-License-Identifier: Apache-2.0
#include "drivers/rig/refusal.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace nicol::rig {
namespace {

struct Meaning {
  Code code = Code::internal;
  const char* text = "";
};

Meaning meaning(fw::Nack code) {
  switch (code) {
    case fw::Nack::bad_length:
      return {Code::protocol, "the board does not know a message of this length: update firmware or this program"};
    case fw::Nack::bad_value:
      return {Code::out_of_range, "a value is outside what the board allows, or the board has no such part"};
    case fw::Nack::unsupported:
      return {Code::not_supported, "this board has no such ability"};
    case fw::Nack::busy:
      return {Code::busy, "the board is busy: wait, then try again"};
    case fw::Nack::not_homed:
      return {Code::not_homed, "home this axis first"};
    case fw::Nack::interlock_open:
      return {Code::interlock, "the interlock or the key switch is open: close it, then arm again"};
    case fw::Nack::not_armed:
      return {Code::unsafe_state, "the source is not armed: arm it, and enable emission within 5 s"};
    case fw::Nack::wrong_session:
      return {Code::disconnected, "the board was restarted: a new session begins"};
    case fw::Nack::fault_latched:
      return {Code::unsafe_state, "a fault is latched; remove its cause, then write none to the property faults"};
    case fw::Nack::rate_limited:
      return {Code::busy, "the board got too many commands: wait, then try again"};
    case fw::Nack::internal:
      return {Code::hardware_fault, "the board reports trouble of its own: switch it off and on"};
    case fw::Nack::unsafe:
      return {Code::unsafe_state, "alignment light and enabled detectors exclude each other: end one of them first"};
  }
  return {Code::protocol, "the board refused for a reason that this version does not know: update this program"};
}

}  // namespace

std::string describe_faults(fw::Faults faults) {
  constexpr std::array<std::pair<fw::Faults, const char*>, 5> kNames{{{fw::kFaultLinkLost, "link lost"},
                                                                      {fw::kFaultInterlock, "interlock opened"},
                                                                      {fw::kFaultOverRate, "count rate over its limit"},
                                                                      {fw::kFaultCommanded, "safe state commanded"},
                                                                      {fw::kFaultHardware, "hardware out of range"}}};
  std::string text;
  for (const auto& [bit, name] : kNames)
    if ((faults & bit) != 0) text += (text.empty() ? "" : ", ") + std::string(name);
  return text.empty() ? "none" : text;
}

std::string bright_light(std::optional<std::uint16_t> detector) {
  return fmt::format(
      "bright light: {} counted more than its limit for 100 ms; the board closed its shutters and switched its "
      "detectors "
      "off: find the light, then write none to the property faults",
      detector ? fmt::format("detector {}", *detector) : "a detector");
}

Error refusal_error(const fw::Answer& refusal, const std::string& doing, const std::string& board) {
  const auto code = static_cast<fw::Nack>(refusal.code);
  if (code == fw::Nack::fault_latched && (refusal.detail & fw::kFaultOverRate) != 0)
    return {Code::over_rate,
            fmt::format("{}: {} (latched: {})", doing, bright_light({}), describe_faults(refusal.detail)),
            board,
            refusal.code,
            {}};
  const Meaning m = meaning(code);
  std::string text = fmt::format("{}: {}", doing, m.text);
  if (code == fw::Nack::fault_latched) text += fmt::format(" (latched: {})", describe_faults(refusal.detail));
  if (code == fw::Nack::busy && refusal.detail != 0) text += fmt::format(" (for {} ms)", refusal.detail);
  return {m.code, std::move(text), board, refusal.code, {}};
}

std::optional<Error> incompatible(const fw::Hello& hello, const std::string& board) {
  if (hello.proto_min > fw::kVersion || hello.proto_max < fw::kVersion)
    return Error{
        Code::incompatible_firmware,
        fmt::format("the board speaks protocol {} to {}, this program speaks {}: update the {}", hello.proto_min,
                    hello.proto_max, fw::kVersion, hello.proto_max < fw::kVersion ? "firmware" : "program"),
        board,
        hello.proto_max,
        {}};
  if (hello.schema_hash != fw::schema_hash())
    return Error{Code::incompatible_firmware,
                 fmt::format("the board lays its messages out differently (schema {:08x}, expected {:08x}): update the "
                             "firmware ({} runs on it) or this program",
                             hello.schema_hash, fw::schema_hash(), hello.description.firmware.view()),
                 board,
                 0,
                 {}};
  if (hello.incompat != 0)
    return Error{Code::incompatible_firmware,
                 fmt::format("the board demands abilities {:#x} that this program does not have: update this program",
                             hello.incompat),
                 board,
                 hello.incompat,
                 {}};
  return {};
}

Error refused_hello(unsigned version, const std::optional<fw::Hello>& hello, const std::string& board) {
  if (version != fw::kVersion)
    return {Code::incompatible_firmware,
            fmt::format("the board speaks protocol {}, this program speaks {}: update {}", version, fw::kVersion,
                        version < fw::kVersion ? "firmware" : "this program"),
            board,
            version,
            {}};
  if (hello)
    if (auto why = incompatible(*hello, board)) return *std::move(why);
  return {Code::incompatible_firmware, "the board refuses to talk to this program: update firmware", board, 0, {}};
}

}  // namespace nicol::rig
