// SPDX-License-Identifier: Apache-2.0
// A board's life on its cable, and what its units may ask of it.
#include "drivers/rig/board.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "drivers/rig/board_memory.hpp"
#include "drivers/rig/refusal.hpp"

namespace nicol::rig {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kFirstSession = 3s, kCommand = 2s, kDark = 80ms;

Deadline in(std::chrono::nanoseconds d) { return SteadyDeadlines().in(d); }

}  // namespace

Board::Board(const Timing& timing, transport::WireLog* log, transport::PrivateBuffer memory)
    : timing_(timing), log_(log), memory_(std::move(memory)) {}

Result<std::unique_ptr<Board>> Board::open(const OpenCarrier& open, const std::string& serial, const Timing& timing,
                                           transport::WireLog* log) {
  auto memory = transport::PrivateBuffer::create(sizeof(Memory));
  if (!memory) return std::move(memory).error();
  std::unique_ptr<Board> board(new Board(timing, log, *std::move(memory)));
  board->serial_ = serial;
  CarrierEvents events;
  events.frame = [b = board.get()](const fw::Frame& frame) { b->on_frame(frame); };
  events.damage = [b = board.get()] { b->on_damage(); };
  events.end = [b = board.get()](const Error& why) { b->on_end(why); };
  events.link = [b = board.get()](hal::Link link) { b->on_link(link); };
  auto carrier = open(std::move(events));
  if (!carrier) return std::move(carrier).error();
  {
    const std::lock_guard lock(board->mutex_);
    board->carrier_ = *std::move(carrier);
    const fw::Framing framing = board->carrier_->framing();
    board->kept_ =
        new (board->memory_.bytes().data()) Memory(framing, framing == fw::Framing::raw ? timing.usb : timing.serial);
    board->present_ = board->carrier_->present();
  }
  board->thread_ = std::jthread([b = board.get()](const std::stop_token& stop) { b->run(stop); });
  std::unique_lock lock(board->mutex_);
  const auto settled = [&] {
    if (board->began_) return true;
    return board->trouble_ && (board->trouble_->code == Code::incompatible_firmware ||
                               board->trouble_->code == Code::not_found || !board->present_);
  };
  (void)board->changed_.wait_for(lock, kFirstSession, settled);
  if (board->began_) return board;
  Error why =
      board->trouble_.value_or(Error{Code::timeout, "the board does not answer: switch it off and on", "", 0, {}});
  lock.unlock();
  return why;
}

Board::~Board() {
  if (thread_.joinable()) go_dark(fw::Type::safe_state);
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  carrier_.reset();  // its thread uses everything here
  if (kept_ != nullptr) kept_->~Memory();
}

void Board::join(Unit& unit) {
  const std::lock_guard lock(units_mutex_);
  units_.push_back(&unit);
}

void Board::leave(Unit& unit) {
  const std::lock_guard restoring(restore_mutex_);
  const std::lock_guard lock(units_mutex_);
  std::erase(units_, &unit);
}

std::vector<Unit*> Board::units() {
  const std::lock_guard lock(units_mutex_);
  return units_;
}

hal::Link Board::link() const noexcept {
  const std::lock_guard lock(mutex_);
  if (!present_) return hal::Link::disconnected;
  return began_ ? hal::Link::connected : hal::Link::faulted;
}

std::optional<Error> Board::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

fw::Description Board::description() const {
  const std::lock_guard lock(mutex_);
  return description_;
}

std::string Board::name() const {
  const std::lock_guard lock(mutex_);
  return std::string(description_.serial.view());
}

std::string Board::port() const { return carrier_->port(); }

void Board::note(const std::string& text) const {
  if (log_ != nullptr) log_->note("rig " + name(), text);
}

Error Board::refused(const fw::Answer& refusal, const std::string& doing) const {
  return refusal_error(refusal, doing, name());
}

Result<Reply> Board::command(fw::Type type, std::span<const std::uint8_t> payload, const std::string& doing) {
  auto reply = ask(type, payload, in(kCommand));
  if (!reply) return std::move(reply).error();
  if (reply->refusal) return refused(*reply->refusal, doing);
  return reply;
}

Result<fw::Value> Board::get(fw::Property property, std::size_t index, const std::string& doing) {
  auto reply = command(fw::Type::get, fw::Get{property, static_cast<std::uint16_t>(index)}, doing);
  if (!reply) return std::move(reply).error();
  const auto value = fw::decode_value(reply->bytes());
  if (!value || value->property != property || value->index != index)
    return Error{
        Code::protocol,
        doing + ": the board answers something else than was asked: check that firmware and program are of one version",
        name(),
        0,
        {}};
  return *value;
}

Result<void> Board::set(const fw::Value& value, const std::string& doing) {
  auto reply = command(fw::Type::set, value, doing);
  return reply ? Result<void>() : std::move(reply).error();
}

Result<void> Board::restore(const fw::Value& value, const std::string& doing) {
  if (auto done = set(value, doing); !done) return done;
  auto has = get(value.property, value.index, doing);
  if (!has) return std::move(has).error();
  if (has->number == value.number && has->channel == value.channel) return {};
  return Error{Code::hardware_fault,
               doing + ": the board took it and has something else now: switch the board off and on",
               name(),
               0,
               {}};
}

Result<fw::Faults> Board::faults() {
  auto faults = get(fw::Property::faults, 0, "asking for faults");
  if (!faults) return std::move(faults).error();
  return static_cast<fw::Faults>(faults->number);
}

Result<void> Board::clear_faults(fw::Faults these) {
  auto reply = command(fw::Type::clear_fault, fw::ClearFault{these}, "clearing faults");
  if (!reply) return std::move(reply).error();
  const std::lock_guard lock(mutex_);
  heard_.faults = static_cast<fw::Faults>(heard_.faults & ~these);
  if (heard_.faults == 0 && heard_.emission == fw::Emission::tripped) heard_.emission = fw::Emission::off;
  if ((these & fw::kFaultOverRate) != 0) heard_.bright.reset();
  return {};
}

std::uint64_t Board::darks(fw::Type kind) const noexcept {
  return safe_states_ + (kind == fw::Type::disable_emission ? disables_.load() : 0);
}

Result<void> Board::deliberately(fw::Type dark, fw::Faults clears, const std::function<Result<void>()>& act) {
  const std::uint64_t before = darks(dark);
  Result<void> done = settle_dark();
  if (done && clears != 0) {
    const auto latched = faults();
    if (!latched) return latched.error();
    const auto named = static_cast<fw::Faults>(*latched & clears);
    if (named != 0 && darks(dark) == before) done = clear_faults(named);
  }
  if (done && darks(dark) == before) done = act();
  if (darks(dark) == before) return done;
  say_dark(dark);
  return Error{Code::cancelled, "it was made dark meanwhile and stays so: begin again if that is meant", name(), 0, {}};
}

/// What was called for and not answered is answered first; a deliberate act on a board that may not have heard it would
/// undo it.
Result<void> Board::settle_dark() {
  std::optional<fw::Type> owed;
  {
    const std::lock_guard lock(mutex_);
    owed = dark_owed_;
  }
  if (!owed) return {};
  auto reply = command(*owed, "going dark first, as was asked for");
  if (!reply) return std::move(reply).error();
  const std::lock_guard lock(mutex_);
  if (dark_owed_ == owed) dark_owed_.reset();
  return {};
}

void Board::go_dark(fw::Type how) noexcept {
  ++(how == fw::Type::safe_state ? safe_states_ : disables_);
  {
    const std::lock_guard lock(mutex_);
    if (dark_owed_ != fw::Type::safe_state) dark_owed_ = how;
  }
  say_dark(how);
}

void Board::say_dark(fw::Type how) noexcept {
  const Deadline deadline = in(kDark);
  tell(how, {});
  const auto reply = ask(how, {}, deadline);
  if (!reply || reply->refusal) return;
  const std::lock_guard lock(mutex_);
  if (dark_owed_ == how) dark_owed_.reset();
}

void Board::make_safe(const fw::Value& value) noexcept {
  std::array<std::uint8_t, 64> payload{};
  const std::size_t size = fw::encode(value, payload);
  const auto reply = ask(fw::Type::set, std::span<const std::uint8_t>(payload).first(size), in(timing_.safe));
  if (!reply || reply->refusal) go_dark(fw::Type::safe_state);
}

Heard Board::heard() const {
  const std::lock_guard lock(mutex_);
  return heard_;
}

bool Board::await(const std::function<bool(const Heard&)>& fact, Deadline deadline, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  bool held = false;
  const auto settled = [&] {
    held = session_ == Session::standing && fact(heard_);
    return held || session_ != Session::standing;
  };
  (void)changed_.wait_until(lock, stop, deadline.at, settled);
  return held;
}

}  // namespace nicol::rig
