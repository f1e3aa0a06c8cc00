// SPDX-License-Identifier: Apache-2.0
// The far end of a CQT FX2 timestamp card: commands with a sum on endpoint 1, and on endpoint 2 the words of a FIFO
// that closes the inputs while it is too full. Light comes from a callback, so that an optical bench can feed it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/emulators/emulator.hpp"
#include "sim/emulators/tdc1.hpp"

namespace nicol::sim {

using Fx2Tag = Tdc1Tag;
using Fx2Light = Tdc1Light;

/// Wrong devices, that a driver's tests must notice.
enum class Fx2Mutant : std::uint8_t {
  none,
  swaps_inputs,   // 0 and 1
  hides_overflow  // says that its FIFO is fine, always
};
enum class Fx2Checksum : std::uint8_t { checked, ignored };

struct Fx2Options {
  std::string serial = "xx";  // what every card says
  Fx2Light light;             // none: dark
  std::size_t watermark = 3072;
  double drained_hz = 2.2e6;
  Fx2Checksum checksum = Fx2Checksum::checked;
  Fx2Mutant mutant = Fx2Mutant::none;
};

class Fx2Emulator final : public UsbEmulator {
 public:
  explicit Fx2Emulator(Fx2Options options);

  UsbIdentity identity() const override;
  int control(std::span<const std::uint8_t, 8> setup, std::span<std::uint8_t> data, Picoseconds now) override;
  int out(std::uint8_t endpoint, std::span<const std::uint8_t> bytes, Picoseconds now) override;
  int in(std::uint8_t endpoint, std::span<std::uint8_t> into, Picoseconds now) override;
  Picoseconds next_due() const override;
  void power_cycle() override;

  /// For tests: these tags come next, relative to the counter's zero, beside what the light gives.
  void add_tags(std::vector<Fx2Tag> tags);
  /// Bytes put into the stream where no event put them.
  void add_raw(const std::vector<std::uint8_t>& bytes);
  /// So many bytes of the stream are missing from here.
  void lose_bytes(std::size_t count) { missing_ += count; }
  void be_silent(bool silent) { silent_ = silent; }
  Picoseconds run_time(Picoseconds now) const { return now - zero_; }
  bool sampling() const { return running_ && !inhibited_; }
  std::uint64_t events() const { return events_; }
  std::uint64_t lost_events() const { return lost_; }
  std::uint64_t refused() const { return refused_; }
  std::uint64_t starts() const { return starts_; }
  std::uint16_t dac(unsigned channel) const { return dac_[channel & 7U]; }
  bool external_reference() const { return external_; }
  /// The board's own phases as text: "pattern:sixteenths,…".
  static std::string phase_table();

 private:
  void execute(std::uint8_t command, std::span<const std::uint8_t> arguments, Picoseconds now);
  void set_line(std::uint8_t command, std::span<const std::uint8_t> arguments, Picoseconds now);
  void answer(std::uint8_t item);
  void reset_counter(Picoseconds now);
  void advance(Picoseconds now);
  void gather(Picoseconds begin, Picoseconds end);
  void hit(const Fx2Tag& tag);
  void close_word();
  void put_word(std::int64_t tick, unsigned inputs);
  void drain(Picoseconds until);
  void put_byte(std::uint8_t byte);
  int events_in(std::span<std::uint8_t> into, Picoseconds now);
  bool flush_due(Picoseconds now) const;

  Fx2Options options_;
  std::array<std::uint16_t, 8> dac_{};
  bool external_ = false, inhibited_ = true, running_ = false, full_ = false, silent_ = false, flush_ = false;
  int autoflush_ = 0;
  std::deque<std::uint8_t> answers_, stream_;
  std::size_t missing_ = 0;

  Picoseconds zero_, generated_, last_byte_, now_;
  std::vector<Fx2Tag> extra_, tags_;
  std::optional<std::int64_t> open_tick_;
  unsigned open_inputs_ = 0;
  double level_ = 0;  // events in the FIFO
  Picoseconds level_at_;
  std::uint64_t events_ = 0, lost_ = 0, refused_ = 0, starts_ = 0;
};

}  // namespace nicol::sim
