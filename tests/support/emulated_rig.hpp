// SPDX-License-Identifier: Apache-2.0
// A node's rig as a lab has it, without a lab: real drivers over fake cables to emulated instruments, which one half of
// the simulated bench feeds with light.
#pragma once

#include <memory>
#include <vector>

#include "controller/app/setup.hpp"
#include "tests/support/emulated_pump.hpp"
#include "tests/support/fake_tty.hpp"
#include "tests/support/fake_usb.hpp"

namespace nicol::test {

/// The instruments of up to one Alice and one Bob, and their cables. Outlives the rigs it makes.
class EmulatedLab {
 public:
  EmulatedLab();
  ~EmulatedLab();
  EmulatedLab(const EmulatedLab&) = delete;
  EmulatedLab& operator=(const EmulatedLab&) = delete;

  /// For app::Hooks::rig. Alice: a rig board with source, tagger, shutter; with an entangled source a laser driver as
  /// its pump, an oven, and a rig board with her tagger, shutter and detectors. Bob: a rig board with tagger, shutter,
  /// detectors, and a bus of ELL14 mounts as his compensator. In real time unless the node's speed says otherwise.
  /// not_supported for motorised sources and active receivers.
  Result<std::unique_ptr<hal::Rig>> rig(const app::NodeSetup& node);

  /// After rig().
  FakeUsb& board(session::Side side);
  FakeTty& mounts();
  EmulatedPump& pump();  // entangled sources

 private:
  struct Half;
  std::unique_ptr<Half> alice_, bob_;
};

/// One of each instrument plugged in, for `nicol-emu devices`.
class EmulatedShelf {
 public:
  EmulatedShelf();
  ~EmulatedShelf();
  EmulatedShelf(const EmulatedShelf&) = delete;
  EmulatedShelf& operator=(const EmulatedShelf&) = delete;

 private:
  struct Item;
  std::vector<std::unique_ptr<Item>> items_;
};

}  // namespace nicol::test
