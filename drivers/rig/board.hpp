// SPDX-License-Identifier: Apache-2.0
// One board of the rig on its cable: the session, the delivery of commands, the heartbeats, and what the board said
// last. All units of a board share it.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "drivers/rig/carrier.hpp"
#include "drivers/transport/private_buffer.hpp"
#include "firmware-protocol/hello.hpp"
#include "firmware-protocol/message.hpp"
#include "firmware-protocol/property.hpp"
#include "firmware-protocol/requester.hpp"

namespace nicol::rig {

struct Timing {
  fw::RetryTiming usb = fw::kUsbRetry, serial = fw::kSerialRetry;
  std::chrono::milliseconds heartbeat{250};
  std::chrono::milliseconds silence{750};  // so long without a frame: nothing is known of the board any more
  std::chrono::milliseconds greet_again{250};
};

/// A board's answer. HELLO is the longest.
struct Reply {
  fw::Type type = fw::Type::ack;
  std::optional<fw::Answer> refusal;
  std::array<std::uint8_t, fw::kMostHelloBytes> payload{};
  std::size_t size = 0;
  std::span<const std::uint8_t> bytes() const { return std::span(payload).first(size); }
};

/// What the board has said of itself last; `known` until it was silent for too long.
struct Heard {
  bool known = false;
  fw::Emission emission = fw::Emission::off;
  fw::Faults faults = 0;
  fw::SourceStatus source;
  std::array<fw::AxisStatus, fw::Description::kMostAxes> axes{};
  std::size_t unanswered = 0;  // of what was posted
  bool refused = false;        // one of what was posted
};

/// A device on the board. Nothing is called after Board::leave() has returned.
class Unit {
 public:
  virtual ~Unit() = default;
  /// A new session: the board has forgotten what a session had set. May ask the board; the board's thread.
  virtual void session_began() {}
  /// Unplugged, silent, or restarted. Any thread; must not ask.
  virtual void session_lost() noexcept {}
  /// The receiving thread; must not ask.
  virtual void tag_block(std::span<const std::uint8_t> /*payload*/) noexcept {}
  virtual void damage() noexcept {}
};

class Board {
 public:
  using OpenCarrier = std::function<Result<std::unique_ptr<Carrier>>(CarrierEvents)>;
  /// Waits for the first session: incompatible_firmware, timeout, or what opening the carrier said.
  static Result<std::unique_ptr<Board>> open(const OpenCarrier& open, const Timing& timing, transport::WireLog* log);
  /// Makes the board safe first.
  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  void join(Unit& unit);
  void leave(Unit& unit);

  /// connected: a session stands. faulted: plugged in and silent. disconnected.
  hal::Link link() const noexcept;
  fw::Description description() const;
  std::string name() const;  // its serial number
  std::string port() const;
  fw::Framing framing() const noexcept { return carrier_->framing(); }

  /// Carried out once at most, in order with all others. An answer may be a refusal: `command` makes an error of it.
  /// timeout: it may or may not have been carried out.
  Result<Reply> ask(fw::Type type, std::span<const std::uint8_t> payload, Deadline deadline);
  Result<Reply> command(fw::Type type, std::span<const std::uint8_t> payload, const std::string& doing);
  Result<Reply> command(fw::Type type, const std::string& doing) { return command(type, {}, doing); }
  template <class Message>
  Result<Reply> command(fw::Type type, const Message& message, const std::string& doing) {
    std::array<std::uint8_t, 64> payload{};
    const std::size_t size = fw::encode(message, payload);
    return command(type, std::span<const std::uint8_t>(payload).first(size), doing);
  }
  Result<fw::Value> get(fw::Property property, std::size_t index, const std::string& doing);
  Result<void> set(const fw::Value& value, const std::string& doing);
  /// Switched on by nobody, so that a deliberate act may follow what this program itself had made safe. Faults with a
  /// cause of their own stay.
  Result<void> clear_own_faults();
  Error refused(const fw::Answer& refusal, const std::string& doing) const;

  /// Sends and does not wait for the answer, at most a window of them; `posted` tells of refusals later.
  Result<void> post(fw::Type type, std::span<const std::uint8_t> payload, Deadline deadline);
  /// Nothing while all that was answered was carried out; else the first refusal since the last call of
  /// forget_posted().
  std::optional<fw::Answer> posted_refusal() const;
  void forget_posted();
  /// What was asked for is news, too.
  void believe(const fw::SourceStatus& status);

  /// SAFE_STATE or DISABLE_EMISSION: past everything that waits, then once more with an answer. 80 ms at most.
  void go_dark(fw::Type how) noexcept;
  /// A frame that nobody answers.
  void tell(fw::Type type, std::span<const std::uint8_t> payload) noexcept;

  Heard heard() const;
  /// Until the board says something for which `fact` holds; false when the deadline passes or the session ends.
  bool await(const std::function<bool(const Heard&)>& fact, Deadline deadline, std::stop_token stop = {});

 private:
  enum class Session : std::uint8_t { none, greeting, standing };
  struct Waiting {
    std::uint16_t seq = 0;
    std::optional<Reply> reply;
    std::optional<Error> failure;
    bool settled() const { return reply || failure; }
  };
  struct Memory;

  Board(const Timing& timing, transport::WireLog* log, transport::PrivateBuffer memory);

  // board_session.cpp: the board's thread
  void run(const std::stop_token& stop);
  Result<void> begin_session();
  Result<void> greet(std::uint64_t nonce);
  void began();
  void beat();
  void lose_session(Error why);
  bool silent() const;

  // board_exchange.cpp: commands out, frames in
  std::optional<std::uint16_t> enter(std::unique_lock<std::mutex>& lock, fw::Type type,
                                     std::span<const std::uint8_t> payload, Session needed, Deadline deadline);
  Result<Reply> exchange(fw::Type type, std::span<const std::uint8_t> payload, Session needed, Deadline deadline);
  void flush() noexcept;
  std::chrono::steady_clock::time_point next_look(Deadline deadline) const;
  void on_frame(const fw::Frame& frame);
  void on_answer(const fw::Reply& reply);
  void on_news(const fw::Frame& frame);
  void on_damage();
  void on_link(hal::Link link);
  void note(const std::string& text) const;
  Error gone() const;

  const Timing timing_;
  transport::WireLog* const log_;
  std::unique_ptr<Carrier> carrier_;

  std::mutex sending_mutex_;  // frames go out in the order of their numbers; taken before mutex_
  mutable std::mutex mutex_;  // guards all below but the units
  std::condition_variable_any changed_;
  transport::PrivateBuffer memory_;  // commands in flight: patterns are key material
  Memory* kept_ = nullptr;           // in it
  Session session_ = Session::none;
  bool present_ = false, listen_ = true, began_ = false;
  std::uint64_t plugged_ = 0;     // how often it was plugged in
  std::optional<Error> trouble_;  // why there is no session
  fw::Description description_;
  Heard heard_;
  std::chrono::steady_clock::time_point heard_at_{}, beat_at_{};
  std::vector<Waiting*> waiting_;
  std::vector<std::uint16_t> posted_;
  std::optional<fw::Answer> posted_refusal_;

  std::mutex restore_mutex_;  // held while units restore; taken before units_mutex_
  std::mutex units_mutex_;    // guards units_, held while they are told
  std::vector<Unit*> units_;

  std::jthread thread_;
};

}  // namespace nicol::rig
