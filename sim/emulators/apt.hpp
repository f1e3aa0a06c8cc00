// SPDX-License-Identifier: Apache-2.0
// The far end of Thorlabs' APT protocol: a K10CR1 mount, a KDC101 with a PRM1-Z8, MPC320 paddles or an MFF101 flipper
// on one USB serial port, with the habits that drivers trip over. Written from the protocol, not from our driver.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/emulators/apt_axis.hpp"
#include "sim/emulators/emulator.hpp"

namespace nicol::sim {

enum class AptModel : std::uint8_t { k10cr1, kdc101, mpc320, mff101 };
/// A device that a driver must not believe.
enum class AptMutant : std::uint8_t {
  none,
  ignores_moves,  // homes, but no move moves it
  echoes_target,  // stands, and says at once that it is where it was sent
  swaps_paddles   // moves the second paddle when the first is meant, and the other way round
};

struct AptOptions {
  AptModel model = AptModel::k10cr1;
  std::string serial = "55000123";
  double power_up = 33;  // degrees where the optic wakes up
  AptMutant mutant = AptMutant::none;
  int stray_zero_every = 7;          // a 0x00 before each so-manieth message; 0: never
  int unknown_every = 11;            // a message no document names
  bool updating_at_start = false;    // the last host left without stopping the 10 Hz updates
  std::optional<double> upper_stop;  // degrees at which a limit switch ends moves; paddles have theirs
  std::string model_text;            // what it says it is; empty: what it is
};

class AptEmulator final : public SerialEmulator {
 public:
  explicit AptEmulator(AptOptions options);

  SerialIdentity identity() const override;
  void receive(std::span<const std::uint8_t> bytes, Picoseconds now) override;
  void collect(std::vector<std::uint8_t>& out, Picoseconds now) override;
  Picoseconds next_due() const override;
  void power_cycle() override;

  // For whoever stands beside it. Channels count from 0.
  double optic(std::size_t channel, Picoseconds now) const { return axes_.at(channel).optic(now); }
  /// Flip mirror: 1 or 2, 0 on its way.
  int mirror(Picoseconds now) const;
  void stall_next_move() {
    for (AptAxis& a : axes_) a.stall_next = true;
  }
  void raise_status(std::uint32_t bits) { extra_status_ |= bits; }
  void clear_status() { extra_status_ = 0; }
  void complain(std::uint16_t about, std::uint16_t code, std::string_view text);  // 0x0081
  void complain_briefly();                                                        // 0x0080
  void go_mute(bool mute) { mute_ = mute; }                                       // hears, moves, says nothing
  std::uint64_t moves_begun() const { return moves_begun_; }
  std::uint64_t alive_messages() const { return alive_; }
  bool updating() const { return updating_; }
  bool gone_quiet() const { return unacknowledged_ >= kPatience; }
  std::uint64_t goodbyes() const { return goodbyes_; }

  static constexpr int kPatience = 50;  // status messages without a "server alive"

 private:
  struct Command {
    std::uint16_t id = 0;
    std::uint8_t p1 = 0, p2 = 0;
    std::span<const std::uint8_t> data;
  };
  void parse();
  void obey(const Command& command);
  void obey_motion(const Command& command);
  void move(std::size_t channel, std::int32_t counts);
  void move_home(std::size_t channel);
  void flip(std::uint8_t position);
  void set_velocity(std::size_t channel, std::span<const std::uint8_t> data);
  void run_until(Picoseconds now);
  void end_moves();
  void update_all();

  std::size_t channel_index(unsigned channel_bit) const;
  std::uint16_t channel_bit(std::size_t index) const { return static_cast<std::uint16_t>(1u << index); }
  std::uint32_t status_of(std::size_t index) const;
  std::int32_t counts_of(std::size_t index) const;
  std::vector<std::uint8_t> report(std::size_t index) const;
  void say(std::uint16_t id, std::uint8_t p1, std::uint8_t p2 = 0);
  void say_long(std::uint16_t id, const std::vector<std::uint8_t>& data);
  void say_status(std::uint16_t id, std::size_t index);
  void say_info();
  void emit(const std::vector<std::uint8_t>& bytes);

  AptOptions options_;
  std::vector<AptAxis> axes_;
  std::vector<std::int32_t> echoed_;  // of the mutant that echoes
  std::vector<std::uint8_t> in_, out_;
  std::vector<std::uint8_t> velocity_, home_, paddles_;  // as last set
  Picoseconds now_, next_update_;
  bool updating_ = false, mute_ = false;
  int unacknowledged_ = 0;
  int mirror_ = 1, mirror_to_ = 1;
  Picoseconds mirror_done_;
  std::uint32_t extra_status_ = 0;
  std::uint64_t said_ = 0, moves_begun_ = 0, alive_ = 0, goodbyes_ = 0;
};

}  // namespace nicol::sim
