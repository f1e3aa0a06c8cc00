// SPDX-License-Identifier: Apache-2.0
// Whose turn it is on the line, and who gets which reply.
#include "drivers/elliptec/bus.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <thread>

#include "drivers/elliptec/status.hpp"

namespace nicol::elliptec {
namespace {

using Clock = std::chrono::steady_clock;

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string key_of(const transport::SerialPortInfo& where) { return where.serial.empty() ? where.port : where.serial; }

Error no_reply(const std::string& request, const std::string& port) {
  return {Code::timeout,
          fmt::format("no reply to \"{}\" on {}: is the mount powered, and its address right?", request, port)};
}

/// A complaint answers every question; "ok" answers only a setting or a question for the status.
bool answers(const Reply& reply, const Bus::Wanted& wanted) {
  if (reply.address != wanted.address) return false;
  return reply.kind == wanted.kind || status_code(reply).value_or(kOk) != kOk;
}

bool ends_a_move(const Reply& reply) {
  if (reply.kind == "PO") return true;
  const auto code = status_code(reply);
  return code && *code != kOk && *code != kBusy;
}

}  // namespace

Result<std::unique_ptr<Bus>> Bus::open(const transport::SerialPortInfo& where, const Timing& timing,
                                       transport::WireLog* log) {
  std::unique_ptr<Bus> bus(new Bus(timing));
  transport::SerialBus::Options options;
  options.where = transport::address_of(where);
  options.settings.baud = 9600;
  options.on_bytes = [b = bus.get()](std::span<const std::uint8_t> bytes) {
    b->reader_.feed(bytes, [b](const Reply& reply) { b->mailbox_.deliver(reply); });
  };
  options.on_link = [b = bus.get()](hal::Link link) { b->link_changed(link); };
  options.log = log;
  options.private_input = true;  // where a mount stands is a basis and a bit
  auto serial = transport::SerialBus::open(std::move(options));
  if (!serial) return std::move(serial).error();
  bus->serial_ = *std::move(serial);
  return bus;
}

Bus::~Bus() = default;

void Bus::link_changed(hal::Link link) {
  reader_.forget();
  if (link == hal::Link::connected) return;
  generation_.fetch_add(1);
  mailbox_.fail({Code::disconnected, "the cable of the mounts was pulled: plug it in again, then home"});
}

Result<transport::Gate::Pass> Bus::take_turn(Deadline deadline) {
  if (link() != hal::Link::connected) return Error{Code::disconnected, "the line of the mounts is not connected"};
  auto turn = turn_.enter(deadline);
  if (!turn) return Error{Code::timeout, "the line of the mounts was busy all the time"};
  if (rest_until_ > deadline.at)
    return Error{Code::timeout, "the line rests after a lost reply, so that no half request is completed by the next"};
  std::this_thread::sleep_until(rest_until_);
  return turn;
}

Result<Reply> Bus::exchange(const std::string& request, Wanted wanted, Deadline deadline) {
  auto reply = mailbox_.expect([wanted](const Reply& r) { return answers(r, wanted); });
  if (auto ok = serial_->write(bytes_of(request), deadline); !ok) return ok.error();
  return reply.wait(deadline);
}

Result<Reply> Bus::ask(const std::string& request, Wanted wanted) {
  const auto longest = timing_.rest_after_silence + 4 * timing_.reply;
  const auto turn = take_turn({Clock::now() + longest});
  if (!turn) return turn.error();
  auto reply = exchange(request, wanted, {Clock::now() + timing_.reply});
  if (reply || reply.error().code != Code::timeout) return reply;
  rest_until_ = Clock::now() + timing_.rest_after_silence;
  return no_reply(request, info().port);
}

Result<std::optional<Identity>> Bus::identify(char address, std::chrono::milliseconds patience, Deadline deadline) {
  const auto turn = take_turn(deadline);
  if (!turn) return turn.error();
  const Deadline soon{std::min(deadline.at, Clock::now() + patience)};
  const auto reply = exchange(request::identify(address), {address, "IN"}, soon);
  if (!reply && reply.error().code == Code::timeout) return std::optional<Identity>{};
  if (!reply) return reply.error();
  if (const auto code = status_code(*reply))
    return Error{Code::busy, fmt::format("the mount at address {} answers status {:02X} to a question for its name",
                                         address, *code)};
  auto identity = parse_identity(*reply);
  if (!identity) return std::move(identity).error();
  return std::optional<Identity>(*std::move(identity));
}

Result<void> Bus::start_move(const std::string& request, Deadline deadline) {
  const auto turn = take_turn(deadline);
  if (!turn) return turn.error();
  return serial_->write(bytes_of(request), deadline);
}

Bus::Expectation Bus::expect_end_of_move(char address) {
  return mailbox_.expect([address](const Reply& r) { return r.address == address && ends_a_move(r); });
}

Result<Bus*> Buses::at(const transport::SerialPortInfo& where) {
  const std::string key = key_of(where);
  if (const auto it = open_.find(key); it != open_.end()) return it->second.get();
  auto bus = Bus::open(where, timing_, log_);
  if (!bus) return std::move(bus).error();
  return open_.emplace(key, *std::move(bus)).first->second.get();
}

void Buses::close_unused() {
  std::erase_if(open_, [](const auto& entry) { return entry.second->mounts.load() == 0; });
}

}  // namespace nicol::elliptec
