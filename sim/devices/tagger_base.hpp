// SPDX-License-Identifier: Apache-2.0
// What both simulated taggers share: channels and their settings, the stream and its lock, rates.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "drivers/hal/clocks.hpp"
#include "sim/devices/simulated.hpp"
#include "sim/devices/tag_stream.hpp"

namespace nicol::sim {

/// Settings of a channel take effect at the next start().
class TaggerBase : public Simulated<hal::TimeTagger> {
 public:
  TaggerBase(std::string serial, const TagStreamOptions& options, std::vector<hal::ChannelConfig> channels);

  hal::TaggerCaps caps() const override;
  Result<void> set_channel(std::size_t channel, const hal::ChannelConfig& config) override;
  Result<hal::ChannelConfig> channel(std::size_t channel) const override;
  Result<std::vector<double>> count_rates() override;
  void unplug() noexcept override;

 protected:
  std::vector<hal::ChannelConfig> channels() const;
  /// Delays of the channels in picoseconds, as set now.
  std::vector<std::int64_t> delays() const;
  std::vector<Volts> thresholds() const;
  /// Moves what is complete from the bank to the stream. Under stream_mutex_.
  void take(DetectorBank& bank, std::int64_t noise_done_until);
  void new_stream();

  const TagStreamOptions options_;
  std::atomic<bool> running_{false};
  std::mutex session_mutex_;           // held through acquire(), and while starting and stopping; taken first
  std::mutex stream_mutex_;            // guards stream_ and the rate fields; never held while waiting
  std::unique_ptr<TagStream> stream_;  // null when stopped

 private:
  mutable std::mutex channel_mutex_;  // guards channels_
  std::vector<hal::ChannelConfig> channels_;
  std::vector<std::uint64_t> counted_;
  std::int64_t seen_until_ = 0, counted_until_ = 0;  // ps
};

}  // namespace nicol::sim
