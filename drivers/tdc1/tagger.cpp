// SPDX-License-Identifier: Apache-2.0
#include "drivers/tdc1/tagger.hpp"

#include <fmt/format.h>

#include "drivers/hal/properties.hpp"

namespace nicol::tdc1 {
namespace {

using namespace std::chrono_literals;

constexpr auto kIdentifyWithin = 3s;
constexpr unsigned kCountFor = 100;  // ms

Deadline in(std::chrono::nanoseconds d) { return SteadyDeadlines().in(d); }
SteadyTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

Tagger::Session::Options Tagger::session_options() const {
  Session::Options session;
  session.name = "the TDC1";
  session.where = options_.where;  // without flow control: with CRTSCTS a TDC1 sends at random
  session.log = options_.log;
  session.quiet = line(kAbort);
  session.next_command = [this](State& state, SteadyTime at) { return next_command(state, at); };
  session.restore = [this](State& state) {
    const Settings& s = state.settings;
    return line(fmt::format("abort;*RST;{};{}", level_command(s.level), clock_command(s.clock)));
  };
  return session;
}

Result<std::unique_ptr<Tagger>> Tagger::open(TaggerOptions options) {
  auto queue = tags::TagQueue::create({options.ring, 256});
  if (!queue) return std::move(queue).error();
  std::unique_ptr<Tagger> tagger(new Tagger(std::move(options)));
  const TaggerOptions& o = tagger->options_;
  State state{Run(**queue), {o.level, o.clock, o.watch, {}}};
  auto session = Session::open(tagger->session_options(), *std::move(queue), state);
  if (!session) return std::move(session).error();
  tagger->session_ = *std::move(session);
  if (auto known = tagger->identify(); !known) return std::move(known).error();
  tagger->session_->begin_minding(tagger->serial_);
  return tagger;
}

/// A TDC1 that an earlier program left streaming is made quiet first.
Result<void> Tagger::identify() {
  const auto control = session_->control();
  const transport::SerialPortInfo port = session_->port();
  if (auto sent = session_->send(line(kAbort)); !sent) return sent;
  auto reply = ask("*IDN?", is_tdc1, in(kIdentifyWithin));
  if (!reply)
    return error(Code::not_found, fmt::format("{} does not answer *IDN? as a TDC1 does: is it another device, or one "
                                              "that needs terminator=twice?",
                                              port.port))
        .because(std::move(reply).error());
  firmware_ = *std::move(reply);
  serial_ = port.serial.empty() ? firmware_ : port.serial;
  return apply_settings();
}

/// While a run is on, the next start says them.
Result<void> Tagger::apply_settings() {
  const std::string command = session_->with([this](const State& state) {
    const Settings& s = state.settings;
    if (state.run.running()) return std::string();
    return line(fmt::format("*RST;{};{}", level_command(s.level), clock_command(s.clock)));
  });
  if (command.empty()) return {};
  return session_->send_in_turn(command);
}

Result<std::string> Tagger::ask(std::string_view command, Session::Wanted wanted, Deadline deadline) {
  return session_->ask(line(command), std::move(wanted), deadline);
}

std::string Tagger::next_command(State& state, SteadyTime at) const {
  switch (state.run.next_command(at)) {
    case Run::Command::none:
      break;
    case Run::Command::ask_status:
      return line("status?");
    case Run::Command::flush:
      return line("INPKT");
    case Run::Command::give_up:
      if (options_.log != nullptr) options_.log->note(serial_, state.run.last_trouble());
      return line(kStopAndAsk);
    case Run::Command::start:
      return line(start_command(state.settings.level, state.settings.clock));
  }
  return {};
}

Result<void> Tagger::start() {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  const auto control = session_->control();
  return session_->start([this](State& state) -> Result<std::string> {
    const Settings& s = state.settings;
    state.run.begin(tags::input_settings(s.channels), s.watch, now());
    return line(start_command(s.level, s.clock));
  });
}

Result<void> Tagger::stop() {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  const auto control = session_->control();
  if (auto ok = session_->stop([](State& state) { state.run.stopping(now()); }, line(kStopAndAsk)); !ok) return ok;
  if (session_->with([](const State& state) { return state.run.overflow_at_stop(); }))
    return error(Code::overflow,
                 "the TDC1's FIFO ran over at some time of this run, which it tells at the stop only: "
                 "the run's tags are not complete");
  return {};
}

hal::StreamStatus Tagger::acquire(hal::TagBlock& block, Deadline deadline) noexcept {
  return session_->queue().acquire(block, deadline);
}

Result<std::vector<double>> Tagger::count_rates() {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  const auto control = session_->control();
  std::vector<double> rates = session_->with([](State& state) {
    if (!state.run.running()) return std::vector<double>();
    const auto since = state.run.rates();
    return std::vector<double>(since.begin(), since.end());
  });
  if (!rates.empty()) return rates;
  const auto reply = ask(
      singles_command(kCountFor), [](const std::string& l) { return parse_singles(l).has_value(); },
      in(std::chrono::milliseconds(kCountFor) + 1s));
  if (!reply) return reply.error();
  const auto counts = parse_singles(*reply);
  for (const std::uint64_t count : *counts) rates.push_back(static_cast<double>(count) * 1000 / kCountFor);
  return rates;
}

Result<std::vector<hal::SelfTestItem>> Tagger::self_test(Deadline deadline) {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  const auto control = session_->control();
  if (auto stream = session_->stream_test()) return std::vector{*std::move(stream)};
  const Deadline at_most{std::min(deadline.at, in(5s).at)};
  auto name = ask("*IDN?", is_tdc1, at_most);
  if (!name) return std::move(name).error();
  auto status = ask(
      "status?", [](const std::string& l) { return parse_status(l).has_value(); }, at_most);
  if (!status) return std::move(status).error();
  auto level = ask(
      "level?", [](const std::string& l) { return parse_volts(l).has_value(); }, at_most);
  if (!level) return std::move(level).error();
  const bool clean = (*parse_status(*status) & kFifoOverflow) == 0;
  return std::vector<hal::SelfTestItem>{{"identity", true, *name}, {"fifo", clean, *status}, {"level", true, *level}};
}

}  // namespace nicol::tdc1
