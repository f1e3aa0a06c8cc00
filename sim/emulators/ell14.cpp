// SPDX-License-Identifier: Apache-2.0
// Where a command ends, without a terminator: each has its length.
#include "sim/emulators/ell14.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace nicol::sim {
namespace {

constexpr Picoseconds kPatience = Picoseconds::seconds(2);
constexpr std::uint8_t kCommunicationTimeout = 1, kUnknownCommand = 3;

struct Form {
  std::string_view letters;
  std::size_t data;
};
constexpr std::array kForms{Form{"in", 0}, Form{"gs", 0}, Form{"ho", 1}, Form{"ma", 8}, Form{"mr", 8}, Form{"gp", 0},
                            Form{"go", 0}, Form{"so", 8}, Form{"gj", 0}, Form{"sj", 8}, Form{"fw", 0}, Form{"bw", 0},
                            Form{"gv", 0}, Form{"sv", 2}, Form{"i1", 0}, Form{"i2", 0}, Form{"s1", 0}, Form{"s2", 0},
                            Form{"us", 0}, Form{"ca", 1}, Form{"is", 2}, Form{"ga", 1}, Form{"om", 0}, Form{"cm", 0},
                            Form{"st", 0}, Form{"ms", 0}};

std::optional<std::size_t> data_of(std::string_view letters) {
  const auto it = std::ranges::find(kForms, letters, &Form::letters);
  if (it == kForms.end()) return std::nullopt;
  return it->data;
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); }
bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

/// May `c` come after `have` characters of a command?
bool fits(char c, std::size_t have) {
  if (have == 1) return is_letter(c);
  if (have == 2) return is_letter(c) || c == '1' || c == '2';
  return is_hex(c);
}

}  // namespace

Ell14Bus::Ell14Bus(Ell14BusConfig config) : config_(std::move(config)) {
  for (const Ell14Config& module : config_.modules) modules_.emplace_back(module);
}

SerialIdentity Ell14Bus::identity() const {
  return {0x0403, 0x6015, "FT230X Basic UART", "FTDI", config_.adapter_serial, 9600};
}

void Ell14Bus::receive(std::span<const std::uint8_t> bytes, Picoseconds now) {
  now_ = now;
  drop_unfinished(now);
  for (const std::uint8_t byte : bytes) hear(static_cast<char>(byte), now);
}

void Ell14Bus::hear(char c, Picoseconds now) {
  const std::size_t have = command_.size();
  if (have == 0) {
    if (!is_hex(c)) return;
    heard_ = now;
    command_ = c;
    return;
  }
  if (!fits(c, have)) {  // a terminator, or noise: perhaps the next command's address
    command_.clear();
    if (is_hex(c)) hear(c, now);
    return;
  }
  command_ += c;
  if (command_.size() < 3) return;
  const auto data = data_of(std::string_view(command_).substr(1, 2));
  if (data && command_.size() < 3 + *data) return;
  run(now);
  command_.clear();
}

void Ell14Bus::run(Picoseconds now) {
  const char meant = command_[0];
  for (std::size_t i = 0; i < modules_.size(); ++i) {
    Ell14Module& module = modules_[i];
    if (module.address() == meant) {
      run_for(i, module.address(), now);
    } else if (module.group() == meant) {
      run_for(i, module.address(), now);
      module.leave_group();
    }
  }
}

void Ell14Bus::run_for(std::size_t i, char as, Picoseconds now) {
  const std::string_view letters = std::string_view(command_).substr(1, 2);
  if (!data_of(letters)) return modules_[i].answer_status(kUnknownCommand, as, now);
  const bool turns = letters == "ma" || letters == "mr" || letters == "ho" || letters == "gp";
  modules_[turns ? hands(i) : i].execute(letters, std::string_view(command_).substr(3), as, now);
}

std::size_t Ell14Bus::hands(std::size_t i) const {
  return config_.swaps_first_two && modules_.size() > 1 && i < 2 ? 1 - i : i;
}

void Ell14Bus::drop_unfinished(Picoseconds now) {
  if (command_.empty() || now - heard_ < kPatience) return;
  for (Ell14Module& module : modules_)
    if (module.address() == command_[0])
      module.answer_status(kCommunicationTimeout, module.address(), heard_ + kPatience);
  command_.clear();
}

void Ell14Bus::collect(std::vector<std::uint8_t>& out, Picoseconds now) {
  now_ = now;
  drop_unfinished(now);
  for (Ell14Module& module : modules_) {
    for (const std::string& said : module.take(now)) {
      if (config_.stray_zeros) out.push_back(0);
      const std::string buttons =
          config_.presses_buttons ? fmt::format("{0}BS09\r\n{0}BO00001234\r\n", module.address()) : "";
      out.insert(out.end(), buttons.begin(), buttons.end());
      out.insert(out.end(), said.begin(), said.end());
    }
  }
}

Picoseconds Ell14Bus::next_due() const {
  Picoseconds due = command_.empty() ? kNever : heard_ + kPatience;
  for (const Ell14Module& module : modules_) due = std::min(due, module.next_due());
  return due;
}

void Ell14Bus::power_cycle() {
  command_.clear();
  for (Ell14Module& module : modules_) module.power_cycle(now_);
}

}  // namespace nicol::sim
