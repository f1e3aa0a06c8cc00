// SPDX-License-Identifier: Apache-2.0
#include "drivers/catalogue/register_all.hpp"

#include <vector>

#include "drivers/apt/driver.hpp"
#include "drivers/cqt-fx2/driver.hpp"
#include "drivers/elliptec/driver.hpp"
#include "drivers/lectrotic/driver.hpp"
#include "drivers/newport/driver.hpp"
#include "drivers/pm100/driver.hpp"
#include "drivers/rig/driver.hpp"
#include "drivers/s15-spdc/driver.hpp"
#include "drivers/scpi-laser/driver.hpp"
#include "drivers/tagger-bridge/driver.hpp"
#include "drivers/tdc1/driver.hpp"

namespace nicol {
namespace {

std::vector<hal::Driver> all_drivers(transport::Hub& hub, tagger_bridge::SealFactory seal) {
  return {
      rig::driver(hub),        elliptec::driver(hub), newport::driver(hub),
      tdc1::driver(hub),       apt::driver(hub),      tagger_bridge::driver(hub, std::move(seal)),
      scpi_laser::driver(hub), pm100::driver(hub),    lectrotic::driver(hub),
      cqt_fx2::driver(hub),    s15_spdc::driver(hub),
  };
}

}  // namespace

Result<void> register_all(hal::Registry& registry, transport::Hub& hub, tagger_bridge::SealFactory seal) {
  for (hal::Driver& driver : all_drivers(hub, std::move(seal)))
    if (auto r = registry.add(std::move(driver)); !r) return r;
  return {};
}

}  // namespace nicol
