// SPDX-License-Identifier: Apache-2.0
// What the units of a board have in common as devices: identity, link, faults, becoming safe.
#pragma once

#include <fmt/format.h>

#include <string>

#include "drivers/hal/properties.hpp"
#include "drivers/rig/board.hpp"
#include "drivers/rig/refusal.hpp"

namespace nicol::rig {

/// "faults": text; to write "none" clears what is latched then, where its cause is gone; no other call takes back an
/// over-rate. Nothing is switched on by it.
hal::ArgInfo faults_property();
Result<hal::Value> read_faults(Board& board);
Result<void> clear_faults(Board& board);
Result<std::vector<hal::SelfTestItem>> test_board(Board& board, Deadline deadline);

/// Mixed into a HAL kind: `class RigShutter : public Face<hal::Shutter>`.
template <class Kind>
class Face : public Kind, public Unit {
 public:
  Face(Board& board, std::string unit) : board_(&board), unit_(std::move(unit)), serial_(board.name() + ":" + unit_) {
    properties_.push_back(faults_property());
  }

  hal::DeviceInfo info() const override {
    const fw::Description about = board_->description();
    return {"rig",
            "Nicol",
            fmt::format("{} {}", about.model.view(), unit_),
            serial_,
            std::string(about.firmware.view()),
            board_->port()};
  }
  hal::Link link() const noexcept override { return board_->link(); }
  std::span<const hal::ArgInfo> properties() const override { return properties_; }
  Result<hal::Value> read_property(std::string_view key) override {
    if (auto here = connected(); !here) return std::move(here).error();
    if (key == "faults") return read_faults(*board_);
    return read_own(key);
  }
  Result<void> write_property(std::string_view key, const hal::Value& value) override {
    if (auto here = connected(); !here) return here;
    const hal::ArgInfo* property = hal::find_property(properties_, key);
    if (property == nullptr) return error(Code::not_found, fmt::format("no property {}", key));
    if (auto fits = hal::check_value(*property, value); !fits) return fits;
    return key == "faults" ? clear_faults(*board_) : write_own(key, value);
  }
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline deadline) override {
    if (auto here = connected(); !here) return std::move(here).error();
    return test_board(*board_, deadline);
  }
  /// The whole board.
  void safe_state() noexcept override { board_->go_dark(fw::Type::safe_state); }

 protected:
  virtual Result<hal::Value> read_own(std::string_view key) {
    return error(Code::not_found, fmt::format("no property {}", key));
  }
  virtual Result<void> write_own(std::string_view key, const hal::Value&) {
    return error(Code::not_found, fmt::format("no property {}", key));
  }
  Result<void> connected() const {
    switch (board_->link()) {
      case hal::Link::connected:
        return {};
      case hal::Link::faulted:
        return faulted();
      case hal::Link::disconnected:
        break;
    }
    return error(Code::disconnected, fmt::format("board {} was unplugged: plug it in again", board_->name()));
  }
  Error faulted() const {
    Error faulted = error(
        Code::disconnected,
        fmt::format("board {} is silent and its state unknown: check its cable, or switch it off and on", serial_));
    const auto why = board_->trouble();
    return why ? std::move(faulted).because(*why) : faulted;
  }
  Error error(Code code, std::string message) const { return {code, std::move(message), serial_, 0, {}}; }
  Board& board() const noexcept { return *board_; }
  const std::string& unit() const noexcept { return unit_; }
  void add_property(hal::ArgInfo info) { properties_.push_back(std::move(info)); }

 private:
  Board* const board_;
  const std::string unit_, serial_;
  std::vector<hal::ArgInfo> properties_;
};

}  // namespace nicol::rig
