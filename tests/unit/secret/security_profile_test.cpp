// SPDX-License-Identifier: Apache-2.0
// The start-up profile, applied in children, because it cannot be taken back.
#include "controller/secret/security_profile.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tests/support/child_process.hpp"

namespace nicol::secret {
namespace {

using Outcome = ProfileItem::Outcome;
using test::run_in_child;

const ProfileItem& item(const std::vector<ProfileItem>& report, const std::string& name) {
  return *std::find_if(report.begin(), report.end(), [&](const ProfileItem& i) { return i.name == name; });
}

TEST(SecurityProfile, TurnsCoreDumpsOff) {
  const auto end = run_in_child([] {
    const rlimit some{0, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &some);
    const auto report = apply_security_profile(MemoryPolicy{});
    rlimit now{1, 1};
    getrlimit(RLIMIT_CORE, &now);
    return now.rlim_cur == 0 && now.rlim_max == 0 && item(report, "core dumps off").outcome == Outcome::obtained ? 7
                                                                                                                 : 1;
  });
  EXPECT_EQ(end.exit_code, 7);
}

TEST(SecurityProfile, MakesTheProcessNotDumpable) {
  const auto end = run_in_child([] {
    const auto report = apply_security_profile(MemoryPolicy{});
    return prctl(PR_GET_DUMPABLE) == 0 && item(report, "not dumpable").outcome == Outcome::obtained ? 7 : 1;
  });
  EXPECT_EQ(end.exit_code, 7);
}

TEST(SecurityProfile, GivesNoNewPrivileges) {
  const auto end = run_in_child([] {
    const auto report = apply_security_profile(MemoryPolicy{});
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && item(report, "no new privileges").outcome == Outcome::obtained
               ? 7
               : 1;
  });
  EXPECT_EQ(end.exit_code, 7);
}

TEST(SecurityProfile, RaisesTheSoftLimitOfLockedMemoryToTheHardOne) {
  const auto end = run_in_child([] {
    rlimit limit{};
    getrlimit(RLIMIT_MEMLOCK, &limit);
    limit.rlim_cur = 0;
    setrlimit(RLIMIT_MEMLOCK, &limit);
    apply_security_profile(MemoryPolicy{});
    rlimit now{};
    getrlimit(RLIMIT_MEMLOCK, &now);
    return now.rlim_cur == limit.rlim_max ? 7 : 1;
  });
  EXPECT_EQ(end.exit_code, 7);
}

TEST(SecurityProfile, SaysHowToRaiseALimitThatIsTooLow) {
  const auto end = run_in_child([] {
    const rlimit low{65536, 65536};
    setrlimit(RLIMIT_MEMLOCK, &low);
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) return 9;
    const auto report = apply_security_profile(MemoryPolicy{});
    const ProfileItem& memory = item(report, "locked memory");
    std::fputs(describe(report).c_str(), stderr);
    return memory.outcome == Outcome::degraded && memory.fix.find("ulimit -l 8192") != std::string::npos ? 7 : 1;
  });
  EXPECT_EQ(end.exit_code, 7) << end.errors;
  EXPECT_NE(end.errors.find("locked memory: degraded (65536 bytes"), std::string::npos) << end.errors;
}

TEST(SecurityProfile, SetsThePolicyAndReportsTheBacking) {
  const auto end = run_in_child([] {
    const auto report = apply_security_profile({Backing::mlock, false});
    const ProfileItem& backing = item(report, "backing");
    return LockedKey(8).backing() == Backing::mlock && backing.outcome == Outcome::obtained && backing.detail == "mlock"
               ? 7
               : 1;
  });
  EXPECT_EQ(end.exit_code, 7) << end.errors;
}

TEST(SecurityProfile, ReportsWhenNothingCanBeLocked) {
  const auto end = run_in_child([] {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_MEMLOCK, &none);
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) return 9;
    const auto report = apply_security_profile(MemoryPolicy{});
    const bool fixes = std::all_of(report.begin(), report.end(), [](const ProfileItem& i) {
      return (i.outcome == Outcome::obtained) == i.fix.empty();
    });
    return item(report, "locked memory").outcome == Outcome::missing &&
                   item(report, "backing").outcome == Outcome::missing && fixes
               ? 7
               : 1;
  });
  EXPECT_EQ(end.exit_code, 7);
}

TEST(SecurityProfile, InstallsTheTerminateHandler) {
  const auto end = run_in_child([] {
    const auto before = std::get_terminate();
    apply_security_profile(MemoryPolicy{});
    return std::get_terminate() != before ? 7 : 1;
  });
  EXPECT_EQ(end.exit_code, 7);
}

TEST(SecurityProfile, AnotherProcessOfThisUserCannotReadIt) {
  // The target is a protected child; a second child of another ordinary uid equal to its own tries to read it.
  test::HeldChild target([](int fd) {
    apply_security_profile(MemoryPolicy{});
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) _exit(9);
    if (write(fd, "r", 1) != 1) _exit(9);
    for (;;) pause();
  });
  ASSERT_EQ(target.read(1), "r");
  const auto end = run_in_child([&] {
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) return 9;
    const std::string path = "/proc/" + std::to_string(target.pid()) + "/mem";
    return std::fopen(path.c_str(), "r") == nullptr ? 7 : 1;
  });
  EXPECT_EQ(end.exit_code, 7);
}

}  // namespace
}  // namespace nicol::secret
