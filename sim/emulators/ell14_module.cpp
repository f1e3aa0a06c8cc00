// SPDX-License-Identifier: Apache-2.0
// Mechanics from one move's two angles and three instants; answers after the time the firmware takes.
#include "sim/emulators/ell14_module.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "sim/emulators/emulator.hpp"

namespace nicol::sim {
namespace {

constexpr Picoseconds kLatency = Picoseconds::seconds(0.004);
constexpr double kMarkDegrees = 0;  // where the reference mark of the ring is
constexpr int kMarkError = 2;       // counts

constexpr std::uint8_t kOk = 0, kTimeout = 2, kUnknown = 3, kBadValue = 4, kBusy = 9, kOutOfRange = 12;

std::int32_t number(std::string_view hex) {
  std::uint32_t value = 0;
  for (const char c : hex) value = value * 16 + static_cast<std::uint32_t>(c <= '9' ? c - '0' : c - 'A' + 10);
  return static_cast<std::int32_t>(value);
}

}  // namespace

Ell14Module::Ell14Module(const Ell14Config& config)
    : config_(config),
      address_(config.address),
      home_offset_(config.home_offset),
      zero_(config.power_up.degrees()),
      noise_({config.seed, NodeId::world, Purpose::sim_motor, static_cast<std::uint64_t>(config.address)}) {
  move_.from = move_.to = config.power_up.degrees();
}

double Ell14Module::draw() { return 2 * noise_.uniform() - 1; }

double Ell14Module::degrees_at(Picoseconds t) const {
  if (t >= move_.arrive) return move_.to;
  if (t <= move_.start) return move_.from;
  const double part =
      static_cast<double>((t - move_.start).count) / static_cast<double>((move_.arrive - move_.start).count);
  return move_.from + (move_.to - move_.from) * part;
}

Angle Ell14Module::angle(Picoseconds t) const { return Angle::degrees(degrees_at(t)); }

std::int64_t Ell14Module::counts(Picoseconds t) const {
  if (config_.mutant == Ell14Mutant::echoes_command) return claimed_;
  const auto counts = static_cast<std::int64_t>(std::llround((degrees_at(t) - zero_) / per_count()));
  if (!config_.wraps) return counts;
  return ((counts % config_.pulses) + config_.pulses) % config_.pulses;
}

void Ell14Module::say(std::string text, Picoseconds at) {
  const Saying saying{at + kLatency + extra_latency_, std::move(text)};
  const auto later = std::ranges::upper_bound(sayings_, saying.at, {}, &Saying::at);
  sayings_.insert(later, saying);
}

void Ell14Module::say_status(std::uint8_t code, char as, Picoseconds now) {
  say(fmt::format("{}GS{:02X}\r\n", as, code), now);
}

void Ell14Module::say_counts(std::string_view kind, std::int64_t counts, char as, Picoseconds now) {
  say(fmt::format("{}{}{:08X}\r\n", as, kind, static_cast<std::uint32_t>(counts)), now);
}

std::string Ell14Module::identity(char as) const {
  return fmt::format("{}IN{:02X}{}{:04d}{:02X}{:02X}{:04X}{:08X}\r\n", as, config_.type, config_.serial, config_.year,
                     config_.firmware, config_.hardware, config_.travel, static_cast<std::uint32_t>(config_.pulses));
}

void Ell14Module::execute(std::string_view command, std::string_view data, char as, Picoseconds now) {
  if (under_way_ && now >= move_.settled) finish();
  const bool busy = moving(now) || now < busy_until_;
  if (command == "gs") {
    say_status(busy ? kBusy : status_, as, now);
    status_ = kOk;
    return;
  }
  if (command == "st" || command == "ms") return say_status(kOk, as, now);  // ends jogging, never a move
  if (busy) return say_status(kBusy, as, now);

  if (command == "in") return say(identity(as), now);
  if (command == "gp") return say_counts("PO", counts(now), as, now);
  if (command == "go") return say_counts("HO", home_offset_, as, now);
  if (command == "gj") return say_counts("GJ", jog_step_, as, now);
  if (command == "gv") return say(fmt::format("{}GV{:02X}\r\n", as, velocity_), now);
  if (command == "i1") return say(fmt::format("{}I1100428FFFFFFFF00BD008B\r\n", as), now);
  if (command == "i2") return say(fmt::format("{}I2100430FFFFFFFF00BB008D\r\n", as), now);
  if (command == "so") return store(home_offset_, data, as, now);
  if (command == "sj") return store(jog_step_, data, as, now);
  if (command == "sv") return set_velocity(data, as, now);
  if (command == "us") {
    config_.home_offset = home_offset_;
    return say_status(kOk, as, now);
  }
  if (command == "ca") return set_address(data, now);
  if (command == "ga") {
    group_ = data[0];
    return say_status(kOk, as, now);
  }
  if (command == "ho") return home(data, as, now);
  const double here = degrees_at(now);
  const std::int32_t asked = command == "ma" || command == "mr" ? number(data) : jog_step_;
  if (command == "ma") {
    // One turn to either side of zero is what it reaches by an absolute move.
    if (asked > config_.pulses || asked < -config_.pulses) return say_status(kOutOfRange, as, now);
    const double base = config_.wraps ? here - static_cast<double>(counts(now)) * per_count() : zero_;
    return move_to(base + asked * per_count(), asked, false, as, now);
  }
  if (command == "mr" || command == "fw" || command == "bw") {
    const std::int64_t by = command == "bw" ? -std::int64_t{asked} : asked;
    return move_to(here + static_cast<double>(by) * per_count(), claimed_ + by, false, as, now);
  }
  say_status(kUnknown, as, now);
}

void Ell14Module::store(std::int32_t& field, std::string_view data, char as, Picoseconds now) {
  field = number(data);
  say_status(kOk, as, now);
}

void Ell14Module::set_velocity(std::string_view data, char as, Picoseconds now) {
  const int percent = number(data);
  if (percent < 1 || percent > 100) return say_status(kBadValue, as, now);
  velocity_ = percent;
  say_status(kOk, as, now);
}

void Ell14Module::set_address(std::string_view data, Picoseconds now) {
  address_ = data[0];
  say_status(kOk, address_, now);
}

void Ell14Module::home(std::string_view data, char as, Picoseconds now) {
  if (data != "0" && data != "1") return say_status(kBadValue, as, now);
  // The mark is passed once a turn; the offset says where zero is from there.
  const double goal = kMarkDegrees + home_offset_ * per_count();
  double way = std::remainder(goal - degrees_at(now), 360.0);
  if (data == "0" && way < 0) way += 360;
  if (data == "1" && way > 0) way -= 360;
  move_to(degrees_at(now) + way, 0, true, as, now);
}

void Ell14Module::move_to(double degrees, std::int64_t told, bool homing, char as, Picoseconds now) {
  ++moves_;
  status_ = kOk;
  Move next;
  next.homing = homing;
  next.as = as;
  next.told = told;
  next.from = degrees_at(now);
  const bool frozen = config_.mutant != Ell14Mutant::none && !homing;
  next.stalled = stall_next_ || velocity_ < config_.stalls_below;
  stall_next_ = false;
  const double reached = next.stalled ? (next.from + degrees) / 2 : degrees + config_.repeatability.degrees() * draw();
  next.to = frozen ? next.from : reached;
  next.start = now;
  const double seconds = std::abs(degrees - next.from) / (config_.fastest * velocity_ / 100);
  next.arrive = now + Picoseconds::seconds(seconds);
  next.settled = next.arrive + (next.stalled ? config_.gives_up : config_.settle);
  // The mark is found within a few counts.
  if (homing && !next.stalled) zero_ = next.to - std::round(kMarkError * draw()) * per_count();
  move_ = next;
  under_way_ = true;
  if (config_.says_busy) say_status(kBusy, as, now);
}

void Ell14Module::finish() {
  under_way_ = false;
  const Picoseconds at = move_.settled - kLatency;
  if (move_.stalled) {
    status_ = kTimeout;
    return say_status(kTimeout, move_.as, at);
  }
  claimed_ = move_.told;
  say_counts("PO", counts(move_.settled), move_.as, at);
}

void Ell14Module::press_button(Picoseconds now) {
  say(fmt::format("{}BS09\r\n", address_), now);
  say(fmt::format("{}BO{:08X}\r\n", address_, static_cast<std::uint32_t>(counts(now))), now);
}

std::vector<std::string> Ell14Module::take(Picoseconds now) {
  if (under_way_ && now >= move_.settled) finish();
  std::vector<std::string> said;
  while (!sayings_.empty() && sayings_.front().at <= now) {
    said.push_back(std::move(sayings_.front().text));
    sayings_.pop_front();
  }
  return said;
}

Picoseconds Ell14Module::next_due() const {
  Picoseconds due = sayings_.empty() ? kNever : sayings_.front().at;
  if (under_way_) due = std::min(due, move_.settled);
  return due;
}

void Ell14Module::power_cycle(Picoseconds now) {
  const double here = degrees_at(now);
  move_ = Move{};
  move_.from = move_.to = here;
  under_way_ = false;
  zero_ = here;
  claimed_ = 0;
  velocity_ = 100;
  home_offset_ = config_.home_offset;
  group_ = 0;
  status_ = kOk;
  busy_until_ = Picoseconds{};
  sayings_.clear();
}

}  // namespace nicol::sim
