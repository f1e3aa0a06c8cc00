// SPDX-License-Identifier: Apache-2.0
// MFF101, MFF102: a mount with two positions, as a shutter that stays where it is when its cable is pulled.
#pragma once

#include "drivers/apt/face.hpp"
#include "drivers/hal/instruments.hpp"

namespace nicol::apt {

class FlipMirror final : public Face<hal::Shutter> {
 public:
  enum class Position : std::uint8_t { one = 1, two = 2 };

  /// Goes to the closed position, now and whenever the cable comes back.
  static Result<std::unique_ptr<hal::Device>> make(std::unique_ptr<Controller> controller, Position closed);
  ~FlipMirror() override { release(); }

  std::span<const hal::ArgInfo> properties() const override { return properties_; }
  void safe_state() noexcept override { close(); }

  bool self_closing() const noexcept override { return false; }
  Result<void> open() override;
  void close() noexcept override;
  Result<hal::ShutterState> state() override;

 private:
  FlipMirror(std::unique_ptr<Controller> controller, Position closed);
  Result<void> begin_closed();
  Result<void> go(Position position);

  const Position closed_;
  const std::vector<hal::ArgInfo> properties_;
};

}  // namespace nicol::apt
