// SPDX-License-Identifier: Apache-2.0
// The traffic with one controller. Nothing that moves is ever sent twice.
#include "drivers/apt/controller.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

namespace nicol::apt {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// A message takes 2 ms on the line; more than 80 would be too late for safe_state().
constexpr auto kReply = 500ms, kWrite = 80ms, kStopping = 1000ms, kTryAgain = 250ms;
constexpr auto kRound = 50ms;  // of the thread that keeps things alive
// A controller falls silent after about 50 reports without a "server alive", and wants one a second.
constexpr int kReportsAnAlive = 8;
constexpr auto kAlive = 400ms, kReportsStopped = 1000ms;
constexpr auto kMidPacket = 100ms;  // a packet takes 2 ms on the line: its rest will not come any more

Deadline in(Clock::duration d) { return {Clock::now() + d}; }

bool counts_as_report(Id id) {
  return id == Id::mot_get_status || id == Id::mot_get_dc_status || id == Id::mot_get_status_bits ||
         id == Id::mot_move_completed || id == Id::mot_stopped;
}

std::int32_t tolerance_counts(const Model& model) {
  const double degrees = std::max(3 * model.repeatability, model.resolution);
  return std::max<std::int32_t>(1, static_cast<std::int32_t>(degrees * model.counts_per_degree));
}

std::vector<Channel> channels_of(const Model& model, const std::string& serial) {
  const int count = std::popcount(model.channels);
  return std::vector<Channel>(static_cast<std::size_t>(count),
                              Channel(tolerance_counts(model), model.counts_per_degree, serial));
}

/// The channel a reply is about; 0 where it has none.
unsigned channel_in(const Packet& packet) {
  if (const auto report = report_of(packet)) return report->channel;
  return 0;
}

}  // namespace

/// Must not outlive the controller.
class Controller::Move final : public hal::MotionState {
 public:
  Move(Controller& controller, std::size_t channel, std::uint64_t number)
      : controller_(&controller), channel_(channel), number_(number) {}

  Result<void> wait(Deadline deadline, std::stop_token stop) override {
    std::unique_lock lock(controller_->mutex_);
    const auto ended = [&] { return outcome().result.has_value(); };
    if (deadline.at == Deadline{}.at)
      controller_->changed_.wait(lock, stop, ended);
    else
      controller_->changed_.wait_until(lock, stop, deadline.at, ended);
    if (ended()) return *outcome().result;
    const std::string& serial = controller_->options_.serial;
    if (stop.stop_requested())
      return Error{Code::cancelled, "waiting for the move was cancelled; it goes on", serial, 0, {}};
    return Error{Code::timeout, "the move had not ended by its deadline; it goes on", serial, 0, {}};
  }
  bool done() const noexcept override {
    const std::lock_guard lock(controller_->mutex_);
    return outcome().result.has_value();
  }

 private:
  MoveOutcome outcome() const { return controller_->channels_[channel_].outcome(number_); }
  Controller* controller_;
  std::size_t channel_;
  std::uint64_t number_;
};

Controller::Controller(ControllerOptions options)
    : options_(std::move(options)), model_(options_.model), channels_(channels_of(*options_.model, options_.serial)) {}

Result<std::unique_ptr<Controller>> Controller::open(ControllerOptions options) {
  std::unique_ptr<Controller> controller(new Controller(std::move(options)));
  if (auto started = controller->start(); !started) return std::move(started).error();
  return controller;
}

Result<void> Controller::start() {
  transport::SerialBus::Options bus;
  bus.where = transport::address_of(options_.port);
  bus.settings.baud = 115'200;
  bus.settings.flow = transport::FlowControl::rts_cts;
  bus.settings.settle = options_.settle;
  bus.on_bytes = [this](std::span<const std::uint8_t> bytes) { heard(bytes); };
  bus.on_link = [this](hal::Link link) { linked(link); };
  bus.log = options_.log;
  bus.private_input = options_.family == Family::rotation_stage;  // where a mount stands is a basis and a bit
  auto opened = transport::SerialBus::open(std::move(bus));
  if (!opened) return std::move(opened).error();
  bus_ = *std::move(opened);
  if (auto known = introduce(); !known) return known;
  become_ready();
  keeper_ = std::jthread([this](const std::stop_token& stop) { look_after(stop); });
  return {};
}

/// Else the next host would find a 10 Hz stream that nobody asked for.
Controller::~Controller() {
  keeper_ = {};
  if (bus_ == nullptr) return;
  (void)transmit(request(Id::hw_stop_updates));
  (void)transmit(request(Id::hw_disconnect));
}

Result<void> Controller::introduce() {
  for (const Id id : {Id::hw_no_flash_programming, Id::hw_stop_updates})
    if (auto sent = transmit(request(id)); !sent) return sent;
  Result<Packet> reply = ask(request(Id::hw_req_info), Id::hw_get_info);
  if (!reply && reply.error().code == Code::timeout) reply = ask(request(Id::hw_req_info), Id::hw_get_info);
  if (!reply) return std::move(reply).error();
  const HardwareInfo info = *info_of(*reply);
  const Model* model = model_named(info.model);
  if (model == nullptr || model->family != options_.family)
    return Error{Code::not_supported,
                 fmt::format("the controller says it is a \"{}\"; this driver knows {} (as {})", info.model,
                             known_models(), hal::to_string(kind_of(options_.family))),
                 options_.serial,
                 0,
                 {}};
  if (info.serial != 0 && std::to_string(info.serial) != options_.serial)
    return Error{
        Code::not_found,
        fmt::format("the controller's own serial number is {}, the adapter's {}", info.serial, options_.serial),
        options_.serial,
        0,
        {}};
  {
    const std::lock_guard lock(mutex_);
    model_ = model;
    info_ = {"apt", "Thorlabs", info.model, options_.serial, info.firmware, {}};
    last_report_ = last_alive_ = Clock::now();
    unacknowledged_ = 0;
  }
  for (const Packet& packet :
       {request(Id::mot_ack_status), enable_channels(model->channels), request(Id::hw_start_updates)})
    if (auto sent = transmit(packet); !sent) return sent;
  return {};
}

hal::DeviceInfo Controller::info() const {
  hal::DeviceInfo info;
  {
    const std::lock_guard lock(mutex_);
    info = info_;
  }
  info.port = bus_->info().port;
  return info;
}

void Controller::on_return(std::function<Result<void>()> restore) {
  const std::lock_guard lock(mutex_);
  restore_ = std::move(restore);
}

Error Controller::gone() const {
  return {Code::disconnected, fmt::format("apt {} is not connected", options_.serial), options_.serial, 0, {}};
}

Result<void> Controller::transmit(const Packet& packet) { return bus_->write(encode(packet), in(kWrite)); }

Result<void> Controller::send(const Packet& packet) { return transmit(packet); }

Result<Packet> Controller::ask(const Packet& packet, Id reply) {
  auto expected = mailbox_.expect([reply, channel = packet.p1](const Packet& heard) {
    const unsigned about = channel_in(heard);
    return heard.id == reply && (about == 0 || about == channel);
  });
  // A controller that has gone quiet would not answer: the "server alive" goes in front, in one write.
  std::vector<std::uint8_t> bytes = encode(request(Id::mot_ack_status));
  std::ranges::copy(encode(packet), std::back_inserter(bytes));
  if (auto sent = bus_->write(bytes, in(kWrite)); !sent) return std::move(sent).error();
  Result<Packet> answer = expected.wait(in(kReply));
  if (answer || answer.error().code != Code::timeout) return answer;
  return Error{
      Code::timeout,
      fmt::format("no reply to message 0x{:04x} within {} ms: check that the controller is powered, and that no "
                  "other program (Kinesis) holds it",
                  static_cast<unsigned>(packet.id), std::chrono::milliseconds(kReply).count()),
      options_.serial,
      0,
      {}};
}

Result<Report> Controller::status(std::size_t channel) {
  const Result<Packet> reply =
      ask(request(model_.load()->status_request, channel_bit(channel)), model_.load()->status_reply);
  if (!reply) return reply.error();
  const auto report = report_of(*reply);
  if (!report) return Error{Code::protocol, "a report without data", options_.serial, 0, {}};
  return *report;
}

Result<hal::Motion> Controller::move(std::size_t channel, Channel::Goal goal, std::int32_t target) {
  const std::lock_guard one_at_a_time(move_mutex_);
  std::uint64_t number = 0;
  {
    std::unique_lock lock(mutex_);
    Channel& axis = channels_[channel];
    if (axis.stop_asked()) changed_.wait_for(lock, kStopping, [&] { return !axis.running(); });
    if (axis.running())
      return Error{Code::busy, "the last move has not ended: wait for it, or stop it", options_.serial, 0, {}};
    number = axis.begin(goal, target, Clock::now());
  }
  const std::uint8_t bit = channel_bit(channel);
  const Packet command = goal == Channel::Goal::home ? request(Id::mot_move_home, bit) : move_absolute(bit, target);
  if (auto sent = transmit(command); !sent) {
    const std::lock_guard lock(mutex_);
    channels_[channel].abandon(sent.error());
    return std::move(sent).error();
  }
  return hal::Motion(std::make_unique<Move>(*this, channel, number));
}

Result<void> Controller::stop(std::size_t channel, StopKind kind) {
  {
    const std::lock_guard lock(mutex_);
    channels_[channel].stopping();
  }
  return transmit(move_stop(channel_bit(channel), kind));
}

Controller::Totals Controller::totals(std::size_t channel) const {
  const std::lock_guard lock(mutex_);
  const Channel& axis = channels_[channel];
  return {axis.running(), axis.fault(), axis.is_homed(), axis.moves(), axis.counts_moved()};
}

std::optional<FaultReport> Controller::last_fault() const {
  const std::lock_guard lock(mutex_);
  return last_fault_;
}

void Controller::heard(std::span<const std::uint8_t> bytes) {
  const auto now = Clock::now();
  if (parser_.partial() && now - last_bytes_ > kMidPacket) parser_.forget_partial();
  last_bytes_ = now;
  parser_.push(bytes);
  while (auto packet = parser_.next()) take(*packet);
}

void Controller::take(const Packet& packet) {
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (counts_as_report(packet.id)) {
      ++unacknowledged_;
      last_report_ = now;
    }
    if (const auto report = report_of(packet)) {
      const auto channel = static_cast<std::size_t>(std::countr_zero(report->channel));
      if (std::has_single_bit(report->channel) && channel < channels_.size()) {
        channels_[channel].report(*report, packet.id, now);
        if (packet.id == Id::mot_move_completed || packet.id == Id::mot_stopped) read_back_ |= channel_bit(channel);
      }
    } else if (packet.id == Id::mot_homed && std::has_single_bit(packet.p1)) {
      const auto channel = static_cast<std::size_t>(std::countr_zero(packet.p1));
      if (channel < channels_.size()) channels_[channel].homed(now);
      read_back_ |= packet.p1;
    } else if (const auto fault = fault_of(packet)) {
      last_fault_ = fault;
      for (Channel& channel : channels_) channel.complained(*fault);
    }
    changed_.notify_all();
  }
  mailbox_.deliver(packet);
}

void Controller::linked(hal::Link link) {
  if (link == hal::Link::connected) {
    const std::lock_guard lock(mutex_);
    back_ = true;
    changed_.notify_all();
    return;
  }
  const Error error = gone();
  parser_.forget_partial();
  {
    const std::lock_guard lock(mutex_);
    ready_ = back_ = false;
    for (Channel& channel : channels_) channel.lost(error);
    changed_.notify_all();
  }
  mailbox_.fail(error);
}

/// Unless the cable went meanwhile: linked() takes the same lock after the bus has said so.
void Controller::become_ready() {
  const std::lock_guard lock(mutex_);
  ready_ = bus_->link() == hal::Link::connected;
}

void Controller::look_after(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    bool back = false;
    std::uint8_t read_back = 0;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, kRound,
                        [&] { return back_ || read_back_ != 0 || unacknowledged_ >= kReportsAnAlive; });
      for (Channel& channel : channels_) channel.look(Clock::now());
      back = std::exchange(back_, false);
      read_back = std::exchange(read_back_, std::uint8_t{0});
      changed_.notify_all();
    }
    if (stop.stop_requested()) return;
    if (back) come_back(stop);
    if (!ready_) continue;
    keep_alive(Clock::now());
    for (std::size_t channel = 0; channel < 8; ++channel)
      if ((read_back & channel_bit(channel)) != 0)
        (void)transmit(request(model_.load()->status_request, channel_bit(channel)));
  }
}

void Controller::keep_alive(Channel::Time now) {
  bool alive = false, restart = false;
  {
    const std::lock_guard lock(mutex_);
    alive = unacknowledged_ >= kReportsAnAlive || now - last_alive_ >= kAlive;
    restart = now - last_report_ >= kReportsStopped;
    if (alive) unacknowledged_ = 0, last_alive_ = now;
    if (restart) last_report_ = now;
  }
  if (alive) (void)transmit(request(Id::mot_ack_status));
  if (restart) (void)transmit(request(Id::hw_start_updates));
}

/// The cable is back: the controller is spoken to as at first, and gets its settings again. It is not homed by that.
void Controller::come_back(const std::stop_token& stop) {
  std::function<Result<void>()> restore;
  {
    const std::lock_guard lock(mutex_);
    restore = restore_;
  }
  Result<void> done = introduce();
  if (done && restore) done = restore();
  if (done) {
    become_ready();
    return;
  }
  if (options_.log != nullptr) options_.log->note(options_.port.port, describe(done.error()));
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, kTryAgain, [] { return false; });
  if (bus_->link() == hal::Link::connected) back_ = true;  // it may still be starting up
}

}  // namespace nicol::apt
