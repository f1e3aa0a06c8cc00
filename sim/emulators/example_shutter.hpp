// SPDX-License-Identifier: Apache-2.0
// The far end of an Example Shutter: a blade that takes its time, and the lines it answers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/emulators/emulator.hpp"

namespace nicol::sim {

/// A wrong device, which the driver's tests must notice.
enum class ExampleShutterMutant : std::uint8_t { none, says_open_while_closed };

struct ExampleShutterOptions {
  std::string serial = "EX-0042";
  Picoseconds travel = Picoseconds::seconds(0.1);
  ExampleShutterMutant mutant = ExampleShutterMutant::none;
};

class ExampleShutter final : public SerialEmulator {
 public:
  explicit ExampleShutter(ExampleShutterOptions options = {}) : options_(std::move(options)) {}

  SerialIdentity identity() const override;
  void receive(std::span<const std::uint8_t> bytes, Picoseconds now) override;
  void collect(std::vector<std::uint8_t>& out, Picoseconds now) override;
  Picoseconds next_due() const override { return said_.empty() ? kNever : Picoseconds{}; }
  void power_cycle() override;

  /// For tests. While it has power: a half-open blade lets light through.
  bool light_passes(Picoseconds now) const { return opens_ || now < arrives_; }
  std::uint64_t moves() const { return moves_; }
  void jam() { fault_ = 3; }

 private:
  void execute(std::string_view command, Picoseconds now);
  void go(bool opens, Picoseconds now);
  std::string status(Picoseconds now) const;

  const ExampleShutterOptions options_;
  std::string heard_, said_;
  bool opens_ = false;
  Picoseconds arrives_;
  int fault_ = 0;
  std::uint64_t moves_ = 0;
};

}  // namespace nicol::sim
