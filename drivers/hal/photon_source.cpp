// SPDX-License-Identifier: Apache-2.0
#include "drivers/hal/photon_source.hpp"

#include "drivers/hal/properties.hpp"

namespace nicol::hal {

Result<void> PulsedSource::resume_block(std::uint64_t) {
  if (link() == Link::disconnected) return disconnected_error(*this);
  return Error{Code::not_supported, "this source cannot go on with a block after a pause", info().serial, 0, {}};
}

}  // namespace nicol::hal
