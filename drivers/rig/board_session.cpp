// SPDX-License-Identifier: Apache-2.0
// The board's thread: greets, beats, notices silence, greets again. A session that ended is never gone on with: the new
// one finds the board dark.
#include <fmt/format.h>

#include <utility>

#include "drivers/hal/random.hpp"
#include "drivers/rig/board_memory.hpp"
#include "drivers/rig/refusal.hpp"

namespace nicol::rig {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kGreeting = 1s, kLook = 50ms;

Deadline in(std::chrono::nanoseconds d) { return SteadyDeadlines().in(d); }

}  // namespace

void Board::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex_);
    const bool greets = present_ && session_ == Session::none;
    const std::uint64_t plugged = plugged_;
    lock.unlock();
    std::chrono::milliseconds rest = kLook;
    if (greets) {
      if (auto begun = begin_session(); !begun) {
        lose_session(std::move(begun).error());
        rest = timing_.greet_again;
      }
    } else {
      beat();
    }
    lock.lock();
    (void)changed_.wait_for(lock, stop, std::min(rest, timing_.heartbeat / 2),
                            [&] { return plugged_ != plugged || over_; });
  }
}

bool Board::silent() const { return Clock::now() - heard_at_ > timing_.silence; }

/// Why there is no session any more.
std::optional<Error> Board::session_over() {
  if (over_) return over_;
  if (kept_->requester.failed())
    return Error{Code::timeout,
                 "a command was sent again and again and not answered: check the cable, or switch the board off and on",
                 "",
                 0,
                 {}};
  if (!silent()) return {};
  return Error{
      Code::timeout,
      fmt::format("nothing heard for {} ms: check the cable, or switch the board off and on", timing_.silence.count()),
      "",
      0,
      {}};
}

void Board::beat() {
  bool due = false;
  std::optional<Error> lost;
  std::optional<fw::Type> dark;
  {
    const std::lock_guard lock(mutex_);
    if (session_ != Session::standing) return;
    due = Clock::now() - beat_at_ >= timing_.heartbeat;
    if (due) beat_at_ = Clock::now();
    lost = session_over();
    dark = dark_owed_;
  }
  if (lost) return lose_session(*std::move(lost));
  if (dark) say_dark(*dark);
  if (due) beat_units();
  flush();
}

void Board::beat_units() {
  std::array<std::uint8_t, fw::Heartbeat::kBytes> payload{};
  tell(fw::Type::heartbeat, payload);
  const std::lock_guard restoring(restore_mutex_);
  for (Unit* unit : units()) unit->beat();
}

Result<void> Board::begin_session() {
  bool listen = false;
  {
    const std::lock_guard lock(mutex_);
    listen = std::exchange(listen_, false);
  }
  if (listen)
    if (auto on = carrier_->listen(); !on) {
      const std::lock_guard lock(mutex_);
      listen_ = true;
      return on;
    }
  std::uint64_t nonce = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!present_) return gone();
    session_ = Session::greeting;
    over_.reset();
    nonce = os_random_word();
    kept_->requester.begin_session(nonce);
    posted_.clear();
    posted_refusal_.reset();
  }
  if (auto greeted = greet(nonce); !greeted) return greeted;
  return began();
}

Result<void> Board::greet(std::uint64_t nonce) {
  fw::Hello hello;
  hello.nonce = nonce;
  hello.mtu = static_cast<std::uint16_t>(fw::kLargestFrame);
  hello.schema_hash = fw::schema_hash();
  std::array<std::uint8_t, fw::kMostHelloBytes> payload{};
  const std::size_t size = fw::encode(hello, payload);
  auto reply =
      exchange(fw::Type::hello, std::span<const std::uint8_t>(payload).first(size), Session::greeting, in(kGreeting));
  if (!reply) return std::move(reply).error();
  const auto said = fw::decode_hello(reply->bytes());
  if (reply->refusal && reply->type == fw::Type::hello) return refused_hello(reply->refusal->detail, said, "");
  if (reply->refusal) return refusal_error(*reply->refusal, "beginning a session", "");
  if (!said) return Error{Code::protocol, "the board's HELLO makes no sense: update firmware", "", 0, {}};
  if (auto why = incompatible(*said, std::string(said->description.serial.view()))) return *std::move(why);
  return meet(*said);
}

/// A session begins, with the board that is meant and no other.
Result<void> Board::meet(const fw::Hello& hello) {
  const std::string_view serial = hello.description.serial.view();
  const std::lock_guard lock(mutex_);
  if (session_ != Session::greeting) return gone();
  if (listen_) return Error{Code::disconnected, "the line to the board ended: try again when it is back", "", 0, {}};
  if (!serial_.empty() && serial != serial_)
    return Error{
        Code::not_found,
        fmt::format("board {} is meant, and {} answers at {}: plug in {}", serial_, serial, carrier_->port(), serial_),
        serial_,
        0,
        {}};
  serial_ = serial;
  description_ = hello.description;
  heard_ = {};
  heard_.known = true;
  heard_at_ = beat_at_ = Clock::now();
  session_ = Session::standing;
  trouble_.reset();
  return {};
}

/// Units restore their settings before anybody sees the board as connected.
Result<void> Board::began() {
  // What an earlier session left open or on is closed and off, as every unit takes for granted.
  auto dark = command(fw::Type::safe_state, "beginning in the dark");
  if (!dark) return std::move(dark).error();
  {
    const std::lock_guard lock(mutex_);
    dark_owed_.reset();
  }
  const auto latched = faults();
  if (!latched) return latched.error();
  if (const auto own = static_cast<fw::Faults>(*latched & kOwnFaults); own != 0)
    if (auto cleared = clear_faults(own); !cleared) return cleared;
  if (const auto status = ask(fw::Type::source_status, {}, in(kGreeting)); status && !status->refusal)
    if (const auto source = fw::decode<fw::SourceStatus>(status->bytes())) believe(*source);
  if (auto restored = restore_units(); !restored) return restored;
  {
    const std::lock_guard lock(mutex_);
    began_ = session_ == Session::standing;
  }
  note("session began");
  changed_.notify_all();
  return {};
}

Result<void> Board::restore_units() {
  const std::lock_guard restoring(restore_mutex_);
  for (Unit* unit : units())
    if (auto restored = unit->session_began(); !restored) return restored;
  return {};
}

void Board::lose_session(Error why) {
  {
    const std::lock_guard lock(mutex_);
    for (Waiting* waiting : waiting_)
      if (!waiting->settled()) waiting->failure = why;
    if (session_ == Session::standing && log_ != nullptr)
      log_->note("rig " + std::string(description_.serial.view()), "session lost: " + why.message);
    session_ = Session::none;
    began_ = false;
    over_.reset();
    heard_.known = false;
    trouble_ = std::move(why);
  }
  changed_.notify_all();
  const std::lock_guard lock(units_mutex_);
  for (Unit* unit : units_) unit->session_lost();
}

}  // namespace nicol::rig
