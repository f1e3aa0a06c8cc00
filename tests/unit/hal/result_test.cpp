// SPDX-License-Identifier: Apache-2.0
// Errors as people read them, and names that follow their enumerations.
#include "drivers/hal/result.hpp"

#include <gtest/gtest.h>

#include "drivers/hal/instruments.hpp"
#include "drivers/hal/photon_source.hpp"
#include "drivers/hal/time_tagger.hpp"

namespace nicol {
namespace {

TEST(ErrorText, NamesDeviceAndCausesNearestFirst) {
  const Error error = Error{Code::motion_fault, "did not arrive", "ell-1"}.because(
      Error{Code::timeout, "no answer in 2 s"}.because({Code::io, "port closed"}));
  EXPECT_EQ(describe(error), "did not arrive (device ell-1): caused by no answer in 2 s: caused by port closed");
}

TEST(ErrorText, IsOneLineWhateverTheDeviceSent) {
  EXPECT_EQ(describe({Code::protocol, "got \"a\r\nb\x1b\""}), "got \"a  b \"");
}

TEST(ErrorText, FallsBackToTheCode) { EXPECT_EQ(describe({Code::busy}), "busy"); }

TEST(Names, FollowTheirEnumerations) {
  EXPECT_EQ(to_string(Code::timeout), "timeout");
  EXPECT_EQ(to_string(Code::incompatible_firmware), "incompatible_firmware");
  EXPECT_EQ(to_string(Code::unsafe_state), "unsafe_state");
  EXPECT_EQ(to_string(Code::locked_memory), "locked_memory");
  EXPECT_EQ(to_string(Code::refused), "refused");
  EXPECT_EQ(to_string(Code::over_rate), "over_rate");
  EXPECT_EQ(to_string(hal::DeviceKind::detector), "detector");
  EXPECT_EQ(to_string(hal::DeviceKind::digital_io), "digital io");
  EXPECT_EQ(to_string(hal::ChannelRole::monitor), "monitor");
  EXPECT_EQ(to_string(hal::StreamStatus::corrupt), "corrupt");
  EXPECT_EQ(to_string(hal::LightLevel::quantum), "quantum");
  EXPECT_EQ(to_string(hal::EmissionState::unknown), "unknown");
  EXPECT_EQ(to_string(hal::ShutterState::moving), "moving");
}

}  // namespace
}  // namespace nicol
