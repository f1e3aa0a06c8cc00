// SPDX-License-Identifier: Apache-2.0
// The far end of a LectroTIC-4: text commands, eight-byte records that come input by input every 100 ms, a buffer that
// runs over, and pulses lost of which it speaks only once nothing else waits.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/emulators/emulator.hpp"
#include "sim/emulators/tdc1.hpp"  // its light

namespace nicol::sim {

/// Wrong devices, that a driver's tests must notice.
enum class LectroticMutant : std::uint8_t {
  none,
  swaps_inputs,    // 0 and 1
  hides_losses,    // never says that pulses were lost
  forgets_seconds  // its seconds stand still
};
/// Whether questions are answered while records stream. Not known of the real device.
enum class LectroticInStream : std::uint8_t { answers, silent };

struct LectroticOptions {
  std::string serial = "LT4-0042";
  Tdc1Light light;                 // none: dark
  std::int64_t up_seconds = 5293;  // since it was switched on, when the emulator begins
  Picoseconds service{100'000'000'000};
  std::size_t buffer = 16'384;
  double records_per_second = 150e3;  // USB full speed
  Picoseconds dead_time{100'000};
  LectroticMutant mutant = LectroticMutant::none;
  LectroticInStream in_stream = LectroticInStream::answers;
};

class LectroticEmulator final : public SerialEmulator {
 public:
  explicit LectroticEmulator(LectroticOptions options = {}) : options_(std::move(options)) { reset(); }

  SerialIdentity identity() const override;
  void receive(std::span<const std::uint8_t> bytes, Picoseconds now) override;
  void collect(std::vector<std::uint8_t>& out, Picoseconds now) override;
  Picoseconds next_due() const override;
  void power_cycle() override;

  /// For tests: pulses at these times of the emulator, beside what the light gives.
  void add_tags(std::vector<Tdc1Tag> tags);
  void set_light(Tdc1Light light) { options_.light = std::move(light); }
  void fail_reference() { reference_ = Reference::failed; }
  bool streaming() const { return streaming_ && binary_; }
  std::size_t waiting() const { return extra_.size() + buffer_.size(); }
  std::uint64_t clears() const { return clears_; }
  std::uint64_t asked() const { return asked_; }
  std::uint64_t lost() const { return lost_; }
  std::string slope(std::size_t input) const { return inputs_[input].falling ? "NEG" : "POS"; }
  std::int64_t divider(std::size_t input) const { return inputs_[input].divider; }

 private:
  enum class Reference : std::uint8_t { locked, failed, said };
  struct Input {
    bool falling = false;
    std::int64_t divider = 1, count = 0;
    std::optional<Picoseconds> last;
    std::uint64_t too_close = 0, overflowed = 0;
  };
  struct Record {
    std::uint32_t seconds = 0, word = 0;
  };

  void reset();
  void execute(std::string_view line, Picoseconds now);
  bool set_input(std::string_view line);
  bool set_output(std::string_view line);
  void ask(std::string_view line);
  void clear();
  void say(std::string_view text);
  void say(const Record& record);
  std::string as_text(const Record& record) const;

  void advance(Picoseconds now);
  void service(Picoseconds now);
  void capture(const Tdc1Tag& tag, std::size_t input);
  void drain(Picoseconds now);
  void report_losses();

  LectroticOptions options_;
  std::string line_;
  std::vector<std::uint8_t> said_;
  std::array<Input, 4> inputs_{};
  std::deque<Record> buffer_;
  std::vector<Tdc1Tag> extra_, tags_;
  bool streaming_ = true, binary_ = false;
  int error_ = 0;
  Reference reference_ = Reference::locked;
  std::optional<Picoseconds> on_;  // when it got power
  Picoseconds serviced_, drained_;
  std::uint64_t clears_ = 0, lost_ = 0, asked_ = 0;
};

}  // namespace nicol::sim
