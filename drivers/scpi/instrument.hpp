// SPDX-License-Identifier: Apache-2.0
// An instrument that speaks SCPI: who it is, questions with typed answers, commands followed by a look into its error
// queue. What makes dark goes before everything else that waits.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "drivers/scpi/replies.hpp"
#include "drivers/transport/scpi.hpp"

namespace nicol::scpi {

struct Dialect {
  std::string error_query = "SYST:ERR:NEXT?";  // empty: the link acknowledges each command
  /// Where replies carry no tag: so long nothing is asked after a reply that did not come, lest it be taken for the
  /// next.
  std::chrono::milliseconds rest_after_silence{0};
};

struct Timing {
  std::chrono::milliseconds reply{300};  // to one question
  std::chrono::milliseconds turn{2000};  // for those who were first
};

enum class Urgency : std::uint8_t { routine, emergency };

/// Thread-safe; every call is bounded. After an unplug every call returns `disconnected`.
class Instrument {
 public:
  using Connect = std::function<Result<std::unique_ptr<transport::ScpiLink>>(transport::OnLink)>;
  using Listener = std::function<void(hal::Link)>;

  /// Asks who it is, and empties its error queue.
  static Result<std::unique_ptr<Instrument>> open(const Connect& connect, Dialect dialect, const Timing& timing);
  ~Instrument();
  Instrument(const Instrument&) = delete;
  Instrument& operator=(const Instrument&) = delete;

  Result<std::string> ask(std::string_view query, Urgency urgency = Urgency::routine);
  Result<double> number(std::string_view query, Urgency urgency = Urgency::routine);
  Result<bool> flag(std::string_view query, Urgency urgency = Urgency::routine);
  /// Sent once; what the error queue says about it then.
  Result<void> set(std::string_view command, Urgency urgency = Urgency::routine);

  const Identity& identity() const noexcept { return identity_; }
  hal::Link link() const noexcept { return link_->link(); }
  std::string port() const { return link_->port(); }
  std::uint64_t generation() const noexcept { return generation_.load(); }  // grows with each pulled cable
  /// Called on the transport's thread: must not ask anything, nor call listen(). Not called any more once replaced.
  void listen(Listener listener);

 private:
  class Turn;
  Instrument(Dialect dialect, const Timing& timing) : dialect_(std::move(dialect)), timing_(timing) {}
  Result<void> introduce();
  void remember_failure(const Error& why);
  void link_changed(hal::Link now);
  Error error(Code code, std::string message) const;
  Result<std::string> exchange(std::string_view query);
  Result<void> look_for_error(std::string_view command);
  Result<void> empty_error_queue();
  Deadline reply_deadline() const;

  const Dialect dialect_;
  const Timing timing_;
  Identity identity_;
  std::atomic<std::uint64_t> generation_ = 0;

  std::mutex turn_mutex_;  // guards the three below
  std::condition_variable freed_;
  bool taken_ = false;
  int emergencies_ = 0;  // waiting for their turn
  std::chrono::steady_clock::time_point rest_until_;
  bool stale_errors_ = false;  // guarded by the turn: the queue may hold what belongs to no command of ours
  std::mutex listener_mutex_;  // guards listener_
  Listener listener_;
  std::unique_ptr<transport::ScpiLink> link_;  // last: its thread uses the above
};

}  // namespace nicol::scpi
