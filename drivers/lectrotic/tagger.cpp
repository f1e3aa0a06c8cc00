// SPDX-License-Identifier: Apache-2.0
// Threads: the bus's thread feeds the run; the minder sends what the run asks for; callers start, stop and acquire.
#include "drivers/lectrotic/tagger.hpp"

#include <fmt/format.h>

#include "drivers/hal/properties.hpp"

namespace nicol::lectrotic {
namespace {

using namespace std::chrono_literals;

constexpr auto kWriteWithin = 200ms, kAnswerWithin = 1000ms, kStopWithin = 1000ms, kMindEvery = 10ms;
constexpr std::size_t kLongestLine = 256;
constexpr int kLongestErrorQueue = 32;

Deadline in(std::chrono::nanoseconds d) { return SteadyDeadlines().in(d); }
SteadyTime now() { return std::chrono::steady_clock::now(); }
bool is_identity(const std::string& line) { return parse_identity(line).has_value(); }
bool is_error(const std::string& line) { return parse_error(line).has_value(); }

}  // namespace

Tagger::Tagger(TaggerOptions options, std::unique_ptr<tags::TagQueue> queue)
    : options_(std::move(options)), queue_(std::move(queue)), run_(*queue_) {}

Tagger::~Tagger() {
  minder_.request_stop();
  if (minder_.joinable()) minder_.join();
  if (bus_ && running()) (void)send(kQuiet);
  bus_.reset();  // its thread uses everything here
}

Result<std::unique_ptr<Tagger>> Tagger::open(TaggerOptions options) {
  auto queue = tags::TagQueue::create({options.ring, 256});
  if (!queue) return std::move(queue).error();
  std::unique_ptr<Tagger> tagger(new Tagger(std::move(options), *std::move(queue)));
  transport::SerialBus::Options bus;
  bus.where = tagger->options_.where;
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

/// It streams text from the moment it has power, and records when an earlier program left it so: quiet first.
Result<void> Tagger::identify() {
  const std::lock_guard control(control_mutex_);
  serial_ = bus_->info().serial;
  if (auto sent = send(kQuiet); !sent) return sent;
  auto reply = ask(kAskIdentity, is_identity, in(kAnswerWithin));
  if (!reply)
    return error(Code::not_found, fmt::format("{} does not answer *IDN? as a LectroTIC-4 does: is it another device?",
                                              bus_->info().port))
        .because(std::move(reply).error());
  firmware_ = *parse_identity(*reply);
  if (serial_.empty()) serial_ = firmware_;
  if (auto empty = empty_error_queue(); !empty) return empty;
  return apply_settings();
}

/// An old error would be taken for that of our settings.
Result<void> Tagger::empty_error_queue() {
  for (int i = 0; i < kLongestErrorQueue; ++i) {
    const auto reply = ask(kAskError, is_error, in(kAnswerWithin));
    if (!reply) return reply.error();
    if (*parse_error(*reply) == 0) return {};
  }
  return error(Code::protocol, "the LectroTIC-4's error queue does not become empty: switch it off and on");
}

/// Under control_mutex_. While a run is on, the next start says the settings.
Result<void> Tagger::apply_settings() {
  if (running()) return {};
  const std::string settings = input_commands(inputs());
  const auto reply = ask(settings + std::string(kAskError), is_error, in(kAnswerWithin));
  if (!reply) return reply.error();
  if (*parse_error(*reply) == 0) return {};
  return error(Code::refused, fmt::format("the LectroTIC-4 did not take its input settings: {}", *reply));
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
  if (link != hal::Link::connected) replies_.fail({Code::disconnected, "the LectroTIC-4 was unplugged", "", 0, {}});
  changed_.notify_all();
}

Result<void> Tagger::send(std::string_view text) {
  return bus_->write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, in(kWriteWithin));
}

/// Under control_mutex_, while no run is on.
Result<std::string> Tagger::ask(std::string_view text, std::function<bool(const std::string&)> wanted,
                                Deadline deadline) {
  auto expected = replies_.expect(std::move(wanted));
  {
    const std::lock_guard lock(mutex_);
    line_.clear();  // what the end of a stream may have left
  }
  {
    const std::lock_guard sending(sending_mutex_);
    if (auto sent = send(text); !sent) return std::move(sent).error();
  }
  auto reply = expected.wait(deadline);
  if (reply) return reply;
  const auto question = text.substr(text.rfind('\n', text.size() - 2) + 1);
  return error(reply.error().code,
               fmt::format("{}: {}", question.substr(0, question.size() - 1), reply.error().message));
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
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(restore_, false)) {
      text = std::string(kQuiet);  // the next start says the settings
    } else {
      const Run::Command command = run_.next_command(now());
      if (command == Run::Command::none) return;
      if (command == Run::Command::clear && options_.log != nullptr) options_.log->note(serial_, run_.last_trouble());
      text = std::string(command == Run::Command::clear ? kClearAndGo : kAskIdentity);
    }
  }
  (void)send(text);  // a line that fails is seen by the bus, or by the silence that follows
}

Inputs Tagger::inputs() const {
  const std::lock_guard lock(mutex_);
  Inputs inputs;
  for (std::size_t c = 0; c < kChannels; ++c) inputs[c] = {channels_[c].edge, dividers_[c]};
  return inputs;
}

Software Tagger::software() const {
  Software s;
  for (std::size_t c = 0; c < kChannels; ++c) {
    s.enabled[c] = channels_[c].enabled;
    s.delay_ticks[c] = channels_[c].delay_ticks;
  }
  return s;
}

Result<void> Tagger::verdict() const {
  if (run_.oscillator_failed())
    return error(Code::hardware_fault,
                 "the LectroTIC-4 has halted, its 10 MHz reference failed: connect one and press its reset");
  if (run_.told_too_late())
    return error(Code::overflow,
                 "the LectroTIC-4's buffer ran over, and it said so when tags of that time had been given already: the "
                 "run's tags are not complete");
  return {};
}

Result<void> Tagger::start() {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::lock_guard control(control_mutex_);
  const std::string command = start_command(inputs());
  const std::lock_guard sending(sending_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (run_.running()) return error(Code::busy, "the LectroTIC-4 is running already: stop it first");
    if (run_.oscillator_failed()) return verdict();
    restore_ = false;  // the start quiets it, too; later it would undo the start
    run_.begin(software(), now());
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
      if (!run_.running()) return verdict();
      run_.stopping();
    }
    if (auto sent = send(kStopAndAsk); !sent) return sent;
  }
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kStopWithin, [this] { return !run_.running(); })) {
    run_.stop_unanswered();
    return error(Code::timeout, "the LectroTIC-4 did not answer the stop: is its cable sound? It may go on streaming");
  }
  return verdict();
}

hal::StreamStatus Tagger::acquire(hal::TagBlock& block, Deadline deadline) noexcept {
  return queue_->acquire(block, deadline);
}

Result<std::vector<double>> Tagger::count_rates() {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::lock_guard lock(mutex_);
  if (!run_.running()) return error(Code::refused, "the LectroTIC-4 counts while it streams: start it first");
  const auto rates = run_.rates();
  return std::vector<double>(rates.begin(), rates.end());
}

Result<std::vector<hal::SelfTestItem>> Tagger::self_test(Deadline deadline) {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::lock_guard control(control_mutex_);
  bool failed = false;
  {
    const std::lock_guard lock(mutex_);
    if (run_.running())
      return std::vector<hal::SelfTestItem>{
          {"stream", run_.restarts() == 0, fmt::format("{} restarts; {}", run_.restarts(), run_.last_trouble())}};
    failed = run_.oscillator_failed();
  }
  const Deadline at_most{std::min(deadline.at, in(2s).at)};
  auto name = ask(kAskIdentity, is_identity, at_most);
  if (!name) return std::move(name).error();
  auto errors = ask(kAskError, is_error, at_most);
  if (!errors) return std::move(errors).error();
  return std::vector<hal::SelfTestItem>{
      {"identity", true, *parse_identity(*name)},
      {"errors", *parse_error(*errors) == 0, *errors},
      {"reference", !failed, failed ? "the 10 MHz reference failed" : "no failure reported"}};
}

}  // namespace nicol::lectrotic
