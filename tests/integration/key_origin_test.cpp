// SPDX-License-Identifier: Apache-2.0
// What keys of a node are called: a run that is recorded keeps nothing from whoever opens the recording, so real light
// makes no production key in it.
#include <gtest/gtest.h>

#include "controller/app/pair.hpp"
#include "controller/app/record.hpp"
#include "tests/integration/program.hpp"

namespace nicol::test {
namespace {

using distillation::Origin;

enum class Light : std::uint8_t { simulated, real };
enum class Tape : std::uint8_t { none, runs };

class KeyOrigin : public testing::TestWithParam<const char*> {
 protected:
  /// Alice listens at `host`; on real light her rig is the same, but says that it is none of a simulator.
  Origin of(Light light, const std::string& host, Tape tape) {
    auto pair = app::pair_in(folder_.path(), GetParam());
    EXPECT_TRUE(pair.ok()) << describe(pair.error());
    pair->alice.endpoint = {host, "0"};
    app::Hooks hooks;
    hooks.rig = [light](const app::NodeSetup& node) {
      auto rig = app::make_rig(node, {});
      if (rig && light == Light::real) (*rig)->model.simulated = false;
      return rig;
    };
    auto recording = app::begin_recording(tape == Tape::runs ? folder_ / "recording" : std::filesystem::path(), {},
                                          session::Side::alice);
    EXPECT_TRUE(recording.ok()) << describe(recording.error());
    auto node = app::make_node(pair->alice, hooks, *std::move(recording));
    EXPECT_TRUE(node.ok()) << describe(node.error());
    return node ? (*node)->snapshot()->origin : Origin::replayed;
  }
  Folder folder_;
};

TEST_P(KeyOrigin, OfRealLightBetweenTwoPlacesIsProduction) {
  EXPECT_EQ(of(Light::real, "0.0.0.0", Tape::none), Origin::production);
}

TEST_P(KeyOrigin, OfRealLightThatIsRecordedIsDemonstration) {
  EXPECT_EQ(of(Light::real, "0.0.0.0", Tape::runs), Origin::demonstration);
}

TEST_P(KeyOrigin, OfRealLightInOnePlaceIsDemonstration) {
  EXPECT_EQ(of(Light::real, "127.0.0.1", Tape::none), Origin::demonstration);
}

TEST_P(KeyOrigin, OfSimulatedLightIsSimulatedWhetherRecordedOrNot) {
  EXPECT_EQ(of(Light::simulated, "0.0.0.0", Tape::none), Origin::simulated);
  EXPECT_EQ(of(Light::simulated, "0.0.0.0", Tape::runs), Origin::simulated);
}

INSTANTIATE_TEST_SUITE_P(Scenarios, KeyOrigin, testing::Values("teaching", "entangled"));

}  // namespace
}  // namespace nicol::test
