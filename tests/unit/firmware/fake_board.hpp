// SPDX-License-Identifier: Apache-2.0
// A board of which everything can be seen and set: public state, and a log of what the firmware did to it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "firmware-protocol/board.hpp"

namespace nicol::fw::test {

inline Description full_description() {
  Description d;
  d.serial = Text("NB-0001");
  d.model = Text("fake");
  d.firmware = Text("0123456789abcdef0123456789abcdef01234567");
  d.tagger = {.channels = 8,
              .tick_num = 1000,
              .tick_den = 256,
              .word_formats = 1,
              .max_rate_hz = 10'000'000,
              .fifo_depth = 4096,
              .jitter_ps = 40,
              .dead_time_ps = 5000};
  d.axes[0] = {.counts_num = 143360, .counts_den = 360, .max_speed_mdeg = 430'000, .travel_mdeg = 0};
  d.axes[1] = d.axes[0];
  d.axis_count = 2;
  d.source = {.min_slot_ps = 100'000,
              .max_slot_ps = 1'000'000'000,
              .buffer_slots = 4096,
              .intensities = 4,
              .has_interlock = true,
              .self_safing = true};
  d.shutters = 2;
  d.self_closing_shutters = 1;
  d.attenuators = 1;
  d.digital_inputs = d.digital_outputs = 4;
  d.analog_inputs = 2;
  d.thermistors = 1;
  d.detectors = {.count = 4, .max_rate_limit_hz = 1'000'000};
  return d;
}

/// What can be copied and put back: the model check walks a tree of these.
struct BoardState {
  Switch emission = Switch::off;
  Light light = Light::off;
  Loop interlock = Loop::closed, key = Loop::closed;
  Done healthy = Done::yes;
  std::array<Gate, 8> shutters{};
  std::array<std::int64_t, 8> attenuation{};
  std::array<AxisState, 8> axes{};
  std::array<Switch, 16> detectors{};
  std::array<std::uint64_t, 16> detector_events{};
  std::array<Switch, 8> outputs{};
  std::array<ChannelConfig, 12> channels{};
  SourceStatus player{Player::idle, 0, 4096, 0};
  std::uint64_t random = 0, tick = 0;
  int emissions_on = 0, moves = 0;
};

class FakeBoard final : public Board {
 public:
  Description about = full_description();
  std::size_t packet = 512;
  BoardState is;
  std::deque<Tag> fifo;  // tags, and of channel 0xFFFF: `tick` events lost here
  std::uint64_t complete_until = 0;
  bool tags_on = false;
  std::vector<std::string>* log = nullptr;  // what was done, when somebody wants to know
  std::vector<PatternChunk> chunks;         // first_slot, slots, flags of what was queued
  std::vector<SourceRun> runs;

  static constexpr std::uint32_t kLossMark = 0xFFFF;
  void lose(std::uint64_t events) { fifo.push_back({events, kLossMark}); }

  const Description& description() const noexcept override { return about; }
  std::size_t packet_bytes() const noexcept override { return packet; }
  std::uint64_t random() noexcept override { return ++is.random * 0x9E3779B97F4A7C15U; }

  void emission(Switch to) noexcept override {
    note(to == Switch::on ? "emission on" : "emission off");
    if (to == Switch::on) ++is.emissions_on;
    is.emission = to;
  }
  void light_level(Light level) noexcept override { is.light = level; }
  Loop interlock() noexcept override { return is.interlock; }
  Loop key_switch() noexcept override { return is.key; }
  Done hardware_ok() noexcept override { return is.healthy; }

  Done configure_source(const SourceConfig&) noexcept override { return Done::yes; }
  Done queue_pattern(const PatternChunk& chunk) noexcept override {
    chunks.push_back({chunk.first_slot, chunk.slots, chunk.flags, {}, {}});
    is.player.free_slots -= chunk.slots;
    if (is.player.state == Player::waiting) is.player.state = Player::running;
    return Done::yes;
  }
  void clear_pattern() noexcept override { is.player.free_slots = about.source.buffer_slots; }
  Done run_pattern(const SourceRun& run) noexcept override {
    runs.push_back(run);
    is.player.next_slot = run.first_slot;
    is.player.state = is.player.free_slots == about.source.buffer_slots ? Player::waiting : Player::running;
    return Done::yes;
  }
  void stop_pattern() noexcept override {
    note("pattern stop");
    if (is.player.state != Player::idle) is.player.state = Player::stopped;
  }
  SourceStatus source() noexcept override { return is.player; }
  /// Slots leave; the player goes dry when there are no more.
  void play(std::uint32_t slots) {
    const std::uint32_t queued = about.source.buffer_slots - is.player.free_slots, played = std::min(slots, queued);
    is.player.free_slots += played;
    is.player.next_slot += played;
    if (is.player.next_slot >= runs.back().block_slots) {
      is.player.state = Player::finished;
    } else if (played == queued) {
      is.player.state = Player::dry;
      ++is.player.underruns;
    }
  }

  void shutter(std::size_t k, Gate to) noexcept override {
    note(to == Gate::open ? "shutter open" : "shutter closed");
    is.shutters[k] = to;
  }
  Gate shutter(std::size_t k) noexcept override { return is.shutters[k]; }
  Done attenuation(std::size_t k, std::int64_t to) noexcept override {
    is.attenuation[k] = to;
    return to >= 0 && to <= 60'000 ? Done::yes : Done::no;
  }
  std::int64_t attenuation(std::size_t k) noexcept override { return is.attenuation[k]; }
  void attenuator_maximum(std::size_t k) noexcept override {
    note("attenuator maximum");
    is.attenuation[k] = 60'000;
  }

  Done start_move(std::size_t k, std::int64_t to) noexcept override {
    ++is.moves;
    is.axes[k].position = to;
    is.axes[k].moving = true;
    return Done::yes;
  }
  Done start_home(std::size_t k) noexcept override {
    is.axes[k] = {0, true, true, false};
    return Done::yes;
  }
  void hold(std::size_t k) noexcept override {
    note("motor hold");
    is.axes[k].moving = false;
  }
  AxisState axis(std::size_t k) noexcept override { return is.axes[k]; }

  void detector(std::size_t k, Switch to) noexcept override {
    note(to == Switch::on ? "detector on" : "detector off");
    is.detectors[k] = to;
  }
  Switch detector(std::size_t k) noexcept override { return is.detectors[k]; }
  Done detector_bias(std::size_t, std::int64_t millivolts) noexcept override {
    return millivolts >= 0 ? Done::yes : Done::no;
  }
  std::int64_t detector_bias(std::size_t) noexcept override { return 0; }
  std::uint64_t detector_events(std::size_t k) noexcept override { return is.detector_events[k]; }

  void digital_out(std::size_t k, Switch to) noexcept override { is.outputs[k] = to; }
  Switch digital_out(std::size_t k) noexcept override { return is.outputs[k]; }
  std::int64_t analog_in(std::size_t k) noexcept override { return static_cast<std::int64_t>(k) * 1'650'000; }
  std::int64_t temperature(std::size_t) noexcept override { return -20'500; }

  Done configure_channel(std::size_t k, const ChannelConfig& to) noexcept override {
    is.channels[k] = to;
    return Done::yes;
  }
  ChannelConfig channel(std::size_t k) noexcept override { return is.channels[k]; }
  ChannelCounters channel_counters(std::size_t k) noexcept override { return {100 + k, k}; }
  void start_tags() noexcept override {
    fifo.clear();
    complete_until = 0;
    tags_on = true;
  }
  void stop_tags() noexcept override { tags_on = false; }
  TagRead read_tags(std::span<Tag> out) noexcept override {
    TagRead read;
    while (!fifo.empty() && fifo.front().channel == kLossMark) {
      read.lost += fifo.front().tick;
      fifo.pop_front();
    }
    while (!fifo.empty() && fifo.front().channel != kLossMark && read.count < out.size()) {
      out[read.count++] = fifo.front();
      fifo.pop_front();
    }
    const bool tag_waits = !fifo.empty() && fifo.front().channel != kLossMark;
    read.complete_until = tag_waits ? fifo.front().tick : fifo.empty() ? complete_until : 0;
    return read;
  }
  std::uint64_t tick() noexcept override { return is.tick; }

 private:
  void note(const char* what) {
    if (log != nullptr) log->push_back(what);
  }
};

}  // namespace nicol::fw::test
