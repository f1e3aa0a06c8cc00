// SPDX-License-Identifier: Apache-2.0
// What a routine works on: the node's own rig and the peer's, with a way to say how far it is, to be stopped, and to
// have everything put back.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "controller/calibration/plates.hpp"
#include "controller/calibration/progress.hpp"
#include "drivers/hal/rig.hpp"

namespace nicol::calibration {

struct Report;
class Heralds;

struct BenchOptions {
  const Deadlines* deadlines = nullptr;           // outlives the bench; empty: steady time
  std::function<void(const Progress&)> progress;  // called from the routine's thread
  std::chrono::seconds patience{60};              // for one move
  std::uint64_t seed = 1;                         // of the states that light is sent in; everybody may know it
  /// The last record of a routine that passed, or nullptr.
  std::function<const Report*(std::string_view routine)> last = {};
  /// Sees every block of tags before anybody else: an error (bright light) ends the routine. Empty: nobody looks.
  std::function<Result<void>(const hal::TagBlock&)> guard = {};
  /// Of the other side's light, where that is another process; outlives the bench.
  Heralds* heralds = nullptr;
  /// Of the light at the source's output, what makes a click in its gate, at least; 0: nobody has said.
  double transmission_at_least = 0;
  /// Whether what a routine found is good enough: an error fails it. Empty: everything is.
  std::function<Result<void>(Report&)> judge = {};
  std::optional<Deadline> until = {};  // a routine still under way then is cancelled
};

/// Not thread-safe, but for the stop token.
class Bench {
 public:
  /// `own` receives, `remote` sends (its devices may be proxies); both outlive the bench.
  Bench(hal::Rig& own, hal::Rig& remote, std::stop_token stop, BenchOptions options);
  ~Bench();

  hal::Rig& own() const { return *own_; }
  hal::Rig& remote() const { return *remote_; }
  const Deadlines& deadlines() const { return *deadlines_; }
  Deadline patience() const { return deadlines_->in(options_.patience); }

  /// A routine begins: what it counts, from nothing; how many steps it will have.
  void begin(std::string routine, int steps);
  /// The next step; cancelled where somebody has asked to stop.
  Result<void> step(std::string name);
  /// Within a step: cancelled where somebody has asked to stop, or the time is up.
  Result<void> go_on() const;
  /// Every block of tags goes through here first.
  Result<void> see(const hal::TagBlock& block) const { return options_.guard ? options_.guard(block) : Result<void>(); }
  Result<void> judge(Report& report) const { return options_.judge ? options_.judge(report) : Result<void>(); }
  std::uint64_t photons() const { return photons_; }
  void add_photons(std::uint64_t detected) { photons_ += detected; }
  std::uint64_t moves() const { return moves_; }
  double seconds() const;
  /// What this routine found when it last passed; nullptr: not known.
  const Report* last_record(std::string_view routine) const { return options_.last ? options_.last(routine) : nullptr; }
  /// Another seed each time.
  std::uint64_t next_seed() { return options_.seed + ++seeds_; }

  double transmission_at_least() const { return options_.transmission_at_least; }
  /// The other side's light counts in the slots with a herald there.
  bool heralded() const;
  /// What tells those; nullptr: nothing does.
  Heralds* heralds() const { return heralds_; }

  std::size_t plates() const { return own_->compensator.size(); }
  /// Where the fast axes stand by what the rig knows of their mounts.
  Result<Angle> plate(std::size_t index);
  Result<void> turn_plate(std::size_t index, Angle axis);
  /// All that move, one after the other. not_supported: the rig has no quarter-half-quarter compensator.
  Result<PlateAngles> plate_angles();
  Result<void> turn_plates(const PlateAngles& axes);
  /// The mount itself, as its scale says. not_found: the rig has none in that role.
  Result<Angle> mount(std::size_t index);
  Result<hal::AxisInfo> mount_axis(std::size_t index);
  Result<void> turn_mount(std::size_t index, Angle position);
  /// What a mount's scale says less what its plate's axis does, by what the rig knows.
  Angle believed_offset(std::size_t index) const { return own_->compensator[index].fast_axis_offset; }

 private:
  Result<hal::Waveplate> optic(std::size_t index);
  hal::Rig *own_, *remote_;
  std::stop_token stop_;
  BenchOptions options_;
  std::unique_ptr<Heralds> own_heralds_;
  Heralds* heralds_;
  SteadyDeadlines steady_;
  const Deadlines* deadlines_;
  std::string routine_;
  int steps_ = 1, step_ = 0;
  std::uint64_t photons_ = 0, moves_ = 0, seeds_ = 0;
  std::chrono::steady_clock::time_point began_;
};

/// No light leaves and none comes in; what is armed stays armed.
void rest(hal::Rig& rig) noexcept;

/// What of a rig a routine may change: positions, shutters, detectors, light, attenuation, thresholds.
class RigState {
 public:
  static RigState of(const hal::Rig& rig);
  /// Dark first, then as it was. What could not be put back is named with the reason; empty: all is back.
  std::vector<std::string> restore(hal::Rig& rig, const Bench& bench) const;
  /// As text or number by device, for a record.
  hal::State described() const;

 private:
  struct Entry {
    std::string name;
    std::optional<Angle> position;
    std::optional<bool> open, enabled;
    std::optional<hal::LightLevel> light;
    std::optional<Decibels> attenuation;
    std::vector<Volts> thresholds;  // of a tagger's channels
  };
  static Entry look(const hal::Rig::Entry& entry);
  static Result<void> put_back(std::span<const Volts> thresholds, hal::TimeTagger& tagger);
  static Result<void> put_back(const Entry& entry, hal::Device& device, const Bench& bench);
  std::vector<Entry> entries_;
};

}  // namespace nicol::calibration
