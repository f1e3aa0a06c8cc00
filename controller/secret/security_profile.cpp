// SPDX-License-Identifier: Apache-2.0
// What a process that holds keys does at start.
#include "controller/secret/security_profile.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>

#include "controller/secret/mapping.hpp"

namespace nicol::secret {
namespace {

using Outcome = ProfileItem::Outcome;

/// What a default run locks: two nodes, blocks to 1e6 bits.
constexpr std::size_t default_need = std::size_t{8} << 20;

ProfileItem step(std::string name, bool done, std::string detail, std::string fix) {
  if (done) return {std::move(name), Outcome::obtained, std::move(detail), {}};
  return {std::move(name), Outcome::missing, std::strerror(errno), std::move(fix)};
}

ProfileItem forbid_cores() {
  const rlimit none{0, 0};
  return step("core dumps off", setrlimit(RLIMIT_CORE, &none) == 0, "RLIMIT_CORE is 0", "run with `ulimit -c 0`");
}

ProfileItem forbid_tracing() {
  return step("not dumpable", prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0,
              "other processes of this user can neither trace nor read this one",
              "allow prctl(PR_SET_DUMPABLE) in the sandbox");
}

ProfileItem forbid_privileges() {
  return step("no new privileges", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "programs started here gain none",
              "allow prctl(PR_SET_NO_NEW_PRIVS) in the sandbox");
}

ProfileItem raise_memlock() {
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_MEMLOCK, &limit);
  }
  const LockedUsage usage = locked_usage();
  if (usage.limit == SIZE_MAX) return {"locked memory", Outcome::obtained, "no limit", {}};
  const auto detail = fmt::format("{} bytes may be locked, {} held", usage.limit, usage.held);
  if (usage.limit + usage.held >= default_need) return {"locked memory", Outcome::obtained, detail, {}};
  return {"locked memory", usage.limit == 0 ? Outcome::missing : Outcome::degraded, detail,
          fmt::format("`ulimit -l {}`, LimitMEMLOCK={} in the systemd unit, or setcap cap_ipc_lock+ep on the program",
                      default_need / 1024, default_need)};
}

ProfileItem choose_backing(MemoryPolicy policy) {
  set_memory_policy(policy);
  const auto backing = probe_backing();
  if (!backing.ok())
    return {"backing", Outcome::missing, backing.error().message, "see the message; keys are never held unlocked"};
  const auto found = std::string(to_string(*backing));
  if (*backing == policy.preferred) return {"backing", Outcome::obtained, found, {}};
  return {"backing", Outcome::degraded, found + " instead of " + std::string(to_string(policy.preferred)),
          memory_warning()};
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::obtained:
      return "obtained";
    case Outcome::degraded:
      return "degraded";
    default:
      return "missing";
  }
}

}  // namespace

std::vector<ProfileItem> apply_security_profile(MemoryPolicy policy) {
  install_terminate_wipe();
  std::vector<ProfileItem> report;
  report.push_back(forbid_cores());
  report.push_back(forbid_tracing());
  report.push_back(forbid_privileges());
  report.push_back(raise_memlock());
  report.push_back(choose_backing(policy));
  return report;
}

std::string describe(const std::vector<ProfileItem>& report) {
  std::string text;
  for (const ProfileItem& item : report) {
    text += fmt::format("{}: {} ({})", item.name, to_string(item.outcome), item.detail);
    text += item.fix.empty() ? "\n" : fmt::format("; fix: {}\n", item.fix);
  }
  return text;
}

}  // namespace nicol::secret
