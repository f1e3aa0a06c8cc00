// SPDX-License-Identifier: Apache-2.0
// One question at a time; a command is followed by TE before anybody else speaks.
#include "drivers/newport/controller.hpp"

#include <fmt/core.h>

#include <thread>

namespace nicol::newport {
namespace {

using Clock = std::chrono::steady_clock;

std::string printable(const std::string& request) { return request.substr(0, request.find('\r')); }

}  // namespace

Result<std::unique_ptr<Controller>> Controller::open(const Options& options) {
  std::unique_ptr<Controller> controller(new Controller(options));
  transport::SerialBus::Options line;
  line.where = transport::address_of(options.where);
  line.settings.baud = options.baud;
  line.settings.flow = options.flow;
  line.log = options.log;
  line.private_input = true;  // where a stage stands is a basis and a bit
  line.on_bytes = [c = controller.get()](std::span<const std::uint8_t> bytes) {
    c->reader_.feed(bytes, [c](const Reply& reply) { c->mailbox_.deliver(reply); });
  };
  line.on_link = [c = controller.get()](hal::Link link) {
    c->reader_.forget();
    if (link == hal::Link::connected) return;
    c->generation_.fetch_add(1);
    c->mailbox_.fail({Code::disconnected, "the controller's cable was pulled: plug it in again, then home"});
  };
  auto serial = transport::SerialBus::open(std::move(line));
  if (!serial) return std::move(serial).error();
  controller->serial_ = *std::move(serial);
  return controller;
}

Controller::~Controller() = default;

Result<void> Controller::write(const std::string& request, Deadline deadline) {
  return serial_->write({reinterpret_cast<const std::uint8_t*>(request.data()), request.size()}, deadline);
}

Result<Reply> Controller::exchange(const std::string& request, const std::string& letters) {
  std::this_thread::sleep_until(rest_until_);
  auto expected = mailbox_.expect([&](const Reply& r) { return r.axis == options_.axis && r.command == letters; });
  const Deadline deadline{Clock::now() + options_.timing.reply};
  if (auto ok = write(request, deadline); !ok) return ok.error();
  auto reply = expected.wait(deadline);
  if (reply || reply.error().code != Code::timeout) return reply;
  rest_until_ = Clock::now() + options_.timing.rest_after_silence;
  return Error{Code::timeout,
               fmt::format("no reply to \"{}\" on {}: is the controller powered, and are axis number and "
                           "baud rate right?",
                           printable(request), info().port)};
}

Result<Reply> Controller::ask(const std::string& request, const std::string& letters) {
  const std::lock_guard turn(turn_);
  return exchange(request, letters);
}

Result<double> Controller::number(const std::string& request, const std::string& letters) {
  const auto reply = ask(request, letters);
  if (!reply) return reply.error();
  const auto value = parse_number(reply->value);
  if (value) return *value;
  return Error{Code::protocol,
               fmt::format("\"{}\" was answered with \"{}\", which is no number", printable(request), reply->value)};
}

Result<void> Controller::command(const std::string& request) {
  const std::lock_guard turn(turn_);
  // An old error would be taken for this command's: reading clears it.
  if (auto old = exchange(request::last_error(options_.axis), "TE"); !old) return old.error();
  if (auto ok = write(request, {Clock::now() + options_.timing.reply}); !ok) return ok;
  const auto reply = exchange(request::last_error(options_.axis), "TE");
  if (!reply) return reply.error();
  const auto code = parse_error_code(*reply);
  if (!code) return code.error();
  return command_result(*code, "");
}

void Controller::shout(const std::string& request, std::chrono::milliseconds patience) noexcept {
  (void)write(request, {Clock::now() + patience}).ok();
}

}  // namespace nicol::newport
