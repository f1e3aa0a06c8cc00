// SPDX-License-Identifier: Apache-2.0
// Written from the description of the board alone: it shares nothing with the driver.
#include "sim/emulators/s15_spdc.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace nicol::sim {
namespace {

constexpr std::size_t kLongestLine = 512;
constexpr double kHeldWithin = 40, kCoolsWithin = 200;  // s, to a part of e
constexpr double kKelvinPerVolt = 8;

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

SpdcEmulator::Body SpdcEmulator::crystal() {
  Body body;
  body.prefix = "H";
  return body;
}

SpdcEmulator::Body SpdcEmulator::laser_body() {
  Body body;
  body.prefix = "P";
  body.highest = 50;
  body.highest_limit = body.limit = 2.5;
  return body;
}

SpdcEmulator::SpdcEmulator(SpdcOptions options) : options_(std::move(options)) {
  crystal_.temperature = laser_.temperature = options_.ambient;
}

SerialIdentity SpdcEmulator::identity() const {
  return {0x04B4, 0xF232, "SPDC Driver", "S-Fifteen Instruments", options_.serial, 0};
}

/// What its flash holds comes back; the bodies keep their heat.
void SpdcEmulator::power_cycle() {
  const double crystal_now = crystal_.temperature, laser_now = laser_.temperature;
  crystal_ = crystal();
  laser_ = laser_body();
  crystal_.temperature = crystal_now;
  laser_.temperature = laser_now;
  current_ = 0;
  limit_ = 60;
  power_ = 0;
  on_ = false;
  line_.clear();
  said_.clear();
}

void SpdcEmulator::receive(std::span<const std::uint8_t> bytes, Picoseconds now) {
  pass(now);
  for (const std::uint8_t byte : bytes) {
    const char c = static_cast<char>(byte);
    if (c == ';' || c == '\n' || c == '\r')
      execute(std::exchange(line_, {}));
    else if (line_.size() < kLongestLine)
      line_.push_back(c);
  }
}

void SpdcEmulator::collect(std::vector<std::uint8_t>& out, Picoseconds now) {
  pass(now);
  out.insert(out.end(), said_.begin(), said_.end());
  said_.clear();
}

void SpdcEmulator::say(const std::string& line) { said_ += line + "\r\n"; }
void SpdcEmulator::answer(double value) { say(fmt::format("{:.3f}", value)); }

void SpdcEmulator::keep(double& setting, double value, double low, double high) {
  if (value < low || value > high)
    say(fmt::format("Value out of range: {:.3f} is not in [{:.3f}, {:.3f}]", value, low, high));
  else
    setting = value;
}

void SpdcEmulator::execute(std::string_view text) {
  if (silent_) return;
  std::string command = upper(text);
  while (!command.empty() && command.front() == ' ') command.erase(0, 1);
  while (!command.empty() && command.back() == ' ') command.pop_back();
  if (command.empty()) return;
  if (command == "*IDN?") return say(options_.serial + " firmware 1.2");
  if (command == "STATUS?") return say(fmt::format("{}", (on_ ? 1 : 0) | static_cast<int>(power_) << 1));
  if (command == "SAVE") return say("Settings saved");
  if (command == "*RST") return power_cycle();
  const bool asks = command.back() == '?';
  const std::size_t blank = std::min(command.find(' '), command.size());
  const std::string word = asks ? command.substr(0, command.size() - 1) : command.substr(0, blank);
  const auto value =
      asks || blank == command.size() ? std::nullopt : number(std::string_view(command).substr(blank + 1));
  if (laser_word(word, value, asks)) return;
  for (Body* body : {&crystal_, &laser_})
    if (word.starts_with(body->prefix) && body_word(*body, std::string_view(word).substr(1), value, asks)) return;
  say("Unknown command: " + word);
}

bool SpdcEmulator::laser_word(std::string_view word, std::optional<double> value, bool asks) {
  const bool stuck = options_.mutant == SpdcMutant::ignores_off && on_;
  if (word == "ON") {
    if (!on_) ++times_on_;
    highest_at_on_ = std::max(highest_at_on_, current_);
    on_ = true;
  } else if (word == "OFF") {
    if (!stuck) on_ = false;
  } else if (word == "LCURRENT" && (asks || value)) {
    if (asks)
      answer(current_);
    else if (!stuck || *value > current_)
      set_current(*value);
  } else if (word == "LLIMIT" && (asks || value)) {
    if (asks)
      answer(limit_);
    else if (options_.mutant != SpdcMutant::ignores_limit)
      keep(limit_, *value, 0, 97);
  } else if (word == "POWER" && (asks || value)) {
    double lines = power_;
    if (asks)
      say(fmt::format("{}", power_));
    else
      keep(lines, std::floor(*value), 0, 3);
    power_ = static_cast<unsigned>(lines) | (stuck ? power_ & 2U : 0U);
  } else {
    return false;
  }
  return true;
}

void SpdcEmulator::set_current(double value) {
  const double before = current_;
  keep(current_, value, 0, limit_);
  if (on_ && (power_ & 2U) != 0) largest_rise_ = std::max(largest_rise_, current_ - before);
}

bool SpdcEmulator::body_word(Body& body, std::string_view word, std::optional<double> value, bool asks) {
  if (!asks && !value) return false;
  const auto setting = [&](double& kept, double low, double high) {
    if (asks)
      answer(kept);
    else
      keep(kept, *value, low, high);
    return true;
  };
  if (word == "TEMP" && asks) return answer(body.temperature), true;
  if (word == "TARGET" && asks) return answer(body.target), true;
  if (word == "SETTEMP") return setting(body.set_point, body.lowest, body.highest);
  if (word == "RATE" && body.prefix == "H") return setting(body.rate, 0, 1);
  if (word == "VOLT") return setting(body.voltage, body.prefix == "H" ? 0 : -body.limit, body.limit);
  if (word == "LIMIT") return setting(body.limit, 0, body.highest_limit);
  if (word == "CONSTP") return setting(body.p, 0, 10);
  if (word == "CONSTI") return setting(body.i, 0, 10);
  if (word == "CONSTD") return setting(body.d, 0, 10);
  if (word != "LOOP") return false;
  if (asks) return say(body.loop ? "1" : "0"), true;
  if (*value != 0 && !body.loop) body.target = body.temperature;
  body.loop = *value != 0;
  return true;
}

void SpdcEmulator::pass(Picoseconds now) {
  const double seconds = std::max(0.0, (now - now_).seconds());
  now_ = now;
  warm(crystal_, seconds);
  warm(laser_, seconds);
}

/// The loop follows its target, which moves at its rate; without loop or power a body drifts to its surroundings.
void SpdcEmulator::warm(Body& body, double seconds) {
  if (seconds <= 0) return;
  const bool powered = (power_ & 1U) != 0;
  if (!body.loop || !powered || options_.mutant == SpdcMutant::stays_cold) {
    const double rest = options_.ambient + (powered ? body.voltage * kKelvinPerVolt : 0);
    body.temperature = rest + (body.temperature - rest) * std::exp(-seconds / kCoolsWithin);
    return;
  }
  const double way = body.set_point - body.target;
  const double moved = body.rate > 0 ? std::min(std::abs(way), body.rate * seconds) : std::abs(way);
  body.target += std::copysign(moved, way);
  body.temperature = body.target + (body.temperature - body.target) * std::exp(-seconds / kHeldWithin);
}

}  // namespace nicol::sim
