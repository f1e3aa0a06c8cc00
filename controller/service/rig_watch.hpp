// SPDX-License-Identifier: Apache-2.0
// Looks after the rig while a node runs: cables, and whether everything in the light still stands as it was set. What
// was emitted or detected before a look that found all well is confirmed; after it, nothing is until the next one.
#pragma once

#include <optional>
#include <string>

#include "controller/session/session.hpp"
#include "drivers/hal/rig.hpp"

namespace nicol::service {

/// Where a glitch was seen; says which slots it leaves in doubt.
enum class Doubt : std::uint8_t {
  source,  // since the last chunk that went out whole
  tagger,  // since the last complete slot
  rig,     // since the last look at the rig
  peer     // none of this side's
};

/// Glitches pause the light until they are healed; other errors end the block. For errors that devices return.
bool is_glitch(const Error& error) noexcept;
/// What a detector that shut itself off because of too much light says (Code::over_rate), if it did.
std::optional<Error> over_rate_of(hal::Detector& detector);
session::PauseReason pause_reason(const Error& error) noexcept;

struct RigFault {
  std::string device, serial;  // its name in the rig
  Doubt doubt = Doubt::rig;
  Error error;
};

class RigWatch {
 public:
  /// Both outlive the watch.
  RigWatch(const hal::Rig& rig, const Deadlines& deadlines) : rig_(&rig), deadlines_(&deadlines) {}

  enum class Expect : std::uint8_t { unused, dark, light };
  struct Look {
    std::optional<RigFault> fault;
    bool confirmed = false;  // everything was looked at now, and all is well
  };
  /// Looks at what is due: links every 50 ms, settings every 100 ms. Unused between blocks: links alone count. Dark:
  /// the compensator must stand. Light: the shutter and the detectors of the light path are open and on as well.
  Look look(Expect expect);
  /// Looks at everything now.
  Look look_now(Expect expect);
  /// Whatever became of source and tagger: all else is linked and stands as it should, now.
  bool stands(Expect expect) const;
  /// The first device without a link, if any, at once.
  std::optional<RigFault> unplugged() const;

 private:
  std::optional<RigFault> unsettled(Expect expect) const;
  std::optional<RigFault> blinded() const;
  const hal::Rig* rig_;
  const Deadlines* deadlines_;
  Deadline links_due_{std::chrono::steady_clock::time_point::min()}, settings_due_ = links_due_;
};

}  // namespace nicol::service
