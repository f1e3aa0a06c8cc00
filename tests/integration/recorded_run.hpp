// SPDX-License-Identifier: Apache-2.0
// What tests of recorded runs share: the key of a recording, its replay, and why it is another.
#pragma once

#include <gtest/gtest.h>

#include "controller/service/replay.hpp"

namespace nicol::test {

inline recording::SealSecret key_of(const std::filesystem::path& folder) {
  return std::move(recording::read_seal_key(folder / "seal.key")).value();
}

inline service::ReplayReport replayed(const std::filesystem::path& file, const recording::SealSecret& secret) {
  auto report = service::replay(file, secret, {});
  EXPECT_TRUE(report.ok()) << describe(report.error());
  return report ? *std::move(report) : service::ReplayReport{};
}

inline std::string said_of(const service::ReplayReport& r) {
  std::string text = r.departure.value_or("no departure");
  if (const auto& d = r.first_difference)
    text += "; " + d->frame + " number " + std::to_string(d->number) + ": " + d->what;
  return text;
}

}  // namespace nicol::test
