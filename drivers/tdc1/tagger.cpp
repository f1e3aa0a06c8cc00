// SPDX-License-Identifier: Apache-2.0
// Threads: the bus's thread feeds the run; the minder sends what the run asks for; callers start, stop and acquire.
#include "drivers/tdc1/tagger.hpp"

#include <fmt/format.h>

#include "drivers/hal/properties.hpp"

namespace nicol::tdc1 {
namespace {

using namespace std::chrono_literals;

constexpr auto kWriteWithin = 200ms, kIdentifyWithin = 1000ms, kStopWithin = 1000ms, kMindEvery = 10ms;
constexpr std::size_t kLongestLine = 256;
constexpr unsigned kCountFor = 100;  // ms

Deadline in(std::chrono::nanoseconds d) { return SteadyDeadlines().in(d); }
SteadyTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

Tagger::Tagger(TaggerOptions options, std::unique_ptr<tags::TagQueue> queue)
    : options_(std::move(options)), queue_(std::move(queue)), run_(*queue_) {
  settings_.level = options_.level;
  settings_.clock = options_.clock;
  settings_.watch = options_.watch;
}

Tagger::~Tagger() {
  minder_.request_stop();
  if (minder_.joinable()) minder_.join();
  if (bus_ && running()) (void)send(kAbort);
  bus_.reset();  // its thread uses everything here
}

Result<std::unique_ptr<Tagger>> Tagger::open(TaggerOptions options) {
  auto queue = tags::TagQueue::create({options.ring, 256});
  if (!queue) return std::move(queue).error();
  std::unique_ptr<Tagger> tagger(new Tagger(std::move(options), *std::move(queue)));
  transport::SerialBus::Options bus;
  bus.where = tagger->options_.where;
  bus.settings.flow = transport::FlowControl::none;  // with CRTSCTS a TDC1 sends at random
  bus.on_bytes = [t = tagger.get()](std::span<const std::uint8_t> bytes) { t->on_bytes(bytes); };
  bus.on_link = [t = tagger.get()](hal::Link link) { t->on_link(link); };
  bus.log = tagger->options_.log;
  bus.private_input = true;  // tags are raw key material
  auto opened = transport::SerialBus::open(std::move(bus));
  if (!opened) return std::move(opened).error();
  tagger->bus_ = *std::move(opened);
  if (auto known = tagger->identify(); !known) return std::move(known).error();
  tagger->minder_ = std::jthread([t = tagger.get()](const std::stop_token& stop) { t->mind(stop); });
  return tagger;
}

/// A TDC1 that an earlier program left streaming is made quiet first.
Result<void> Tagger::identify() {
  const std::lock_guard control(control_mutex_);
  serial_ = bus_->info().serial;
  if (auto sent = send(kAbort); !sent) return sent;
  auto reply = ask("*IDN?", is_tdc1, in(kIdentifyWithin));
  if (!reply)
    return error(Code::not_found, fmt::format("{} does not answer *IDN? as a TDC1 does: is it another device, or one "
                                              "that needs terminator=twice?",
                                              bus_->info().port))
        .because(std::move(reply).error());
  firmware_ = *std::move(reply);
  if (serial_.empty()) serial_ = firmware_;
  return apply_settings();
}

Result<void> Tagger::apply_settings() {
  std::string command;
  {
    const std::lock_guard lock(mutex_);
    if (run_.running()) return {};  // the next start says them
    command = fmt::format("*RST;{};{}", level_command(settings_.level), clock_command(settings_.clock));
  }
  const std::lock_guard sending(sending_mutex_);
  return send(command);
}

Error Tagger::error(Code code, std::string message) const { return {code, std::move(message), serial_, 0, {}}; }

bool Tagger::running() const {
  const std::lock_guard lock(mutex_);
  return run_.running();
}

void Tagger::on_bytes(std::span<const std::uint8_t> bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (!run_.running()) return text(bytes);
    run_.feed(bytes, now());
    if (run_.running()) return;
  }
  changed_.notify_all();
}

void Tagger::text(std::span<const std::uint8_t> bytes) {
  for (const std::uint8_t byte : bytes) {
    const char c = static_cast<char>(byte);
    if (c != '\n') {
      if (line_.size() == kLongestLine) line_.clear();
      line_.push_back(c);
      continue;
    }
    (void)replies_.deliver(std::exchange(line_, {}));
  }
}

void Tagger::on_link(hal::Link link) {
  {
    const std::lock_guard lock(mutex_);
    line_.clear();
    if (link == hal::Link::connected) {
      queue_->end(hal::StreamStatus::stopped);
      restore_ = true;
    } else {
      run_.unplugged();
    }
  }
  link_ = link;
  if (link != hal::Link::connected) replies_.fail({Code::disconnected, "the TDC1 was unplugged", "", 0, {}});
  changed_.notify_all();
}

Result<void> Tagger::send(std::string_view command) {
  const std::string text = line(command, options_.terminator);
  std::vector<std::uint8_t> bytes(text.begin(), text.end());
  return bus_->write(bytes, in(kWriteWithin));
}

/// Under control_mutex_, while no run is on.
Result<std::string> Tagger::ask(std::string_view command, std::function<bool(const std::string&)> wanted,
                                Deadline deadline) {
  auto expected = replies_.expect(std::move(wanted));
  {
    const std::lock_guard sending(sending_mutex_);
    if (auto sent = send(command); !sent) return std::move(sent).error();
  }
  auto reply = expected.wait(deadline);
  if (!reply) return error(reply.error().code, fmt::format("{}: {}", command, reply.error().message));
  return reply;
}

void Tagger::mind(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    mind_once();
    std::unique_lock lock(mutex_);
    if (run_.running())
      (void)changed_.wait_for(lock, stop, kMindEvery, [this] { return restore_; });
    else
      (void)changed_.wait(lock, stop, [this] { return restore_ || run_.running(); });
  }
}

void Tagger::mind_once() {
  const std::lock_guard sending(sending_mutex_);
  std::string command;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(restore_, false)) {
      command = fmt::format("abort;*RST;{};{}", level_command(settings_.level), clock_command(settings_.clock));
    } else {
      switch (run_.next_command(now())) {
        case Run::Command::none:
          return;
        case Run::Command::ask_status:
          command = "status?";
          break;
        case Run::Command::flush:
          command = "INPKT";
          break;
        case Run::Command::give_up:
          if (options_.log != nullptr) options_.log->note(serial_, run_.last_trouble());
          command = kStopAndAsk;
          break;
        case Run::Command::start:
          command = start_command(settings_.level, settings_.clock);
          break;
      }
    }
  }
  (void)send(command);  // a line that fails is seen by the bus, or by the silence that follows
}

Software Tagger::software() const {
  Software s;
  for (std::size_t c = 0; c < kChannels; ++c) {
    s.enabled[c] = settings_.channels[c].enabled;
    s.delay_ticks[c] = settings_.channels[c].delay_ticks;
  }
  return s;
}

Result<void> Tagger::start() {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::lock_guard control(control_mutex_);
  const std::lock_guard sending(sending_mutex_);
  std::string command;
  {
    const std::lock_guard lock(mutex_);
    if (run_.running()) return error(Code::busy, "the TDC1 is running already: stop it first");
    restore_ = false;  // the start resets it, too; a reset later would undo the start
    run_.begin(software(), settings_.watch, now());
    command = start_command(settings_.level, settings_.clock);
  }
  auto sent = send(command);
  if (!sent) {
    const std::lock_guard lock(mutex_);
    run_.stop_unanswered();
    return sent;
  }
  changed_.notify_all();
  return {};
}

Result<void> Tagger::stop() {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::lock_guard control(control_mutex_);
  {
    const std::lock_guard sending(sending_mutex_);
    {
      const std::lock_guard lock(mutex_);
      if (!run_.running()) return {};
      run_.stopping(now());
    }
    if (auto sent = send(kStopAndAsk); !sent) return sent;
  }
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kStopWithin, [this] { return !run_.running(); })) {
    run_.stop_unanswered();
    return error(Code::timeout,
                 "the TDC1 did not answer the stop: what it had not confirmed by then is given as lost, "
                 "and whether its FIFO ran over is not known");
  }
  if (run_.overflow_at_stop())
    return error(Code::overflow,
                 "the TDC1's FIFO ran over at some time of this run, which it tells at the stop only: "
                 "the run's tags are not complete");
  return {};
}

hal::StreamStatus Tagger::acquire(hal::TagBlock& block, Deadline deadline) noexcept {
  return queue_->acquire(block, deadline);
}

Result<std::vector<double>> Tagger::count_rates() {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::lock_guard control(control_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (run_.running()) {
      const auto rates = run_.rates();
      return std::vector<double>(rates.begin(), rates.end());
    }
  }
  const auto reply = ask(
      singles_command(kCountFor), [](const std::string& l) { return parse_singles(l).has_value(); },
      in(std::chrono::milliseconds(kCountFor) + 1s));
  if (!reply) return reply.error();
  std::vector<double> rates;
  const auto counts = parse_singles(*reply);
  for (const std::uint64_t count : *counts) rates.push_back(static_cast<double>(count) * 1000 / kCountFor);
  return rates;
}

Result<std::vector<hal::SelfTestItem>> Tagger::self_test(Deadline deadline) {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::lock_guard control(control_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (run_.running())
      return std::vector<hal::SelfTestItem>{
          {"stream", run_.restarts() == 0, fmt::format("{} restarts; {}", run_.restarts(), run_.last_trouble())}};
  }
  const Deadline at_most{std::min(deadline.at, in(2s).at)};
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
