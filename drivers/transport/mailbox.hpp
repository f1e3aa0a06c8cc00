// SPDX-License-Identifier: Apache-2.0
// Request and response on a line that also says things nobody asked for: an expectation is left before the request is
// sent, the reading thread delivers each message to the first that wants it. A request is sent once: what got no reply
// is an error, never a second request.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include "drivers/hal/clocks.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::transport {

template <class Message>
class Mailbox {
  struct Slot {
    std::function<bool(const Message&)> wanted;
    std::optional<Message> message;
    std::optional<Error> failure;
  };

 public:
  /// Withdrawn when it goes out of scope. One waiter.
  class Expectation {
   public:
    Expectation(Mailbox& box, typename std::list<Slot>::iterator slot) : box_(&box), slot_(slot) {}
    Expectation(Expectation&& o) noexcept : box_(std::exchange(o.box_, nullptr)), slot_(o.slot_) {}
    Expectation& operator=(Expectation&&) = delete;
    ~Expectation() {
      if (box_ != nullptr) box_->withdraw(slot_);
    }
    /// The message; timeout, cancelled, or what fail() said.
    Result<Message> wait(Deadline deadline, std::stop_token stop = {}) { return box_->wait(slot_, deadline, stop); }
    bool arrived() const { return box_->arrived(slot_); }

   private:
    Mailbox* box_;
    typename std::list<Slot>::iterator slot_;
  };

  Expectation expect(std::function<bool(const Message&)> wanted) {
    const std::lock_guard lock(mutex_);
    slots_.push_back({std::move(wanted), {}, {}});
    return Expectation(*this, std::prev(slots_.end()));
  }

  /// The reading thread. False when nobody waits for it.
  bool deliver(Message message) {
    const std::lock_guard lock(mutex_);
    for (Slot& slot : slots_) {
      if (slot.message || slot.failure || !slot.wanted(message)) continue;
      slot.message = std::move(message);
      changed_.notify_all();
      return true;
    }
    return false;
  }

  /// Everybody who waits now gets this error (the cable was pulled).
  void fail(const Error& error) {
    const std::lock_guard lock(mutex_);
    for (Slot& slot : slots_)
      if (!slot.message) slot.failure = error;
    changed_.notify_all();
  }

 private:
  Result<Message> wait(typename std::list<Slot>::iterator slot, Deadline deadline, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    const auto settled = [&] { return slot->message.has_value() || slot->failure.has_value(); };
    if (deadline.at == Deadline{}.at)
      changed_.wait(lock, stop, settled);
    else
      changed_.wait_until(lock, stop, deadline.at, settled);
    if (slot->message) return std::move(*slot->message);
    if (slot->failure) return *slot->failure;
    if (stop.stop_requested()) return Error{Code::cancelled, "cancelled while waiting for a reply", "", 0, {}};
    return Error{Code::timeout, "no reply in time", "", 0, {}};
  }
  bool arrived(typename std::list<Slot>::iterator slot) const {
    const std::lock_guard lock(mutex_);
    return slot->message.has_value() || slot->failure.has_value();
  }
  void withdraw(typename std::list<Slot>::iterator slot) {
    const std::lock_guard lock(mutex_);
    slots_.erase(slot);
  }

  mutable std::mutex mutex_;  // guards slots_
  std::condition_variable_any changed_;
  std::list<Slot> slots_;
};

}  // namespace nicol::transport
