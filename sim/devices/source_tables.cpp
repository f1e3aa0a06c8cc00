// SPDX-License-Identifier: Apache-2.0
#include "sim/devices/source_tables.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "sim/optics/photon_number.hpp"

namespace nicol::sim {

SourceTables make_source_tables(const Scenario::Source& source, double transmittance) {
  SourceTables t;
  std::array<double, 4> some{};
  for (std::size_t state = 0; state < 4; ++state) {
    const auto photons = PhotonNumber::make(source.mean_photon_number[state], source.g2[state]);
    if (!photons.ok()) throw std::logic_error("a scenario that was not validated: " + photons.error().message);
    const PhotonNumber left = photons->after_loss(transmittance);
    some[state] = 1 - left.generating(0);
    const auto cumulative = left.cumulative_given_some(kSlotPhotons);
    std::copy(cumulative.begin(), cumulative.end(), t.at_most[state].begin());
  }
  const double most = *std::max_element(some.begin(), some.end());
  for (std::size_t state = 0; state < 4; ++state) {
    t.keep[state] = most > 0 ? some[state] / most : 0;
    t.all_alike &= t.keep[state] == 1;
  }
  const bool heralded = source.type != SourceType::pulsed;
  const double pair = heralded ? source.pair_probability : 1, herald = heralded ? source.herald_efficiency : 0;
  const double given_pair = most + herald - most * herald;
  t.event = pair * given_pair;
  t.mean_gap = -1 / std::log1p(-t.event);
  t.herald_and_photon = given_pair > 0 ? most * herald / given_pair : 0;
  t.herald_or_photon_only = given_pair > 0 ? most / given_pair : 0;
  return t;
}

}  // namespace nicol::sim
