// SPDX-License-Identifier: Apache-2.0
#include "drivers/lectrotic/tagger.hpp"

#include <fmt/format.h>

#include "drivers/hal/properties.hpp"

namespace nicol::lectrotic {
namespace {

using namespace std::chrono_literals;

constexpr auto kAnswerWithin = 3s;
constexpr int kLongestErrorQueue = 32;

Deadline in(std::chrono::nanoseconds d) { return SteadyDeadlines().in(d); }
SteadyTime now() { return std::chrono::steady_clock::now(); }
bool is_identity(const std::string& line) { return parse_identity(line).has_value(); }
bool is_error(const std::string& line) { return parse_error(line).has_value(); }

}  // namespace

Tagger::Session::Options Tagger::session_options() const {
  Session::Options session;
  session.name = "the LectroTIC-4";
  session.where = options_.where;
  session.log = options_.log;
  session.quiet = std::string(kQuiet);
  session.restore = [](State&) { return std::string(kQuiet); };  // the next start says the settings
  session.next_command = [this](State& state, SteadyTime at) {
    const Run::Command command = state.run.next_command(at);
    if (command == Run::Command::none) return std::string();
    if (command == Run::Command::ask_identity) return std::string(kAskIdentity);
    if (options_.log != nullptr) options_.log->note(serial_, state.run.last_trouble());
    return std::string(kClearAndGo);
  };
  return session;
}

Result<std::unique_ptr<Tagger>> Tagger::open(TaggerOptions options) {
  auto queue = tags::TagQueue::create({options.ring, 256});
  if (!queue) return std::move(queue).error();
  std::unique_ptr<Tagger> tagger(new Tagger(std::move(options)));
  State state{Run(**queue), {}, {1, 1, 1, 1}};
  auto session = Session::open(tagger->session_options(), *std::move(queue), state);
  if (!session) return std::move(session).error();
  tagger->session_ = *std::move(session);
  if (auto known = tagger->identify(); !known) return std::move(known).error();
  tagger->session_->begin_minding(tagger->serial_);
  return tagger;
}

/// It streams text from the moment it has power, and records when an earlier program left it so: quiet first.
Result<void> Tagger::identify() {
  const auto control = session_->control();
  const transport::SerialPortInfo port = session_->port();
  if (auto sent = session_->send(kQuiet); !sent) return sent;
  auto reply = session_->ask(kAskIdentity, is_identity, in(kAnswerWithin));
  if (!reply)
    return error(Code::not_found,
                 fmt::format("{} does not answer *IDN? as a LectroTIC-4 does: is it another device?", port.port))
        .because(std::move(reply).error());
  firmware_ = *parse_identity(*reply);
  serial_ = port.serial.empty() ? firmware_ : port.serial;
  if (auto empty = empty_error_queue(); !empty) return empty;
  return apply_settings();
}

/// An old error would be taken for that of our settings.
Result<void> Tagger::empty_error_queue() {
  for (int i = 0; i < kLongestErrorQueue; ++i) {
    const auto reply = session_->ask(kAskError, is_error, in(kAnswerWithin));
    if (!reply) return reply.error();
    if (*parse_error(*reply) == 0) return {};
  }
  return error(Code::protocol, "the LectroTIC-4's error queue does not become empty: switch it off and on");
}

/// Under control. While a run is on, the next start says the settings.
Result<void> Tagger::apply_settings() {
  if (session_->running()) return {};
  const std::string settings = input_commands(session_->with([](const State& state) { return inputs(state); }));
  const auto reply = session_->ask(settings + std::string(kAskError), is_error, in(kAnswerWithin));
  if (!reply) return reply.error();
  if (*parse_error(*reply) == 0) return {};
  return error(Code::refused, fmt::format("the LectroTIC-4 did not take its input settings: {}", *reply));
}

Inputs Tagger::inputs(const State& state) {
  Inputs inputs;
  for (std::size_t c = 0; c < kChannels; ++c) inputs[c] = {state.channels[c].edge, state.dividers[c]};
  return inputs;
}

Result<void> Tagger::verdict(const Run& run) const {
  if (run.oscillator_failed())
    return error(Code::hardware_fault,
                 "the LectroTIC-4 has halted, its 10 MHz reference failed: connect one and press its reset");
  if (run.told_too_late())
    return error(Code::overflow,
                 "the LectroTIC-4's buffer ran over, and it said so when tags of that time had been given already: the "
                 "run's tags are not complete");
  return {};
}

Result<void> Tagger::start() {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  const auto control = session_->control();
  return session_->start([this](State& state) -> Result<std::string> {
    if (state.run.oscillator_failed()) return verdict(state.run).error();
    state.run.begin(tags::input_settings(state.channels), now());
    return start_command(inputs(state));
  });
}

Result<void> Tagger::stop() {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  const auto control = session_->control();
  if (auto ok = session_->stop([](State& state) { state.run.stopping(); }, kStopAndAsk); !ok) return ok;
  return session_->with([this](const State& state) { return verdict(state.run); });
}

hal::StreamStatus Tagger::acquire(hal::TagBlock& block, Deadline deadline) noexcept {
  return session_->queue().acquire(block, deadline);
}

Result<std::vector<double>> Tagger::count_rates() {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  return session_->with([this](State& state) -> Result<std::vector<double>> {
    if (!state.run.running()) return error(Code::refused, "the LectroTIC-4 counts while it streams: start it first");
    const auto rates = state.run.rates();
    return std::vector<double>(rates.begin(), rates.end());
  });
}

Result<std::vector<hal::SelfTestItem>> Tagger::self_test(Deadline deadline) {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  const auto control = session_->control();
  if (auto stream = session_->stream_test()) return std::vector{*std::move(stream)};
  const bool failed = session_->with([](const State& state) { return state.run.oscillator_failed(); });
  const Deadline at_most{std::min(deadline.at, in(5s).at)};
  auto name = session_->ask(kAskIdentity, is_identity, at_most);
  if (!name) return std::move(name).error();
  auto errors = session_->ask(kAskError, is_error, at_most);
  if (!errors) return std::move(errors).error();
  return std::vector<hal::SelfTestItem>{
      {"identity", true, *parse_identity(*name)},
      {"errors", *parse_error(*errors) == 0, *errors},
      {"reference", !failed, failed ? "the 10 MHz reference failed" : "no failure reported"}};
}

}  // namespace nicol::lectrotic
