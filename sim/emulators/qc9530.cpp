// SPDX-License-Identifier: Apache-2.0
#include "sim/emulators/qc9530.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

namespace nicol::sim {
namespace {

constexpr Picoseconds kLatency = Picoseconds::seconds(0.003);
constexpr std::size_t kLongestLine = 128;
// Its error numbers.
constexpr const char* kBadPrefix = "?1";
constexpr const char* kBadKeyword = "?3";
constexpr const char* kBadParameter = "?5";

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

std::string set_flag(bool& flag, std::string_view value) {
  if (value != "ON" && value != "1" && value != "OFF" && value != "0") return kBadParameter;
  flag = value == "ON" || value == "1";
  return "ok";
}

std::string set_number(double& number, std::string_view value, double least, double most) {
  const std::string copy(value);
  char* end = nullptr;
  const double x = std::strtod(copy.c_str(), &end);
  if (copy.empty() || *end != '\0' || !(x >= least && x <= most)) return kBadParameter;
  number = x;
  return "ok";
}

std::string time(double seconds) { return fmt::format("{:.11f}", seconds); }

/// A keyword in its short or any longer form.
bool is(std::string_view word, std::string_view short_form, std::string_view long_form) {
  return word.starts_with(short_form) && long_form.starts_with(word);
}

}  // namespace

Qc9530::Qc9530(Qc9530Config config) : config_(std::move(config)) { channels_[0].on = true; }

SerialIdentity Qc9530::identity() const {
  return {0x0403, 0x6001, "FT232R USB UART", "FTDI", config_.adapter_serial, config_.baud};
}

void Qc9530::receive(std::span<const std::uint8_t> bytes, Picoseconds now) {
  now_ = now;
  for (const std::uint8_t byte : bytes) {
    const char c = static_cast<char>(byte);
    if (c == '\n') {
      if (!line_.empty()) sayings_.push_back({now + kLatency + delay_, obey(line_) + "\r\n"});
      line_.clear();
    } else if (c != '\r' && line_.size() < kLongestLine) {
      line_ += c;
    }
  }
}

std::string Qc9530::obey(std::string_view sent) {
  const std::string line = upper(sent);
  if (line == "*IDN?") return fmt::format("QC,{},{},3.0.0.11", config_.model, config_.serial);
  if (!line.starts_with(":PULSE") || line.size() < 9 || line[7] != ':') return kBadPrefix;
  std::string_view rest = std::string_view(line).substr(8);
  const std::size_t space = std::min(rest.find(' '), rest.size());
  std::string_view word = rest.substr(0, space);
  const std::string_view value = rest.substr(std::min(space + 1, rest.size()));
  const bool asks = word.ends_with('?');
  if (asks) word.remove_suffix(1);
  const int number = line[6] - '0';
  if (number == 0) return whole(word, value, asks);
  if (number < 0 || number > static_cast<int>(kChannels)) return kBadPrefix;
  auto index = static_cast<std::size_t>(number - 1);
  if (config_.mutant == Qc9530Mutant::swaps_channels && !asks && index < 2) index = 1 - index;
  return channel(channels_[index], word, value, asks);
}

std::string Qc9530::whole(std::string_view word, std::string_view value, bool asks) {
  if (is(word, "STAT", "STATE")) {
    if (asks) return running_ ? "1" : "0";
    bool on = running_;
    std::string answer = set_flag(on, value);
    if (on && !running_) ++starts_;
    if (on || config_.mutant != Qc9530Mutant::ignores_off) running_ = on;
    return answer;
  }
  if (is(word, "PER", "PERIOD")) return asks ? time(period_) : set_number(period_, value, 1e-7, 5000);
  if (is(word, "MOD", "MODE")) {
    if (asks) return mode_;
    if (value != "NORM" && value != "SING" && value != "BURS" && value != "DCYC") return kBadParameter;
    mode_ = value;
    return "ok";
  }
  return kBadKeyword;
}

std::string Qc9530::channel(Channel& c, std::string_view word, std::string_view value, bool asks) {
  if (is(word, "STAT", "STATE")) return asks ? (c.on ? "1" : "0") : set_flag(c.on, value);
  if (is(word, "WIDT", "WIDTH")) return asks ? time(c.width) : set_number(c.width, value, 1e-8, 999.99);
  if (is(word, "DEL", "DELAY")) return asks ? time(c.delay) : set_number(c.delay, value, 0, 999.99);
  if (is(word, "OUTP:AMPL", "OUTP:AMPLITUDE"))
    return asks ? fmt::format("{:.2f}", c.amplitude) : set_number(c.amplitude, value, 2, 20);
  if (is(word, "POL", "POLARITY")) {
    if (asks) return c.inverted ? "INV" : "NORM";
    if (value != "NORM" && value != "INV") return kBadParameter;
    c.inverted = value == "INV";
    return "ok";
  }
  return kBadKeyword;
}

void Qc9530::collect(std::vector<std::uint8_t>& out, Picoseconds now) {
  now_ = now;
  while (!sayings_.empty() && sayings_.front().at <= now) {
    out.insert(out.end(), sayings_.front().text.begin(), sayings_.front().text.end());
    sayings_.pop_front();
  }
}

Picoseconds Qc9530::next_due() const { return sayings_.empty() ? kNever : sayings_.front().at; }

bool Qc9530::triggers() const {
  return running_ && std::ranges::any_of(channels_, [](const Channel& c) { return c.on; });
}

void Qc9530::power_cycle() {
  line_.clear();
  sayings_.clear();
}

void Qc9530::cycle_mains() {
  running_ = false;
  period_ = 1e-3;
  mode_ = "NORM";
  channels_ = {};
  channels_[0].on = true;
  power_cycle();
}

}  // namespace nicol::sim
