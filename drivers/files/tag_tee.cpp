// SPDX-License-Identifier: Apache-2.0
#include "drivers/files/tag_tee.hpp"

#include <algorithm>

namespace nicol::files {

std::vector<std::uint16_t> card_order(const hal::TimingLayout& timing) {
  std::vector<std::uint16_t> order;
  for (const hal::ChannelLayout& c : timing.channels) order.push_back(c.channel);
  const bool four = timing.channels.size() == 4 && std::ranges::all_of(timing.channels, [](const auto& c) {
                      return c.role == hal::ChannelRole::detector;
                    });
  if (four)
    for (const hal::ChannelLayout& c : timing.channels)
      order[c.channel] = static_cast<std::uint16_t>(2 * c.bit + c.basis);
  return order;
}

hal::StreamStatus TagTee::acquire(hal::TagBlock& block, Deadline deadline) noexcept {
  const hal::StreamStatus status = inner_->acquire(block, deadline);
  tape_.keep(block);
  return status;
}

}  // namespace nicol::files
