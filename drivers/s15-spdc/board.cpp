// SPDX-License-Identifier: Apache-2.0
#include "drivers/s15-spdc/board.hpp"

#include <fmt/format.h>

#include <cmath>
#include <thread>

namespace nicol::s15_spdc {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kLastDigit = 6e-4;  // values travel with three decimals

}  // namespace

Board::~Board() {
  if (light_ && line_) light_->turn_off(std::chrono::milliseconds(200));
  {
    const std::lock_guard lock(listen_mutex_);
    listening_ = false;
  }
  light_.reset();  // its thread uses the line
  line_.reset();
}

Result<std::unique_ptr<Board>> Board::open(const transport::SerialPortInfo& where, std::optional<double> limit,
                                           const Timing& timing, transport::WireLog* log) {
  std::unique_ptr<Board> board(new Board(timing));
  board->light_ = std::make_unique<LightSwitch>(board->output());
  transport::ScpiSerialOptions options;
  options.terminator = ";";
  auto line =
      transport::open_scpi_serial(transport::address_of(where), {}, options, log, [b = board.get()](hal::Link now) {
        if (now != hal::Link::connected) b->generation_.fetch_add(1);
        const std::lock_guard lock(b->listen_mutex_);
        if (b->listening_) b->light_->link_changed(now);
      });
  if (!line) return std::move(line).error();
  board->line_ = *std::move(line);
  board->serial_ = where.serial;
  if (auto ok = board->introduce(); !ok) return std::move(ok).error();
  if (auto dark = board->light_->start(); !dark) return std::move(dark).error();
  if (auto ok = board->read_settings(limit); !ok) return std::move(ok).error();
  return board;
}

Result<void> Board::introduce() {
  const auto identity = ask("*IDN?");
  if (!identity || !is_spdc_driver(*identity)) {
    Error none =
        error(Code::not_found, fmt::format("{} is no SPDC driver, or another program's text is in its way", port()));
    return identity ? none : std::move(none).because(identity.error());
  }
  identity_ = *identity;
  if (serial_.empty()) serial_ = identity_;
  return {};
}

Error Board::error(Code code, std::string message) const { return {code, std::move(message), serial_, 0, {}}; }

Result<void> Board::say(std::string_view text) { return line_->command(text, {Clock::now() + timing_.reply}); }

Result<std::string> Board::ask(std::string_view question) {
  return line_->ask(question, {Clock::now() + timing_.reply});
}

/// The board says in words what it does not like, and says it late: then the next answer belongs to this question.
Result<double> Board::number(std::string_view word) {
  const auto reply = ask(query_text(word));
  if (!reply) return reply.error();
  auto value = parse_number(*reply);
  if (value) return value;
  std::this_thread::sleep_for(timing_.quiet);
  return error(Code::protocol, fmt::format("no usable reply to \"{}\"", query_text(word))).because(value.error());
}

Result<void> Board::write(std::string_view word, double value) {
  if (auto sent = say(set_text(word, value)); !sent) return sent;
  const auto now = number(word);
  if (!now)
    return error(now.error().code,
                 fmt::format("\"{}\" was sent once; whether it was taken is unknown", set_text(word, value)))
        .because(now.error());
  if (std::abs(*now - value) <= kLastDigit) return {};
  return error(Code::refused, fmt::format("{} is {} after it was set to {}", word, *now, value));
}

Result<void> Board::set(std::string_view word, double value) {
  if (auto ok = light_->ready(); !ok) return ok;
  if (auto ok = write(word, value); !ok) return ok;
  const std::lock_guard lock(wanted_mutex_);
  wanted_.insert_or_assign(std::string(word), value);
  return {};
}

Result<void> Board::read_settings(std::optional<double> limit) {
  if (limit)
    if (auto ok = write(kCurrentLimit, *limit); !ok) return ok;
  for (const char* word : {kCurrentLimit, kCrystal.set_point, kCrystal.voltage_limit, kCrystal.rate,
                           kLaserTec.set_point, kLaserTec.voltage_limit}) {
    const auto value = number(word);
    if (!value) return value.error();
    const std::lock_guard lock(wanted_mutex_);
    wanted_.insert_or_assign(word, *value);
  }
  limit_ = wanted_.at(kCurrentLimit);
  if (limit_ > 0 && limit_ <= kHighestCurrentLimit) return {};
  return error(Code::protocol,
               fmt::format("its current limit is {} mA: set it with limit= (up to {})", limit_, kHighestCurrentLimit));
}

/// On the switch's thread, after a replug, with the laser off. The loops stay as the board has them.
Result<void> Board::restore() {
  std::map<std::string, double, std::less<>> wanted;
  {
    const std::lock_guard lock(wanted_mutex_);
    wanted = wanted_;
  }
  for (const auto& [word, value] : wanted)
    if (auto ok = write(word, value); !ok) return ok;
  return {};
}

Result<void> Board::change_power(unsigned set, unsigned clear) {
  const std::lock_guard lock(power_mutex_);
  const auto reply = ask(query_text(kPower));
  if (!reply) return reply.error();
  const auto now = parse_count(*reply, kPowerThermal | kPowerLaser);
  if (!now) {
    std::this_thread::sleep_for(timing_.quiet);
    return now.error();
  }
  const unsigned wanted = (*now | set) & ~clear;
  if (wanted == *now) return {};
  if (auto sent = say(set_text(kPower, wanted)); !sent) return sent;
  const auto after = number(kPower);
  if (!after) return after.error();
  if (*after == wanted) return {};
  return error(Code::refused, fmt::format("POWER is {} after it was set to {}", *after, wanted));
}

Result<bool> Board::loop_on(const Loop& loop) {
  if (auto ok = light_->ready(); !ok) return ok.error();
  const auto on = number(loop.on);
  if (!on) return on.error();
  return *on != 0;
}

Result<void> Board::start_loop(const Loop& loop) {
  if (auto ok = light_->ready(); !ok) return ok;
  if (auto ok = write(loop.on, 1); !ok) return ok;
  return change_power(kPowerThermal, 0);
}

/// A loop that is switched off holds its last voltage: it is set to zero, too.
Result<void> Board::stop_loop(const Loop& loop, const Loop& other) {
  if (auto ok = light_->ready(); !ok) return ok;
  if (auto ok = write(loop.on, 0); !ok) return ok;
  if (auto ok = write(loop.voltage, 0); !ok) return ok;
  const auto still = number(other.on);
  if (!still) return still.error();
  return *still != 0 ? Result<void>{} : change_power(0, kPowerThermal);
}

}  // namespace nicol::s15_spdc
