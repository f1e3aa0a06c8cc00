// SPDX-License-Identifier: Apache-2.0
// An emulated Quantum Composers pulse generator: every command answered ok, errors ?n, and triggers while it runs.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "drivers/hal/units.hpp"
#include "sim/emulators/emulator.hpp"

namespace nicol::sim {

enum class Qc9530Mutant : std::uint8_t {
  none,
  ignores_off,     // says ok to STAT OFF and goes on
  swaps_channels,  // what is set for channel 1 goes to channel 2 and the other way round
};

struct Qc9530Config {
  std::string model = "9530", serial = "02146", adapter_serial = "QC02146A";
  int baud = 38'400;
  Qc9530Mutant mutant = Qc9530Mutant::none;
};

class Qc9530 final : public SerialEmulator {
 public:
  static constexpr std::size_t kChannels = 8;

  explicit Qc9530(Qc9530Config config = {});
  SerialIdentity identity() const override;
  void receive(std::span<const std::uint8_t> bytes, Picoseconds now) override;
  void collect(std::vector<std::uint8_t>& out, Picoseconds now) override;
  Picoseconds next_due() const override;
  /// The adapter's cable: the generator has a supply of its own and runs on.
  void power_cycle() override;
  void cycle_mains();  // off, and its settings are gone

  bool running() const { return running_; }
  bool triggers() const;  // a pulse leaves it on some channel
  std::uint64_t times_started() const { return starts_; }
  void delay_answers(Picoseconds by) { delay_ = by; }

 private:
  struct Channel {
    bool on = false, inverted = false;
    double width = 1e-6, delay = 0, amplitude = 4;
  };
  struct Saying {
    Picoseconds at;
    std::string text;
  };
  std::string obey(std::string_view line);
  std::string whole(std::string_view word, std::string_view value, bool asks);
  std::string channel(Channel& c, std::string_view word, std::string_view value, bool asks);

  const Qc9530Config config_;
  std::string line_;
  std::deque<Saying> sayings_;
  bool running_ = false;
  double period_ = 1e-3;
  std::string mode_ = "NORM";
  std::array<Channel, kChannels> channels_;
  std::uint64_t starts_ = 0;
  Picoseconds delay_, now_;
};

}  // namespace nicol::sim
