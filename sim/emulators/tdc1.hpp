// SPDX-License-Identifier: Apache-2.0
// The far end of an S-Fifteen TDC1: its text commands, and its stream of 2 ns words with dummies, wraps and a FIFO
// that really runs over. Light comes from a callback, so that an optical bench can feed it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/hal/random.hpp"
#include "sim/emulators/emulator.hpp"

namespace nicol::sim {

struct Tdc1Tag {
  Picoseconds time;
  unsigned channel = 0;  // 0..3
};
/// Appends the tags of [begin, end) in order of time. Windows come in order and do not overlap.
using Tdc1Light = std::function<void(Picoseconds begin, Picoseconds end, std::vector<Tdc1Tag>& out)>;
/// Independent Poisson arrivals at these rates (Hz), the same for the same key.
Tdc1Light poisson_light(std::array<double, 4> rates, std::uint64_t seed);

/// Wrong devices, that a driver's tests must notice.
enum class Tdc1Mutant : std::uint8_t {
  none,
  swaps_inputs,  // 0 and 1
  misses_wraps   // silent through every second period of its clock
};
enum class Tdc1Terminator : std::uint8_t { once, twice };
/// Whether a FIFO overflow stays in the status word until *RST or goes when it is read. Not known of the real device.
enum class Tdc1OverflowBit : std::uint8_t { stays, clears };
enum class Tdc1StatusInStream : std::uint8_t { answers, silent };

struct Tdc1Options {
  std::string serial = "TDC1-0042";
  Tdc1Light light;  // none: dark
  Picoseconds dummy_every{140'000'000'000};
  double fifo_words = 16'384, drained_hz = 4e6;
  Tdc1Mutant mutant = Tdc1Mutant::none;
  Tdc1Terminator terminator = Tdc1Terminator::once;
  Tdc1OverflowBit overflow_bit = Tdc1OverflowBit::clears;
  Tdc1StatusInStream in_stream = Tdc1StatusInStream::answers;
};

class Tdc1Emulator final : public SerialEmulator {
 public:
  explicit Tdc1Emulator(Tdc1Options options);

  SerialIdentity identity() const override;
  void receive(std::span<const std::uint8_t> bytes, Picoseconds now) override;
  void collect(std::vector<std::uint8_t>& out, Picoseconds now) override;
  Picoseconds next_due() const override;
  void power_cycle() override;

  /// For tests: these tags come next, relative to the run's beginning, beside what the light gives.
  void add_tags(std::vector<Tdc1Tag> tags);
  /// Time of the device's counter: since the run began.
  Picoseconds run_time(Picoseconds now) const { return now - run_began_; }
  bool streaming() const { return gate_ == Gate::stream; }
  void set_light(Tdc1Light light) { options_.light = std::move(light); }
  std::uint64_t runs() const { return runs_; }
  std::uint64_t lost_words() const { return lost_words_; }
  std::uint64_t events() const { return events_; }
  const std::string& level() const { return level_; }
  int reference_clock() const { return reference_clock_; }

 private:
  enum class Mode : std::uint8_t { singles = 0, pairs = 1, timestamp = 3 };
  enum class Gate : std::uint8_t { closed, count, stream };

  void end_of_line(Picoseconds now);
  void execute(std::string_view command, Picoseconds now);
  bool set_mode(std::string_view command);
  bool set_level(std::string_view command);
  bool query(std::string_view command);
  bool set_number(std::string_view command);
  void reset();
  void open_gate(Picoseconds now);
  void status();
  void say(std::string_view text);

  void advance(Picoseconds now);
  void count_until(Picoseconds end);
  std::string counts_text() const;
  void stream_until(Picoseconds end);
  void gather(Picoseconds begin, Picoseconds end);
  void hit(const Tdc1Tag& tag);
  void flush_word();
  void dummies_until(std::int64_t tick);
  void put_word(std::int64_t tick, std::uint32_t low_bits);

  Tdc1Options options_;
  std::string line_, held_line_, level_ = "NIM";
  Mode mode_ = Mode::singles;
  Gate gate_ = Gate::closed;
  int time_ms_ = 1000, reference_clock_ = 0;
  bool overflow_ = false;
  std::vector<std::uint8_t> said_;

  Picoseconds run_began_, generated_;  // emulator time
  std::vector<Tdc1Tag> extra_, tags_;
  std::optional<std::int64_t> open_tick_;  // the word that may still get another input
  std::uint32_t open_inputs_ = 0;
  std::int64_t last_tick_ = 0;
  double level_words_ = 0;
  std::int64_t level_tick_ = 0;
  std::array<std::uint64_t, 4> counts_{}, pairs_{};
  std::uint64_t runs_ = 0, lost_words_ = 0, events_ = 0;
};

}  // namespace nicol::sim
