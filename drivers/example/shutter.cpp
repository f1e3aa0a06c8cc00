// SPDX-License-Identifier: Apache-2.0
#include "drivers/example/shutter.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <thread>

#include "drivers/hal/properties.hpp"

namespace nicol::example {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kWriteWithin = 50ms, kReplyWithin = 500ms;
constexpr auto kRestAfterSilence = 200ms;  // so that a late reply is not taken for the next one

}  // namespace

Result<std::unique_ptr<Shutter>> Shutter::open(transport::SerialAddress where, transport::WireLog* log) {
  std::unique_ptr<Shutter> shutter(new Shutter);
  transport::SerialBus::Options line;
  line.where = std::move(where);
  line.settings.baud = 9600;
  line.log = log;
  line.on_bytes = [s = shutter.get()](std::span<const std::uint8_t> bytes) {
    s->lines_.feed(bytes);
    while (auto reply = s->lines_.next()) s->replies_.deliver(*std::move(reply));
  };
  line.on_link = [s = shutter.get()](hal::Link link) {
    s->lines_.clear();
    if (link != hal::Link::connected) s->replies_.fail({Code::disconnected, "the shutter's cable was pulled"});
  };
  auto bus = transport::SerialBus::open(std::move(line));
  if (!bus) return std::move(bus).error();
  shutter->bus_ = *std::move(bus);

  const auto is_identity = [](const std::string& reply) { return parse_identity(reply).has_value(); };
  const auto reply = shutter->ask(kAskIdentity, is_identity, {});
  if (!reply)
    return Error{Code::not_found, fmt::format("{} holds no Example Shutter", shutter->bus_->info().port)}.because(
        reply.error());
  shutter->identity_ = *parse_identity(*reply);
  shutter->close();
  return shutter;
}

Shutter::~Shutter() {
  if (bus_) (void)send(kClose);
  bus_.reset();  // its thread uses everything here
}

hal::DeviceInfo Shutter::info() const {
  return {"example", "Example", "Shutter", identity_.serial, identity_.firmware, bus_->info().port};
}

Error Shutter::error(Code code, std::string message, int number) const {
  return {code, std::move(message), identity_.serial, number, {}};
}

Result<void> Shutter::send(std::string_view command) {
  return bus_->write({reinterpret_cast<const std::uint8_t*>(command.data()), command.size()},
                     {Clock::now() + kWriteWithin});
}

Result<std::string> Shutter::ask(std::string_view question, std::function<bool(const std::string&)> wanted,
                                 Deadline deadline) {
  const std::lock_guard turn(turn_);
  std::this_thread::sleep_until(rest_until_);
  auto expected = replies_.expect(std::move(wanted));
  if (auto sent = send(question); !sent) return std::move(sent).error();
  auto reply = expected.wait({std::min(deadline.at, Clock::now() + kReplyWithin)});
  if (reply || reply.error().code != Code::timeout) return reply;
  rest_until_ = Clock::now() + kRestAfterSilence;
  return error(Code::timeout, fmt::format("no reply to \"{}\" on {}: is the shutter powered, and is it one?",
                                          question.substr(0, question.size() - 1), bus_->info().port));
}

Result<void> Shutter::open() {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  return send(kOpen);
}

/// Waits for nobody's reply: it may be called in a hurry.
void Shutter::close() noexcept { (void)send(kClose); }

Result<hal::ShutterState> Shutter::state() {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  const auto reply = ask(kAskState, [](const std::string& line) { return parse_status(line).has_value(); }, {});
  if (!reply) return reply.error();
  const Status status = *parse_status(*reply);
  if (status.fault == 0) return status.state;
  return error(Code::hardware_fault,
               fmt::format("the shutter reports fault {}: free the blade, pull the cable and plug it in", status.fault),
               status.fault);
}

Result<std::vector<hal::SelfTestItem>> Shutter::self_test(Deadline deadline) {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  const auto is_status = [](const std::string& line) { return parse_status(line).has_value(); };
  const auto reply = ask(kAskState, is_status, deadline);
  if (!reply) return reply.error();
  return std::vector<hal::SelfTestItem>{{"blade", parse_status(*reply)->fault == 0, *reply}};
}

}  // namespace nicol::example
