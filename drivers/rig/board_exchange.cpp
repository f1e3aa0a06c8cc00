// SPDX-License-Identifier: Apache-2.0
// Commands out, frames in. Whoever waits for an answer also sends again what is due, so that nobody waits for a thread
// that waits for him.
#include <fmt/format.h>

#include <algorithm>

#include "drivers/rig/board_memory.hpp"
#include "drivers/rig/refusal.hpp"

namespace nicol::rig {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kSend = 200ms, kDarkSend = 40ms, kLookEvery = 50ms;
constexpr auto kTryAgain = 200us;

Deadline in(std::chrono::nanoseconds d) { return SteadyDeadlines().in(d); }

}  // namespace

Error Board::gone() const {
  const std::string board(description_.serial.view());
  if (!present_)
    return {Code::disconnected, fmt::format("board {} was unplugged: plug it in again", board), board, 0, {}};
  Error error{
      Code::disconnected,
      fmt::format("board {} does not answer and its state is unknown: check its cable, or switch it off and on", board),
      board,
      0,
      {}};
  return trouble_ ? std::move(error).because(*trouble_) : error;
}

/// A place in the window. Nothing: no session, or the deadline passed first.
std::optional<std::uint16_t> Board::enter(std::unique_lock<std::mutex>& lock, fw::Type type,
                                          std::span<const std::uint8_t> payload, Session needed, Deadline deadline) {
  for (;;) {
    if (session_ != needed) return {};
    if (const auto seq = kept_->requester.send(type, payload, steady_ms())) return seq;
    if (Clock::now() >= deadline.at) return {};
    (void)changed_.wait_until(lock, next_look(deadline));
    lock.unlock();
    flush(deadline);
    lock.lock();
  }
}

Clock::time_point Board::next_look(Deadline deadline) const { return std::min(deadline.at, Clock::now() + kLookEvery); }

Result<Reply> Board::exchange(fw::Type type, std::span<const std::uint8_t> payload, Session needed, Deadline deadline) {
  std::unique_lock lock(mutex_);
  const auto seq = enter(lock, type, payload, needed, deadline);
  if (!seq && session_ != needed) return gone();
  if (!seq)
    return Error{
        Code::timeout, "no place for a command, the board answers too slowly: wait, then try again", "", 0, {}};
  Waiting waiting;
  waiting.seq = *seq;
  waiting_.push_back(&waiting);
  while (!waiting.settled() && Clock::now() < deadline.at) {
    lock.unlock();
    flush(deadline);
    lock.lock();
    if (!waiting.settled()) (void)changed_.wait_until(lock, next_look(deadline), [&] { return waiting.settled(); });
  }
  std::erase(waiting_, &waiting);
  if (waiting.reply) return *waiting.reply;
  if (waiting.failure) return *std::move(waiting.failure);
  return Error{Code::timeout,
               fmt::format("board {} did not answer in time: check its cable, and what it did before trying again",
                           description_.serial.view()),
               "",
               0,
               {}};
}

Result<Reply> Board::ask(fw::Type type, std::span<const std::uint8_t> payload, Deadline deadline) {
  return exchange(type, payload, Session::standing, deadline);
}

Result<void> Board::post(fw::Type type, std::span<const std::uint8_t> payload, Deadline deadline) {
  {
    std::unique_lock lock(mutex_);
    const auto seq = enter(lock, type, payload, Session::standing, deadline);
    if (!seq && session_ != Session::standing) return gone();
    if (!seq) return Error{Code::timeout, "the board takes no more commands: wait, then try again", "", 0, {}};
    posted_.push_back(*seq);
    heard_.unanswered = posted_.size();
  }
  flush();
  return {};
}

std::optional<fw::Answer> Board::posted_refusal() const {
  const std::lock_guard lock(mutex_);
  return posted_refusal_;
}

void Board::believe(const fw::SourceStatus& status) {
  const std::lock_guard lock(mutex_);
  heard_.source = status;
}

void Board::forget_posted() {
  const std::lock_guard lock(mutex_);
  posted_.clear();
  posted_refusal_.reset();
  heard_.unanswered = 0;
  heard_.refused = false;
}

/// All that is due, in order. A frame that the carrier does not take is sent again when its time comes.
void Board::flush(Deadline most) noexcept {
  std::unique_lock sending(sending_mutex_, std::try_to_lock);
  for (; !sending; sending.try_lock()) {  // whoever sends now may wait longer for the carrier than this call may
    if (Clock::now() >= most.at) return;
    std::this_thread::sleep_for(kTryAgain);
  }
  for (;;) {
    std::size_t size = 0;
    {
      const std::lock_guard lock(mutex_);
      size = kept_->requester.transmit(kept_->frame, steady_ms());
    }
    if (size == 0) return;
    const auto frame = std::span(kept_->frame).first(size);
    const bool sent = carrier_->send(frame, Deadline{std::min(in(kSend).at, most.at)}).ok();
    std::fill(frame.begin(), frame.end(), std::uint8_t{0});
    if (!sent) return;
  }
}

void Board::tell(fw::Type type, std::span<const std::uint8_t> payload) noexcept {
  std::array<std::uint8_t, 64> frame{};
  std::size_t size = 0;
  {
    const std::lock_guard lock(mutex_);
    // Whoever has the session: a board goes dark for anybody.
    const bool dark = type == fw::Type::safe_state || type == fw::Type::disable_emission;
    if (session_ != Session::standing && !(dark && present_)) return;
    size = kept_->requester.one_way(type, payload, frame);
  }
  (void)carrier_->send(std::span<const std::uint8_t>(frame).first(size), in(kDarkSend));
}

void Board::on_frame(const fw::Frame& frame) {
  if (frame.header.type == fw::Type::tag_block) {
    {
      const std::lock_guard lock(mutex_);
      heard_at_ = Clock::now();
    }
    const std::lock_guard lock(units_mutex_);
    for (Unit* unit : units_) unit->tag_block(frame.payload);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    if (kept_ == nullptr) return;  // said to somebody before us
    heard_at_ = Clock::now();
    if (const auto reply = kept_->requester.receive(frame, steady_ms()))
      on_answer(*reply);
    else if (session_ == Session::standing)
      on_news(frame);
  }
  changed_.notify_all();
}

void Board::on_answer(const fw::Reply& reply) {
  if (session_ == Session::standing && reply.refusal &&
      reply.refusal->code == static_cast<std::uint16_t>(fw::Nack::wrong_session))
    over_ = Error{
        Code::disconnected, "the board has forgotten this session: it was reset, or another program has it", "", 0, {}};
  if (const auto posted = std::find(posted_.begin(), posted_.end(), reply.seq); posted != posted_.end()) {
    posted_.erase(posted);
    heard_.unanswered = posted_.size();
    heard_.refused = heard_.refused || reply.refusal.has_value();
    if (reply.refusal && !posted_refusal_) posted_refusal_ = reply.refusal;
    return;
  }
  for (Waiting* waiting : waiting_) {
    if (waiting->seq != reply.seq || waiting->settled()) continue;
    Reply& copy = waiting->reply.emplace();
    copy.type = reply.type;
    copy.refusal = reply.refusal;
    copy.size = std::min(reply.payload.size(), copy.payload.size());
    std::copy_n(reply.payload.begin(), copy.size, copy.payload.begin());
  }
}

/// What the board says by itself.
void Board::on_news(const fw::Frame& frame) {
  if (const auto beat = fw::decode<fw::Heartbeat>(frame.payload); beat && frame.header.type == fw::Type::heartbeat) {
    heard_.emission = beat->state;
    heard_.faults = beat->faults;
  } else if (frame.header.type == fw::Type::error_event) {
    if (const auto event = fw::decode<fw::ErrorEvent>(frame.payload)) {
      heard_.faults = static_cast<fw::Faults>(heard_.faults | event->faults);
      heard_.emission = fw::Emission::tripped;
      if ((event->faults & fw::kFaultOverRate) != 0) heard_.bright = event->detail;
      if (log_ != nullptr) log_->note("rig", fmt::format("fault: {}", describe_faults(event->faults)));
    }
  } else if (frame.header.type == fw::Type::source_status) {
    if (const auto status = fw::decode<fw::SourceStatus>(frame.payload)) heard_.source = *status;
  } else if (frame.header.type == fw::Type::axis_status) {
    const auto status = fw::decode<fw::AxisStatus>(frame.payload);
    if (status && status->axis < heard_.axes.size()) heard_.axes[status->axis] = *status;
  }
}

void Board::on_damage() {
  const std::lock_guard lock(units_mutex_);
  for (Unit* unit : units_) unit->damage();
}

/// The carrier hears nothing any more, with the cable out or in: a new session, and listen anew for it.
void Board::on_end(const Error& why) {
  {
    const std::lock_guard lock(mutex_);
    listen_ = true;
    if (session_ == Session::standing)
      over_ =
          Error{Code::disconnected, "the line to the board ended: try again when it is back", "", 0, {}}.because(why);
  }
  changed_.notify_all();
}

void Board::on_link(hal::Link link) {
  {
    const std::lock_guard lock(mutex_);
    present_ = link == hal::Link::connected;
    if (present_) {
      listen_ = true;
      ++plugged_;
    }
  }
  if (link != hal::Link::connected)
    lose_session({Code::disconnected, "the board was unplugged: plug it in again", "", 0, {}});
  changed_.notify_all();
}

}  // namespace nicol::rig
