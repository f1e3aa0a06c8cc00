// SPDX-License-Identifier: Apache-2.0
#include "drivers/scpi/instrument.hpp"

#include <fmt/core.h>

namespace nicol::scpi {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kLongestQueue = 32;

}  // namespace

/// Whose exchange it is. Nobody in routine is let in while an emergency waits.
class Instrument::Turn {
 public:
  Turn(Instrument& instrument, Urgency urgency) : instrument_(instrument) {
    std::unique_lock lock(instrument_.turn_mutex_);
    const bool emergency = urgency == Urgency::emergency;
    const auto rested = [&] { return emergency || Clock::now() >= instrument_.rest_until_; };
    while (!rested()) {
      const auto until = instrument_.rest_until_;
      instrument_.freed_.wait_until(lock, until);
    }
    if (emergency) ++instrument_.emergencies_;
    mine_ = instrument_.freed_.wait_until(lock, Clock::now() + instrument_.timing_.turn, [&] {
      return !instrument_.taken_ && (emergency || instrument_.emergencies_ == 0);
    });
    if (emergency) --instrument_.emergencies_;
    if (mine_) instrument_.taken_ = true;
    if (emergency && !mine_) instrument_.freed_.notify_all();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (!mine_) return;
    const std::lock_guard lock(instrument_.turn_mutex_);
    instrument_.taken_ = false;
    instrument_.freed_.notify_all();
  }
  explicit operator bool() const { return mine_; }

 private:
  Instrument& instrument_;
  bool mine_ = false;
};

Result<std::unique_ptr<Instrument>> Instrument::open(const Connect& connect, Dialect dialect, const Timing& timing) {
  std::unique_ptr<Instrument> instrument(new Instrument(std::move(dialect), timing));
  auto link = connect([i = instrument.get()](hal::Link now) { i->link_changed(now); });
  if (!link) return std::move(link).error();
  instrument->link_ = *std::move(link);
  if (auto ok = instrument->introduce(); !ok) return std::move(ok).error();
  return instrument;
}

Instrument::~Instrument() { listen({}); }

Result<void> Instrument::introduce() {
  const auto reply = ask("*IDN?");
  if (!reply) return reply.error();
  auto identity = parse_identity(*reply);
  if (!identity) return std::move(identity).error();
  identity_ = *std::move(identity);
  const Turn turn(*this, Urgency::routine);
  return empty_error_queue();
}

void Instrument::listen(Listener listener) {
  const std::lock_guard lock(listener_mutex_);
  listener_ = std::move(listener);
}

void Instrument::link_changed(hal::Link now) {
  if (now != hal::Link::connected) generation_.fetch_add(1);
  const std::lock_guard lock(listener_mutex_);
  if (listener_) listener_(now);
}

Error Instrument::error(Code code, std::string message) const {
  return {code, std::move(message), identity_.serial, 0, {}};
}

Deadline Instrument::reply_deadline() const { return {Clock::now() + timing_.reply}; }

Result<std::string> Instrument::exchange(std::string_view query) {
  if (link() == hal::Link::disconnected)
    return error(Code::disconnected, fmt::format("the cable is pulled; \"{}\" was not asked", query));
  auto reply = link_->ask(query, reply_deadline());
  if (!reply) remember_failure(reply.error());
  return reply;
}

/// The turn is held.
void Instrument::remember_failure(const Error& why) {
  stale_errors_ = true;
  if (why.code == Code::disconnected || why.code == Code::refused) return;
  const std::lock_guard lock(turn_mutex_);
  rest_until_ = Clock::now() + dialect_.rest_after_silence;
}

Result<std::string> Instrument::ask(std::string_view query, Urgency urgency) {
  const Turn turn(*this, urgency);
  if (!turn) return error(Code::timeout, fmt::format("\"{}\" was not asked: others took all the time", query));
  return exchange(query);
}

Result<double> Instrument::number(std::string_view query, Urgency urgency) {
  const auto reply = ask(query, urgency);
  if (!reply) return reply.error();
  auto value = parse_number(*reply);
  if (value) return value;
  return error(value.error().code, fmt::format("no usable reply to \"{}\"", query)).because(value.error());
}

Result<bool> Instrument::flag(std::string_view query, Urgency urgency) {
  const auto reply = ask(query, urgency);
  if (!reply) return reply.error();
  auto value = parse_flag(*reply);
  if (value) return value;
  return error(value.error().code, fmt::format("no usable reply to \"{}\"", query)).because(value.error());
}

Result<void> Instrument::set(std::string_view command, Urgency urgency) {
  const Turn turn(*this, urgency);
  if (!turn) return error(Code::timeout, fmt::format("\"{}\" was not sent: others took all the time", command));
  if (link() == hal::Link::disconnected)
    return error(Code::disconnected, fmt::format("the cable is pulled; \"{}\" was not sent", command));
  // An old error would be taken for this command's. In an emergency the command is worth more than its error.
  if (stale_errors_ && urgency == Urgency::routine)
    if (auto ok = empty_error_queue(); !ok) return ok;
  if (auto sent = link_->command(command, reply_deadline()); !sent) {
    remember_failure(sent.error());
    return sent;
  }
  return look_for_error(command);
}

Result<void> Instrument::look_for_error(std::string_view command) {
  if (dialect_.error_query.empty()) return {};
  const auto reply = exchange(dialect_.error_query);
  if (!reply)
    return error(reply.error().code, fmt::format("\"{}\" was sent once; whether it was taken is unknown", command))
        .because(reply.error());
  const auto queued = parse_queued_error(*reply);
  if (!queued) return queued.error();
  if (queued->number == 0) return {};
  stale_errors_ = true;
  Error why = refusal(*queued, command);
  why.device = identity_.serial;
  return why;
}

Result<void> Instrument::empty_error_queue() {
  if (dialect_.error_query.empty()) return {};
  for (int i = 0; i < kLongestQueue; ++i) {
    const auto reply = exchange(dialect_.error_query);
    if (!reply) return reply.error();
    const auto queued = parse_queued_error(*reply);
    if (!queued) return queued.error();
    if (queued->number != 0) continue;
    stale_errors_ = false;
    return {};
  }
  return error(Code::protocol, "its error queue does not become empty: switch it off and on");
}

}  // namespace nicol::scpi
