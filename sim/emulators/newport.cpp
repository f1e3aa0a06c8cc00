// SPDX-License-Identifier: Apache-2.0
// The controller's states, one line a command; an error waits in its memory until TE reads it.
#include "sim/emulators/newport.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace nicol::sim {
namespace {

constexpr Picoseconds kLatency = Picoseconds::seconds(0.002);
constexpr std::size_t kLongestLine = 64;
constexpr int kNotReferenced = 0x0A, kConfiguration = 0x14, kHoming = 0x1E, kMoving = 0x28, kReadyFromHoming = 0x32,
              kReadyFromMoving = 0x33, kReadyFromDisable = 0x34, kDisabledFromReady = 0x3C, kDisabledFromMoving = 0x3D;
constexpr int kFollowingError = 1 << 5;

bool number(std::string_view text, double& value) {
  const std::string copy(text);
  char* end = nullptr;
  value = std::strtod(copy.c_str(), &end);
  return !copy.empty() && *end == '\0' && std::isfinite(value);
}

}  // namespace

NewportController::NewportController(NewportConfig config)
    : config_(std::move(config)), velocity_(config_.velocity), zero_(config_.power_up) {
  move_.from = move_.to = config_.power_up;
}

SerialIdentity NewportController::identity() const {
  return {0x104D, 0x3000, config_.model, "Newport", config_.adapter_serial, config_.baud};
}

void NewportController::receive(std::span<const std::uint8_t> bytes, Picoseconds now) {
  now_ = now;
  settle(now);
  for (const std::uint8_t byte : bytes) {
    const char c = static_cast<char>(byte);
    if (c == '\n') {
      obey(line_, now);
      line_.clear();
    } else if (c != '\r' && line_.size() < kLongestLine) {
      line_ += c;
    }
  }
}

void NewportController::obey(std::string_view line, Picoseconds now) {
  std::size_t at = 0;
  int axis = 0;
  while (at < line.size() && at < 2 && line[at] >= '0' && line[at] <= '9') axis = axis * 10 + (line[at++] - '0');
  if (axis != config_.axis || line.size() < at + 2) return;
  execute(line.substr(at, 2), line.substr(at + 2), now);
}

void NewportController::execute(std::string_view command, std::string_view value, Picoseconds now) {
  if (answer(command, value, now)) return;
  double x = 0;
  if (command == "OR") return home(now);
  if (command == "ST") return stop(now);
  if (command == "RS") return power_cycle();
  if (command == "PW" && value == "1" && state_ == kNotReferenced) {
    state_ = kConfiguration;
  } else if (command == "PW" && value == "0" && state_ == kConfiguration) {
    state_ = kNotReferenced;
  } else if (command == "MM" && value == "0" && ready()) {
    state_ = kDisabledFromReady;
  } else if (command == "MM" && value == "1" && state_ >= kDisabledFromReady) {
    state_ = kReadyFromDisable;
    errors_ = 0;
  } else if (command == "PA" || command == "PR" || command == "VA") {
    if (!number(value, x)) {
      error_ = 'C';
    } else if (command == "VA") {
      set_velocity(x);
    } else {
      move_to(command == "PR" ? told_at(now) + x : x, now);
    }
  } else {
    error_ = command == "PW" || command == "MM" ? 'D' : 'A';
  }
}

bool NewportController::answer(std::string_view command, std::string_view value, Picoseconds now) {
  const auto reply = [&](const std::string& text) {
    say(fmt::format("{}{}{}\r\n", config_.axis, command, text), now);
    return true;
  };
  if (command == "TE") {
    const std::string told(1, error_);
    error_ = '@';
    return reply(told);
  }
  if (command == "TS") return reply(fmt::format("{:04X}{:02X}", errors_, state_));
  if (command == "TP") return reply(fmt::format("{:.4f}", told_at(now)));
  if (command == "VE") return reply(fmt::format(" {} 1.0.0", config_.model));
  if (value != "?") return false;
  if (command == "SL") return reply(fmt::format("{}", config_.negative_limit));
  if (command == "SR") return reply(fmt::format("{}", config_.positive_limit));
  if (command == "SU") return reply(fmt::format("{}", config_.increment));
  if (command == "VA") return reply(fmt::format("{}", velocity_));
  return false;
}

void NewportController::set_velocity(double velocity) {
  if (state_ == kNotReferenced) {
    error_ = 'H';
  } else if (velocity <= 0 || velocity > config_.velocity) {
    error_ = 'C';
  } else {
    velocity_ = velocity;
  }
}

void NewportController::home(Picoseconds now) {
  if (state_ != kNotReferenced) {
    error_ = under_way() ? 'L' : 'K';
    return;
  }
  state_ = kHoming;
  start(0, config_.homing_seconds, now);
}

void NewportController::move_to(double goal, Picoseconds now) {
  if (state_ == kNotReferenced) error_ = 'H';
  if (state_ == kConfiguration) error_ = 'I';
  if (state_ >= kDisabledFromReady) error_ = 'J';
  if (state_ == kHoming) error_ = 'L';
  if (state_ == kMoving) error_ = 'M';
  if (!ready()) return;
  if (goal < config_.negative_limit || goal > config_.positive_limit) {
    error_ = 'G';
    return;
  }
  state_ = kMoving;
  claimed_ = goal;
  const double rounded = std::round(goal / config_.increment) * config_.increment;
  start(rounded + zero_, std::abs(goal - told_at(now)) / velocity_ + 0.05, now);
}

void NewportController::start(double goal, double seconds, Picoseconds now) {
  ++moves_;
  const double here = optic_at(now);
  stalls_ = std::exchange(stall_next_, false);
  const bool frozen = config_.mutant != NewportMutant::none && state_ == kMoving;
  move_ = {now, now + Picoseconds::seconds(seconds), here, frozen ? here : stalls_ ? (here + goal) / 2 : goal};
  if (state_ == kHoming) zero_ = 0;
}

void NewportController::stop(Picoseconds now) {
  if (!under_way()) return;
  const double here = optic_at(now);
  move_ = {now, now, here, here};
  claimed_ = here;
  stalls_ = false;
  state_ = state_ == kHoming ? kNotReferenced : kReadyFromMoving;
}

void NewportController::settle(Picoseconds now) {
  if (!under_way() || now < move_.end) return;
  if (stalls_) {
    errors_ |= kFollowingError;
    state_ = kDisabledFromMoving;
    return;
  }
  state_ = state_ == kHoming ? kReadyFromHoming : kReadyFromMoving;
}

double NewportController::optic_at(Picoseconds t) const {
  if (t >= move_.end) return move_.to;
  if (t <= move_.start) return move_.from;
  return move_.from + (move_.to - move_.from) * static_cast<double>((t - move_.start).count) /
                          static_cast<double>((move_.end - move_.start).count);
}

double NewportController::told_at(Picoseconds t) const {
  return config_.mutant == NewportMutant::echoes_command ? claimed_ : optic_at(t) - zero_;
}

void NewportController::say(std::string text, Picoseconds now) {
  sayings_.push_back({now + kLatency + extra_latency_, std::move(text)});
}

void NewportController::collect(std::vector<std::uint8_t>& out, Picoseconds now) {
  now_ = now;
  settle(now);
  while (!sayings_.empty() && sayings_.front().at <= now) {
    if (config_.stray_zeros) out.push_back(0);
    out.insert(out.end(), sayings_.front().text.begin(), sayings_.front().text.end());
    sayings_.pop_front();
  }
}

Picoseconds NewportController::next_due() const {
  Picoseconds due = sayings_.empty() ? kNever : sayings_.front().at;
  if (under_way()) due = std::min(due, move_.end);
  return due;
}

void NewportController::power_cycle() {
  const double here = optic_at(now_);
  move_ = {now_, now_, here, here};
  zero_ = here;
  claimed_ = 0;
  state_ = kNotReferenced;
  errors_ = 0;
  error_ = '@';
  velocity_ = config_.velocity;
  line_.clear();
  sayings_.clear();
}

}  // namespace nicol::sim
