// SPDX-License-Identifier: Apache-2.0
// SCPI on a serial line has no framing but the terminator: one exchange at a time, and what a late instrument still
// says to an old question is let out before the next one.
#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "drivers/transport/gate.hpp"
#include "drivers/transport/scpi.hpp"
#include "drivers/transport/scpi_lines.hpp"

namespace nicol::transport {
namespace {
using Clock = std::chrono::steady_clock;
/// After a reply that did not come, the line must be silent for so long before the next exchange.
constexpr std::chrono::milliseconds kSilence{50};

class ScpiSerial final : public ScpiLink {
 public:
  ScpiSerial(const ScpiSerialOptions& options, OnLink on_link)
      : options_(options), on_link_(std::move(on_link)), splitter_(options.reply_terminator) {}
  Result<void> open(SerialAddress where, const SerialSettings& settings, WireLog* log);

  Result<void> command(std::string_view text, Deadline deadline) override;
  Result<std::string> ask(std::string_view text, Deadline deadline) override;
  hal::Link link() const noexcept override { return bus_->link(); }
  std::string port() const override { return bus_->info().port; }

 private:
  void received(std::span<const std::uint8_t> bytes);
  void link_changed(hal::Link now);
  Result<Gate::Pass> begin(std::string_view text, Deadline deadline);
  Result<void> quiet(Deadline deadline);
  Result<void> send(std::string_view text, Deadline deadline);
  Result<std::string> reply_to(std::string_view text, Deadline deadline);
  Result<std::string> next_line(std::string_view text, Deadline deadline);
  Error error(Code code, std::string message) const { return {code, std::move(message), port(), 0, {}}; }

  const ScpiSerialOptions options_;
  const OnLink on_link_;
  Gate exchange_;  // guards owed_ and last_sent_
  bool owed_ = false;
  Clock::time_point last_sent_;

  std::mutex mutex_;  // guards the rest but bus_
  std::condition_variable changed_;
  LineSplitter splitter_;
  std::deque<std::string> lines_;
  Clock::time_point last_heard_;
  bool gone_ = false;
  std::unique_ptr<SerialBus> bus_;  // last: its thread uses the above
};

Result<void> ScpiSerial::open(SerialAddress where, const SerialSettings& settings, WireLog* log) {
  SerialBus::Options options;
  options.where = std::move(where);
  options.settings = settings;
  options.on_bytes = [this](std::span<const std::uint8_t> bytes) { received(bytes); };
  options.on_link = [this](hal::Link now) { link_changed(now); };
  options.log = log;
  auto opened = SerialBus::open(std::move(options));
  if (!opened) return std::move(opened).error();
  bus_ = *std::move(opened);
  return {};
}

void ScpiSerial::received(std::span<const std::uint8_t> bytes) {
  const std::lock_guard lock(mutex_);
  splitter_.feed(bytes);
  while (auto line = splitter_.next()) lines_.push_back(*std::move(line));
  while (lines_.size() > 1024) lines_.pop_front();  // nobody asked for any of these
  last_heard_ = Clock::now();
  changed_.notify_all();
}

void ScpiSerial::link_changed(hal::Link now) {
  {
    const std::lock_guard lock(mutex_);
    gone_ = now != hal::Link::connected;
    splitter_.clear();
    lines_.clear();
    changed_.notify_all();
  }
  if (on_link_) on_link_(now);
}

Result<Gate::Pass> ScpiSerial::begin(std::string_view text, Deadline deadline) {
  if (text.find_first_of("\r\n") != std::string_view::npos)
    return error(Code::bad_input, fmt::format("'{}' is more than one line", text));
  Gate::Pass pass = exchange_.enter(deadline);
  if (!pass) return error(Code::timeout, fmt::format("'{}' was not sent: another exchange took all the time", text));
  if (owed_)
    if (auto silent = quiet(deadline); !silent) return std::move(silent).error();
  std::this_thread::sleep_until(std::min(last_sent_ + options_.between_commands, deadline.at));
  const std::lock_guard lock(mutex_);
  splitter_.clear();
  lines_.clear();
  return pass;
}

Result<void> ScpiSerial::quiet(Deadline deadline) {
  std::unique_lock lock(mutex_);
  for (auto until = Clock::now() + kSilence; Clock::now() < until; until = std::max(until, last_heard_ + kSilence)) {
    if (Clock::now() >= deadline.at) return error(Code::timeout, "it never stops talking; nothing was sent");
    changed_.wait_until(lock, std::min(until, deadline.at));
  }
  owed_ = false;
  return {};
}

Result<void> ScpiSerial::send(std::string_view text, Deadline deadline) {
  const std::string message = std::string(text) + options_.terminator;
  const std::vector<std::uint8_t> bytes(message.begin(), message.end());
  auto written = bus_->write(bytes, deadline);
  last_sent_ = Clock::now();
  if (!written) owed_ = true;
  return written;
}

Result<std::string> ScpiSerial::next_line(std::string_view text, Deadline deadline) {
  std::unique_lock lock(mutex_);
  const auto there = [this] { return gone_ || !lines_.empty(); };
  if (deadline.at == Deadline{}.at)
    changed_.wait(lock, there);
  else
    changed_.wait_until(lock, deadline.at, there);
  if (gone_) return error(Code::disconnected, fmt::format("unplugged while '{}' was under way", text));
  if (lines_.empty()) {
    owed_ = true;
    return error(Code::timeout, fmt::format("no reply to '{}': is it switched on, and is the baud rate right?", text));
  }
  std::string line = std::move(lines_.front());
  lines_.pop_front();
  return line;
}

/// The first line that is no echo.
Result<std::string> ScpiSerial::reply_to(std::string_view text, Deadline deadline) {
  auto line = next_line(text, deadline);
  if (line && options_.echoes && *line == text) line = next_line(text, deadline);
  if (!line) return line;
  if (!options_.error_prefix.empty() && line->starts_with(options_.error_prefix))
    return error(Code::refused, fmt::format("'{}' was answered with the error '{}'", text, *line));
  return line;
}

Result<void> ScpiSerial::command(std::string_view text, Deadline deadline) {
  const auto pass = begin(text, deadline);
  if (!pass) return pass.error();
  if (auto sent = send(text, deadline); !sent) return sent;
  if (options_.acknowledge.empty()) {
    owed_ = owed_ || options_.echoes;  // its echo may still come
    return {};
  }
  auto line = reply_to(text, deadline);
  if (!line) return std::move(line).error();
  if (*line == options_.acknowledge) return {};
  owed_ = true;
  return error(Code::protocol, fmt::format("'{}' was answered '{}', not '{}'", text, *line, options_.acknowledge));
}

Result<std::string> ScpiSerial::ask(std::string_view text, Deadline deadline) {
  const auto pass = begin(text, deadline);
  if (!pass) return pass.error();
  if (auto sent = send(text, deadline); !sent) return std::move(sent).error();
  return reply_to(text, deadline);
}

}  // namespace

Result<std::unique_ptr<ScpiLink>> open_scpi_serial(SerialAddress where, const SerialSettings& settings,
                                                   const ScpiSerialOptions& options, WireLog* log, OnLink on_link) {
  auto link = std::make_unique<ScpiSerial>(options, std::move(on_link));
  if (auto opened = link->open(std::move(where), settings, log); !opened) return std::move(opened).error();
  return std::unique_ptr<ScpiLink>(std::move(link));
}

}  // namespace nicol::transport
