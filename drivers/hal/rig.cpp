// SPDX-License-Identifier: Apache-2.0
// The rig goes dark here, whatever state it is in.
#include "drivers/hal/rig.hpp"

#include <utility>

namespace nicol::hal {

void Rig::add(std::string name, std::string role, std::unique_ptr<Device> device) {
  entries_.push_back({std::move(name), std::move(role), std::move(device)});
}

void Rig::safe_state() noexcept {
  // Shutters first: they darken both ends even where a source no longer answers.
  for (const Entry& e : entries_)
    if (auto* shutter = dynamic_cast<Shutter*>(e.device.get())) shutter->close();
  for (const Entry& e : entries_)
    if (auto* source = dynamic_cast<PhotonSource*>(e.device.get())) source->disable_emission();
  for (const Entry& e : entries_)
    if (auto* detector = dynamic_cast<Detector*>(e.device.get())) detector->disable();
  for (const Entry& e : entries_)
    if (e.device) e.device->safe_state();
}

}  // namespace nicol::hal
