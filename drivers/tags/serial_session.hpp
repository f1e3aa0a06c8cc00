// SPDX-License-Identifier: Apache-2.0
// A tagger on a serial line that answers in text while it is quiet and streams while it runs. The line's thread feeds
// the run, the minder sends what the run asks for, callers start, stop and ask.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "drivers/tags/tag_queue.hpp"
#include "drivers/transport/mailbox.hpp"
#include "drivers/transport/serial_bus.hpp"

namespace nicol::tags {

using SteadyTime = std::chrono::steady_clock::time_point;

/// `State` is what the driver and the line's thread share: its settings, and `run`, which has running(), feed(bytes,
/// now), stop_unanswered(), unplugged(), restarts() and last_trouble(). It is touched under the session's lock only.
template <class State>
class SerialSession {
 public:
  using Wanted = std::function<bool(const std::string&)>;
  struct Options {
    std::string name;  // "the TDC1"
    transport::SerialAddress where;
    transport::WireLog* log = nullptr;
    std::string quiet;  // what ends a stream, whoever began it
    /// Under the lock: what is to be sent now, every 10 ms while it runs, or when it has come back. Empty: nothing.
    std::function<std::string(State&, SteadyTime)> next_command;
    std::function<std::string(State&)> restore;
    std::chrono::milliseconds silence{300};  // longer than a stream is ever silent while it is read
  };

  static Result<std::unique_ptr<SerialSession>> open(Options options, std::unique_ptr<TagQueue> queue, State state) {
    std::unique_ptr<SerialSession> session(new SerialSession(std::move(options), std::move(queue), std::move(state)));
    transport::SerialBus::Options bus;
    bus.where = session->options_.where;
    bus.on_bytes = [s = session.get()](std::span<const std::uint8_t> bytes) { s->on_bytes(bytes); };
    bus.on_link = [s = session.get()](hal::Link link) { s->on_link(link); };
    bus.log = session->options_.log;
    bus.private_input = true;  // tags are raw key material
    auto opened = transport::SerialBus::open(std::move(bus));
    if (!opened) return std::move(opened).error();
    session->bus_ = *std::move(opened);
    session->device_ = session->bus_->info().serial;
    return session;
  }
  ~SerialSession() {
    minder_.request_stop();
    if (minder_.joinable()) minder_.join();
    if (running()) (void)send(options_.quiet);
    bus_.reset();  // its thread uses everything here
  }

  /// Once the device is known, and by which name errors are to call it.
  void begin_minding(std::string device) {
    device_ = std::move(device);
    minder_ = std::jthread([this](const std::stop_token& stop) { mind(stop); });
  }
  hal::Link link() const noexcept { return link_; }
  transport::SerialPortInfo port() const { return bus_->info(); }
  TagQueue& queue() { return *queue_; }
  Error error(Code code, std::string message) const { return {code, std::move(message), device_, 0, {}}; }

  /// f(State&) under the lock: it must not wait.
  template <class F>
  auto with(F f) {
    const std::lock_guard lock(mutex_);
    return f(state_);
  }
  bool running() {
    return with([](State& s) { return s.run.running(); });
  }
  /// One start, stop or question at a time: held around those below.
  [[nodiscard]] std::unique_lock<std::mutex> control() { return std::unique_lock(control_mutex_); }

  Result<void> send(std::string_view bytes) {
    const std::vector<std::uint8_t> message(bytes.begin(), bytes.end());
    return bus_->write(message, in(std::chrono::seconds(1)));
  }
  /// While no run is on: the first line that is wanted.
  Result<std::string> ask(std::string_view bytes, Wanted wanted, Deadline deadline) {
    if (auto quiet = quieten(); !quiet) return std::move(quiet).error();
    auto expected = replies_.expect(std::move(wanted));
    {
      const std::lock_guard lock(mutex_);
      line_.clear();  // what the end of a stream may have left
    }
    if (auto sent = send_in_turn(bytes); !sent) return std::move(sent).error();
    auto reply = expected.wait(deadline);
    if (reply) return reply;
    const auto text = bytes.substr(0, bytes.find_last_not_of("\r\n") + 1);
    return error(reply.error().code, fmt::format("{}: {}", text.substr(text.rfind('\n') + 1), reply.error().message));
  }
  Result<void> send_in_turn(std::string_view bytes) {
    const std::lock_guard sending(sending_mutex_);
    return send(bytes);
  }
  /// begin(State&) begins the run and says what goes out for it, or why it cannot. busy while one is on.
  template <class F>
  Result<void> start(F begin) {
    if (auto quiet = quieten(); !quiet) return quiet;
    const std::lock_guard sending(sending_mutex_);
    const Result<std::string> command = with([&](State& s) -> Result<std::string> {
      if (s.run.running()) return error(Code::busy, fmt::format("{} is running already: stop it first", options_.name));
      auto begun = begin(s);
      if (begun) restore_ = false;  // the start restores it, too; later it would undo the start
      return begun;
    });
    if (!command) return command.error();
    auto sent = send(*command);
    if (!sent)
      with([](State& s) { s.run.stop_unanswered(); });
    else
      changed_.notify_all();
    return sent;
  }
  /// Nothing to do while no run is on. stopping(State&) tells the run, `command` the device. timeout: it may go on
  /// streaming, and is made quiet before anything else is asked of it.
  template <class F>
  Result<void> stop(F stopping, std::string_view command) {
    {
      const std::lock_guard sending(sending_mutex_);
      {
        const std::lock_guard lock(mutex_);
        if (!state_.run.running()) return {};
        stopping(state_);
        may_stream_ = !state_.run.running();  // given up, or waiting to be begun again: no answer is awaited
      }
      if (auto sent = send(command); !sent) return sent;
    }
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, std::chrono::seconds(2), [this] { return !state_.run.running(); })) return {};
    state_.run.stop_unanswered();
    may_stream_ = true;
    return error(Code::timeout,
                 fmt::format("{} did not answer the stop: what it had not confirmed by then is given as lost, and "
                             "whether more was lost is not known",
                             options_.name));
  }
  /// While it runs: how the stream goes.
  std::optional<hal::SelfTestItem> stream_test() {
    return with([](State& s) -> std::optional<hal::SelfTestItem> {
      if (!s.run.running()) return std::nullopt;
      const auto detail = fmt::format("{} restarts; {}", s.run.restarts(), s.run.last_trouble());
      return hal::SelfTestItem{"stream", s.run.restarts() == 0, detail};
    });
  }

 private:
  static constexpr std::size_t kLongestLine = 256;
  static constexpr std::chrono::milliseconds kMindEvery{10}, kQuietWithin{2000};

  SerialSession(Options options, std::unique_ptr<TagQueue> queue, State state)
      : options_(std::move(options)), queue_(std::move(queue)), state_(std::move(state)) {}
  static Deadline in(std::chrono::nanoseconds d) { return SteadyDeadlines().in(d); }
  static SteadyTime now() { return std::chrono::steady_clock::now(); }

  void on_bytes(std::span<const std::uint8_t> bytes) {
    {
      const std::lock_guard lock(mutex_);
      heard_ = now();
      if (may_stream_) return;
      if (!state_.run.running()) return text(bytes);
      state_.run.feed(bytes, heard_);
      if (state_.run.running()) return;
    }
    changed_.notify_all();
  }
  void text(std::span<const std::uint8_t> bytes) {
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
  void on_link(hal::Link link) {
    {
      const std::lock_guard lock(mutex_);
      line_.clear();
      may_stream_ = false;
      if (link == hal::Link::connected) {
        queue_->end(hal::StreamStatus::stopped);
        restore_ = true;
      } else {
        state_.run.unplugged();
      }
    }
    link_ = link;
    if (link != hal::Link::connected)
      replies_.fail({Code::disconnected, fmt::format("{} was unplugged", options_.name), "", 0, {}});
    changed_.notify_all();
  }

  /// After a stop that was not answered: the tail of a stream must not be taken for text, nor for the next stream.
  Result<void> quieten() {
    if (!with([this](State&) { return may_stream_; })) return {};
    if (auto sent = send_in_turn(options_.quiet); !sent) return sent;
    const SteadyTime begin = now();
    std::unique_lock lock(mutex_);
    while (may_stream_) {
      const SteadyTime quiet_at = std::max(begin, heard_) + options_.silence;
      if (now() >= quiet_at) {
        may_stream_ = false;
      } else if (now() - begin > kQuietWithin) {
        return error(Code::timeout, fmt::format("{} goes on streaming: is its cable sound?", options_.name));
      } else {
        (void)changed_.wait_until(lock, quiet_at);
      }
    }
    return {};
  }

  void mind(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      mind_once();
      std::unique_lock lock(mutex_);
      if (state_.run.running())
        (void)changed_.wait_for(lock, stop, kMindEvery, [this] { return restore_; });
      else
        (void)changed_.wait(lock, stop, [this] { return restore_ || state_.run.running(); });
    }
  }
  void mind_once() {
    const std::lock_guard sending(sending_mutex_);
    const std::string command = with([this](State& s) {
      return std::exchange(restore_, false) ? options_.restore(s) : options_.next_command(s, now());
    });
    if (!command.empty()) (void)send(command);  // a line that fails is seen by the bus, or by the silence that follows
  }

  const Options options_;
  std::string device_;
  std::unique_ptr<TagQueue> queue_;
  std::atomic<hal::Link> link_{hal::Link::connected};
  transport::Mailbox<std::string> replies_;

  std::mutex control_mutex_;  // one start, stop or question at a time; taken first
  std::mutex sending_mutex_;  // what is decided is sent in the order of the decisions; taken second
  std::mutex mutex_;          // guards all below but the bus; never held while writing
  std::condition_variable_any changed_;
  State state_;
  std::string line_;
  SteadyTime heard_;
  bool restore_ = false;     // came back from an unplug
  bool may_stream_ = false;  // a stop was not answered: what comes means nothing

  std::unique_ptr<transport::SerialBus> bus_;
  std::jthread minder_;
};

}  // namespace nicol::tags
