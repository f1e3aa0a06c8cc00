// SPDX-License-Identifier: Apache-2.0
// From settings to light: visits the slots in which a photon will reach Bob or a herald comes, prepares the state that
// Alice chose there, lets Eve have it, and turns it as the channel does.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "drivers/hal/photon_source.hpp"
#include "sim/devices/channel.hpp"
#include "sim/devices/light.hpp"
#include "sim/devices/source_tables.hpp"
#include "sim/eve/attack.hpp"

namespace nicol::sim {

struct Slots {
  std::uint64_t begin = 0, end = 0;
};
enum class Path : std::uint8_t { open, blocked };

/// All draws are of streams keyed by the block and taken in slot order, so how a block is cut into chunks and batches
/// changes nothing.
class Emitter {
 public:
  Emitter(const Scenario& scenario, std::uint64_t seed, const EveOptions& eve);

  void begin_block(std::uint32_t block, Picoseconds slot_zero, Picoseconds period);
  /// The block goes on after a pause: slot 0 would have been at another time. The draws go on where they were.
  void resume_block(Picoseconds slot_zero);
  /// Draws these slots of the chunk until the batch is full or the heralds' room is used up; appends to both and
  /// returns the first slot not drawn. batch.header.first_slot must be set.
  std::uint64_t emit(const hal::PatternChunk& chunk, Slots slots, Path path, LightBatch& batch,
                     std::vector<std::uint64_t>& heralds);
  /// One motorised slot: linear polarisation as given, `passed` of the light left after the waveplate.
  void fire(std::uint64_t slot, Angle polarisation, double passed, Path path, LightBatch& batch,
            std::vector<std::uint64_t>& heralds);

  const EveRecord& eve() const { return attack_.record(); }

 private:
  struct Happening {
    bool herald = false, photon = false;
  };
  void look_at_channel(std::uint64_t slot);
  Happening draw_happening();
  std::size_t draw_photons(std::size_t state);
  void send(std::uint64_t slot, std::size_t state, const PhotonState& arriving, std::size_t photons, LightBatch& batch);
  void send_through_eve(std::uint64_t slot, std::size_t state, const PhotonState& prepared, std::size_t photons,
                        LightBatch& batch);
  std::int32_t draw_time(std::size_t state);
  PhotonState turned(const PhotonState& p) const;
  Picoseconds start_of(std::uint64_t slot) const { return slot_zero_ + period_ * static_cast<std::int64_t>(slot); }

  const Scenario scenario_;
  const std::uint64_t seed_;
  const double receiver_share_;  // of the photons at Bob's entrance that his best detector would see
  Channel channel_;
  Attack attack_;
  SourceTables tables_;
  std::array<PhotonState, 4> states_{}, turned_states_{};  // as prepared; behind the channel
  std::array<float, 9> rotation_{};
  double tabulated_ = -1;  // transmittance that tables_ were made for

  std::array<double, 4> centre_{}, width_{};  // of a photon's time after its slot's start, ps

  std::uint32_t block_ = 0;
  Picoseconds slot_zero_, period_{1};
  CounterStream stream_;
  std::optional<std::uint64_t> next_;  // slot of the next event, drawn ahead
  std::uint64_t constant_until_ = 0;   // slot from which the channel may differ
};

}  // namespace nicol::sim
