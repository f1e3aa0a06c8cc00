// SPDX-License-Identifier: Apache-2.0
// What a process that holds keys does at start, and the report of what it obtained.
#pragma once

#include <string>
#include <vector>

#include "controller/secret/locked_key.hpp"

namespace nicol::secret {

struct ProfileItem {
  enum class Outcome : std::uint8_t { obtained, degraded, missing };
  std::string name;  // "core dumps off", "not dumpable", "no new privileges", "locked memory", "backing"
  Outcome outcome = Outcome::missing;
  std::string detail;  // what was found
  std::string fix;     // what to do, empty when obtained
};

/// RLIMIT_CORE 0, PR_SET_DUMPABLE 0, PR_SET_NO_NEW_PRIVS, soft RLIMIT_MEMLOCK raised to hard, backing probed,
/// terminate handler installed. Call once, first thing in main.
std::vector<ProfileItem> apply_security_profile(MemoryPolicy policy);
std::string describe(const std::vector<ProfileItem>& report);

}  // namespace nicol::secret
