// SPDX-License-Identifier: Apache-2.0
// A kernel without memfd_secret, played by a seccomp filter in a child.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstdio>

#include "tests/support/child_process.hpp"
#include "tests/unit/secret/backing_fixture.hpp"

namespace nicol::secret {
namespace {

using test::run_in_child;

bool take_memfd_secret_away() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_secret, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{4, program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(WithoutSecretMemory, ASimulatedRunGetsMlock) {
  const auto end = run_in_child([] {
    if (!take_memfd_secret_away()) return 9;
    return LockedKey(32).backing() == Backing::mlock ? 7 : 1;
  });
  if (end.exit_code == 9) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(end.exit_code, 7) << end.errors;
}

TEST(WithoutSecretMemory, OneWarningNamesTheFix) {
  const auto end = run_in_child([] {
    if (!take_memfd_secret_away()) return 9;
    std::fputs(memory_warning().c_str(), stderr);
    return 7;
  });
  if (end.exit_code == 9) GTEST_SKIP() << "no seccomp here";
  EXPECT_NE(end.errors.find("secretmem.enable=1"), std::string::npos) << end.errors;
}

TEST(WithoutSecretMemory, AStrictPolicyRefusesAndNamesTheFix) {
  const auto end = run_in_child([] {
    if (!take_memfd_secret_away()) return 9;
    set_memory_policy({Backing::memfd_secret, false});
    const auto key = LockedKey::create(32);
    if (key.ok() || probe_backing().ok()) return 1;
    std::fputs(key.error().message.c_str(), stderr);
    return key.error().code == Code::not_supported ? 7 : 2;
  });
  if (end.exit_code == 9) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(end.exit_code, 7);
  EXPECT_NE(end.errors.find("secretmem.enable=1"), std::string::npos) << end.errors;
}

}  // namespace
}  // namespace nicol::secret
