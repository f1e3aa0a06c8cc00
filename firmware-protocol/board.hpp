// SPDX-License-Identifier: Apache-2.0
// What hardware does, and nothing of what is allowed: Firmware decides when these are called. Every call is cheap and
// does not block; those that make safe must work at any time and cannot fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "firmware-protocol/codes.hpp"
#include "firmware-protocol/message.hpp"

namespace nicol::fw {

enum class Done : std::uint8_t { no, yes };

struct AxisState {
  std::int64_t position = 0;
  bool moving = false, homed = false, fault = false;
};
struct Tag {
  std::uint64_t tick = 0;  // since start_tags()
  std::uint32_t channel = 0;
};
/// What read_tags() took out of the FIFO, in order: first `lost` events that were lost after everything read before,
/// then `count` tags. A read stops in front of a gap, so that each loss is told at its place.
struct TagRead {
  std::size_t count = 0;
  std::uint64_t lost = 0;
  /// Every event before this tick has now been read or counted as lost. Never goes back, never beyond the tick of a
  /// tag still in the FIFO.
  std::uint64_t complete_until = 0;
};

class Board {
 public:
  virtual const Description& description() const noexcept = 0;
  /// Of the link's bulk packets (512, or 64 at full speed): no frame is a multiple of it. 0 on a serial line.
  virtual std::size_t packet_bytes() const noexcept = 0;
  /// Unpredictable, never twice the same.
  virtual std::uint64_t random() noexcept = 0;

  // Light. A board without a source keeps the defaults.
  virtual void emission(Switch) noexcept {}
  virtual void light_level(Light) noexcept {}
  virtual Loop interlock() noexcept { return Loop::absent; }
  virtual Loop key_switch() noexcept { return Loop::absent; }
  virtual Done hardware_ok() noexcept { return Done::yes; }  // no: temperature, supply, bias out of range

  // Pattern player. Chunks come in order, each where the one before ended, and never more slots than are free.
  virtual Done configure_source(const SourceConfig&) noexcept { return Done::no; }
  /// Copies the bits: the spans are gone afterwards.
  virtual Done queue_pattern(const PatternChunk&) noexcept { return Done::no; }
  /// Forgets what waits in the queue; the next chunk may begin anywhere.
  virtual void clear_pattern() noexcept {}
  /// Begins with run.first_slot as soon as its pattern is there: frame marker, then pulses and sync. Runs until the
  /// pattern is dry (at a chunk border) or block_slots have left.
  virtual Done run_pattern(const SourceRun&) noexcept { return Done::no; }
  virtual void stop_pattern() noexcept {}  // pulses and sync off at once; next_slot stays
  /// state is idle, waiting, running, dry, finished or stopped.
  virtual SourceStatus source() noexcept { return {}; }

  // Shutters, attenuators.
  virtual void shutter(std::size_t, Gate) noexcept {}
  virtual Gate shutter(std::size_t) noexcept { return Gate::closed; }
  virtual Done attenuation(std::size_t, std::int64_t /*thousandths of a dB*/) noexcept { return Done::no; }
  virtual std::int64_t attenuation(std::size_t) noexcept { return 0; }
  virtual void attenuator_maximum(std::size_t) noexcept {}

  // Motors.
  virtual Done start_move(std::size_t, std::int64_t /*absolute counts*/) noexcept { return Done::no; }
  virtual Done start_home(std::size_t) noexcept { return Done::no; }
  virtual void hold(std::size_t) noexcept {}  // stops where it is, keeps its torque
  virtual AxisState axis(std::size_t) noexcept { return {}; }

  // Detectors: their enable (gating, bias) lines and what they count, whether or not tags are streamed.
  virtual void detector(std::size_t, Switch) noexcept {}
  virtual Switch detector(std::size_t) noexcept { return Switch::off; }
  virtual std::uint64_t detector_events(std::size_t) noexcept { return 0; }
  virtual Done detector_bias(std::size_t, std::int64_t /*millivolts*/) noexcept { return Done::no; }
  virtual std::int64_t detector_bias(std::size_t) noexcept { return 0; }

  // Pins.
  virtual Switch digital_in(std::size_t) noexcept { return Switch::off; }
  virtual void digital_out(std::size_t, Switch) noexcept {}
  virtual Switch digital_out(std::size_t) noexcept { return Switch::off; }
  virtual std::int64_t analog_in(std::size_t) noexcept { return 0; }    // microvolts
  virtual std::int64_t temperature(std::size_t) noexcept { return 0; }  // thousandths of a degree Celsius

  // Tagger.
  virtual Done configure_channel(std::size_t, const ChannelConfig&) noexcept { return Done::no; }
  virtual ChannelConfig channel(std::size_t) noexcept { return {}; }
  virtual ChannelCounters channel_counters(std::size_t) noexcept { return {}; }
  virtual void start_tags() noexcept {}  // empties the FIFO, zeroes the tick and the counters
  virtual void stop_tags() noexcept {}
  virtual TagRead read_tags(std::span<Tag>) noexcept { return {}; }
  virtual std::uint64_t tick() noexcept { return 0; }  // now, since start_tags()

 protected:
  ~Board() = default;
};

}  // namespace nicol::fw
