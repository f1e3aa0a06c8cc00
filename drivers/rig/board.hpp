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
  std::chrono::milliseconds safe{80};  // so long for one part to be made safe, before the whole board is
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
  std::optional<std::uint16_t> bright;  // the detector that was over its rate, while that is latched
  std::size_t unanswered = 0;           // of what was posted
  bool refused = false;                 // one of what was posted
};

/// A device on the board. Nothing is called after Board::leave() has returned.
class Unit {
 public:
  virtual ~Unit() = default;
  /// A new session: what a session had set is set again, and read back. May ask the board; the board's thread. Where
  /// it fails there is no session yet.
  virtual Result<void> session_began() { return {}; }
  /// Unplugged, silent, or restarted. Any thread; must not ask.
  virtual void session_lost() noexcept {}
  /// With every heartbeat of a session; the board's thread.
  virtual void beat() noexcept {}
  /// The receiving thread; must not ask.
  virtual void tag_block(std::span<const std::uint8_t> /*payload*/) noexcept {}
  virtual void damage() noexcept {}
};

class Board {
 public:
  using OpenCarrier = std::function<Result<std::unique_ptr<Carrier>>(CarrierEvents)>;
  /// Waits for the first session: incompatible_firmware, timeout, or what opening the carrier said. `serial`: the
  /// board that is meant, not_found where another answers; empty: whichever does, and no other ever after.
  static Result<std::unique_ptr<Board>> open(const OpenCarrier& open, const std::string& serial, const Timing& timing,
                                             transport::WireLog* log);
  /// Makes the board safe first.
  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  void join(Unit& unit);
  void leave(Unit& unit);

  /// connected: a session stands. faulted: plugged in and silent. disconnected.
  hal::Link link() const noexcept;
  /// Why it is not connected.
  std::optional<Error> trouble() const;
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
  /// Sets it and reads it back: hardware_fault where the board has something else then.
  Result<void> restore(const fw::Value& value, const std::string& doing);

  /// Faults that stand for nothing but what this program itself did or lost.
  static constexpr fw::Faults kOwnFaults = fw::kFaultCommanded | fw::kFaultLinkLost;
  Result<fw::Faults> faults();
  /// Takes back these and no others; a fault that nobody here has read as latched is not among them. Nothing is
  /// switched on by it.
  Result<void> clear_faults(fw::Faults these);
  /// A person's or a program's deliberate act, which may let light out or in: whatever darkness is still owed comes
  /// first, then those of `clears` that are latched are taken back. Where `dark` (DISABLE_EMISSION, or SAFE_STATE only)
  /// is said on another thread meanwhile, it is dark in the end, and `cancelled`.
  Result<void> deliberately(fw::Type dark, fw::Faults clears, const std::function<Result<void>()>& act);
  /// How often darkness of this kind, or a deeper one, was called for.
  std::uint64_t darks(fw::Type kind) const noexcept;
  Error refused(const fw::Answer& refusal, const std::string& doing) const;

  /// Sends and does not wait for the answer, at most a window of them; `posted` tells of refusals later.
  Result<void> post(fw::Type type, std::span<const std::uint8_t> payload, Deadline deadline);
  /// Nothing while all that was answered was carried out; else the first refusal since the last call of
  /// forget_posted().
  std::optional<fw::Answer> posted_refusal() const;
  void forget_posted();
  /// What was asked for is news, too.
  void believe(const fw::SourceStatus& status);

  /// SAFE_STATE or DISABLE_EMISSION: past everything that waits, then once more with an answer, 80 ms at most. What was
  /// not answered by then is owed: said again with every look at the board until it is, and before any deliberate act.
  void go_dark(fw::Type how) noexcept;
  /// A setting that makes safe: Timing::safe at most, and SAFE_STATE where the board does not take it by then.
  void make_safe(const fw::Value& value) noexcept;
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
  Result<void> meet(const fw::Hello& hello);
  Result<void> began();
  Result<void> restore_units();
  void beat();
  std::optional<Error> session_over();
  void beat_units();
  void lose_session(Error why);
  bool silent() const;
  std::vector<Unit*> units();
  void say_dark(fw::Type how) noexcept;
  Result<void> settle_dark();

  // board_exchange.cpp: commands out, frames in
  std::optional<std::uint16_t> enter(std::unique_lock<std::mutex>& lock, fw::Type type,
                                     std::span<const std::uint8_t> payload, Session needed, Deadline deadline);
  Result<Reply> exchange(fw::Type type, std::span<const std::uint8_t> payload, Session needed, Deadline deadline);
  void flush(Deadline most = {}) noexcept;
  std::chrono::steady_clock::time_point next_look(Deadline deadline) const;
  void on_frame(const fw::Frame& frame);
  void on_answer(const fw::Reply& reply);
  void on_news(const fw::Frame& frame);
  void on_damage();
  void on_end(const Error& why);
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
  std::string serial_;  // of the board that is meant, or that answered first
  bool present_ = false, listen_ = true, began_ = false;
  std::optional<Error> over_;  // why the session that stands is none any more: seen by a thread that may not wait
  std::optional<fw::Type> dark_owed_;  // of go_dark(), not answered yet
  std::uint64_t plugged_ = 0;          // how often it was plugged in
  std::optional<Error> trouble_;       // why there is no session
  fw::Description description_;
  Heard heard_;
  std::chrono::steady_clock::time_point heard_at_{}, beat_at_{};
  std::vector<Waiting*> waiting_;
  std::vector<std::uint16_t> posted_;
  std::optional<fw::Answer> posted_refusal_;

  std::atomic<std::uint64_t> safe_states_{0}, disables_{0};  // called for

  std::mutex restore_mutex_;  // held while units restore or beat; taken before units_mutex_
  std::mutex units_mutex_;    // guards units_, held while they are told
  std::vector<Unit*> units_;

  std::jthread thread_;
};

}  // namespace nicol::rig
