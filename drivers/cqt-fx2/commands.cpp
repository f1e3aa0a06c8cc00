// SPDX-License-Identifier: Apache-2.0
#include "drivers/cqt-fx2/commands.hpp"

#include <initializer_list>

namespace nicol::cqt_fx2 {
namespace {

std::vector<std::uint8_t> framed(Command command, std::initializer_list<std::uint8_t> arguments) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(arguments.size() + 3);
  bytes.push_back(static_cast<std::uint8_t>(arguments.size() + 3));
  bytes.push_back(static_cast<std::uint8_t>(command));
  for (const std::uint8_t argument : arguments) bytes.push_back(argument);
  std::uint8_t sum = 0;
  for (const std::uint8_t byte : bytes) sum = static_cast<std::uint8_t>(sum + byte);
  bytes.push_back(sum);
  return bytes;
}

}  // namespace

std::vector<std::uint8_t> packet(Command command) { return framed(command, {}); }

std::vector<std::uint8_t> packet(Command command, std::uint8_t argument) { return framed(command, {argument}); }

std::vector<std::uint8_t> packet(Command command, std::uint16_t argument) {
  return framed(command, {static_cast<std::uint8_t>(argument), static_cast<std::uint8_t>(argument >> 8)});
}

std::vector<std::uint8_t> dac_packet(Dac channel, std::uint16_t value) {
  const unsigned word = static_cast<unsigned>(channel) << 12 | (value & unsigned{kDacMax});
  return packet(Command::set_dac, static_cast<std::uint16_t>(word));
}

}  // namespace nicol::cqt_fx2
