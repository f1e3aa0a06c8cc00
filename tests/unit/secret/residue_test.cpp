// SPDX-License-Identifier: Apache-2.0
// What an outsider finds: root through /proc, a debugger, a core dump, the kernel's own ways of reading memory.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "controller/secret/bit_string.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/process_scan.hpp"
#include "tests/unit/secret/backing_fixture.hpp"

namespace nicol::secret {
namespace {

namespace fs = std::filesystem;
using test::HeldChild;
using test::MaskedPattern;

class ResidueOn : public WithBacking {
 protected:
  void SetUp() override {
    WithBacking::SetUp();
    folder_ = fs::temp_directory_path() /
              ("nicol-residue-" + std::to_string(getpid()) + "-" + std::string(to_string(GetParam())));
    fs::create_directories(folder_);
  }
  void TearDown() override {
    WithBacking::TearDown();
    fs::remove_all(folder_);
  }
  fs::path folder_;
};
NICOL_BOTH_BACKINGS(ResidueOn);

MaskedPattern pattern_of(const LockedKey& key) {
  return key.with_read([](std::span<const std::byte> data) { return MaskedPattern::of(data); });
}

struct KeyAddress {
  MaskedPattern pattern;
  std::uintptr_t address = 0;
};
constexpr std::size_t key_bytes = 32, message_bytes = sizeof(std::uintptr_t) + 2 * key_bytes;

// In the child: tells the parent where the key is, and masked what it is.
void tell(int fd, const LockedKey& key) {
  const auto address = reinterpret_cast<std::uintptr_t>(address_of(key));
  const std::string packed = pattern_of(key).packed();
  std::string message(reinterpret_cast<const char*>(&address), sizeof address);
  message += packed;
  if (write(fd, message.data(), message.size()) != static_cast<ssize_t>(message.size())) _exit(9);
}

KeyAddress told(const HeldChild& child) {
  const std::string message = child.read(message_bytes);
  if (message.size() != message_bytes) throw std::runtime_error("the child died early");
  std::uintptr_t address = 0;
  std::memcpy(&address, message.data(), sizeof address);
  return {MaskedPattern::unpacked(message.substr(sizeof address)), address};
}

void hold_a_key(int fd) {
  const LockedKey key(key_bytes, Birth::random);
  tell(fd, key);
  for (;;) pause();
}

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return text;
  char line[4096];
  while (std::fgets(line, sizeof line, pipe) != nullptr) text += line;
  pclose(pipe);
  return text;
}

#define SKIP_UNLESS_SCANNED(report) \
  if (!(report).ok()) GTEST_SKIP() << (report).error().message

TEST_P(ResidueOn, AScanOfTheWholeProcessFindsOnlyWhatTheBackingCannotHide) {
  const LockedKey key(key_bytes, Birth::random);
  const MaskedPattern pattern = pattern_of(key);
  const auto report = test::scan_process(getpid(), {&pattern, 1});
  SKIP_UNLESS_SCANNED(report);
  EXPECT_EQ(report->copies, secret_memory() ? 0U : 1U) << describe(*report);
}

TEST_P(ResidueOn, NothingIsFoundAfterTheWipe) {
  LockedKey key(key_bytes, Birth::random);
  const MaskedPattern pattern = pattern_of(key);
  key.wipe();
  const auto report = test::scan_process(getpid(), {&pattern, 1});
  SKIP_UNLESS_SCANNED(report);
  EXPECT_EQ(report->copies, 0U) << describe(*report);
}

TEST_P(ResidueOn, NothingIsFoundAfterWipeAll) {
  HeldChild child([](int fd) {
    const LockedKey key(key_bytes, Birth::random);
    const std::string packed = pattern_of(key).packed();
    wipe_all();
    if (write(fd, packed.data(), packed.size()) < 0) _exit(9);
    for (;;) pause();
  });
  const MaskedPattern pattern = MaskedPattern::unpacked(child.read(2 * key_bytes));
  const auto report = test::scan_process(child.pid(), {&pattern, 1});
  SKIP_UNLESS_SCANNED(report);
  EXPECT_EQ(report->copies, 0U) << describe(*report);
}

TEST_P(ResidueOn, SplittingMovingAndComparingLeaveNoCopies) {
  LockedKey key(4 * key_bytes, Birth::random);
  const auto patterns = key.with_read([](std::span<const std::byte> data) { return test::mask_windows(data, 16, 16); });
  LockedKey front = key.take_front(2 * key_bytes);
  LockedKey moved = std::move(front);
  EXPECT_FALSE(moved.equal_ct(key));
  moved.wipe();
  key.wipe();
  const auto report = test::scan_process(getpid(), patterns);
  SKIP_UNLESS_SCANNED(report);
  EXPECT_EQ(report->copies, 0U) << describe(*report);
}

TEST_P(ResidueOn, BitStringOperationsLeaveNoCopies) {
  const auto random = make_os_random();
  BitString bits = BitString::random(4096, *random, Purpose::test, 0);
  std::vector<std::uint32_t> reversed(4096);
  for (std::uint32_t i = 0; i < 4096; ++i) reversed[i] = 4095 - i;
  PublicBits mask(4096);
  for (std::size_t i = 0; i < 4096; i += 3) mask.set(i, true);
  std::vector<BitString> made;
  made.push_back(bits.extract(mask));
  made.push_back(bits.slice(77, 2000));
  made.push_back(bits.permuted(reversed));
  made.push_back(bits.prefix_parities());
  made.push_back(BitString::concat(bits, made[0]));
  made.push_back(std::move(bits));
  std::vector<MaskedPattern> patterns;
  for (const BitString& s : made) {
    const auto more = s.with_read([](auto words) { return test::mask_windows(std::as_bytes(words), 16, 16); });
    patterns.insert(patterns.end(), more.begin(), more.end());
  }
  made.clear();
  const auto report = test::scan_process(getpid(), patterns);
  SKIP_UNLESS_SCANNED(report);
  EXPECT_EQ(report->copies, 0U) << describe(*report);
}

TEST_P(ResidueOn, ClosedPagesAreRefusedToOtherProcesses) {
  HeldChild child(hold_a_key);
  const KeyAddress key = told(child);
  unsigned char found[key_bytes] = {};
  const iovec here{found, sizeof found}, there{reinterpret_cast<void*>(key.address), sizeof found};
  const ssize_t got = process_vm_readv(child.pid(), &here, 1, &there, 1, 0);
  EXPECT_EQ(got, -1);
}

TEST_P(ResidueOn, SecretMemoryIsRefusedToOthersEvenWhileOpen) {
  HeldChild child([](int fd) {
    const LockedKey key(key_bytes, Birth::random);
    key.with_read([&](auto) {
      tell(fd, key);
      for (;;) sleep(1);
    });
  });
  const KeyAddress key = told(child);
  unsigned char found[key_bytes] = {};
  const iovec here{found, sizeof found}, there{reinterpret_cast<void*>(key.address), sizeof found};
  errno = 0;
  const ssize_t got = process_vm_readv(child.pid(), &here, 1, &there, 1, 0);
  const int error = errno;
  explicit_bzero(found, sizeof found);
  if (error == EPERM) GTEST_SKIP() << "not allowed to read other processes at all";
  EXPECT_EQ(got, secret_memory() ? -1 : static_cast<ssize_t>(sizeof found));
  EXPECT_EQ(error, secret_memory() ? EFAULT : 0);
}

TEST_P(ResidueOn, SecretMemoryCannotBeSplicedOut) {
  if (!secret_memory()) GTEST_SKIP() << "ordinary pages can be spliced";
  const LockedKey key(key_bytes, Birth::random);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const auto [got, error] = key.with_read([&](std::span<const std::byte> data) {
    const iovec piece{const_cast<std::byte*>(data.data()), data.size()};
    const ssize_t n = vmsplice(ends[1], &piece, 1, 0);
    return std::pair(n, errno);
  });
  EXPECT_EQ(got, -1);
  EXPECT_EQ(error, EFAULT);
  close(ends[0]);
  close(ends[1]);
}

TEST_P(ResidueOn, ADebuggerReadsNoSecretMemory) {
  if (output_of("command -v gdb").empty()) GTEST_SKIP() << "no gdb";
  HeldChild child(hold_a_key);
  const KeyAddress key = told(child);
  const std::string text = output_of("gdb -nx -batch -p " + std::to_string(child.pid()) + " -ex 'x/2gx " +
                                     std::to_string(key.address) + "'");
  if (text.find("ptrace") != std::string::npos) GTEST_SKIP() << "gdb may not attach";
  const bool refused = text.find("Cannot access memory") != std::string::npos;
  EXPECT_EQ(refused, secret_memory()) << text;
}

TEST_P(ResidueOn, ADebuggersCoreOfEverythingHoldsNoSecretMemory) {
  if (output_of("command -v gdb").empty()) GTEST_SKIP() << "no gdb";
  if (test::sanitized()) GTEST_SKIP() << "shadow memory makes the core huge";
  HeldChild child(hold_a_key);
  const KeyAddress key = told(child);
  const fs::path core = folder_ / "core";
  const std::string text = output_of(
      "gdb -nx -batch -p " + std::to_string(child.pid()) +
      " -ex 'set use-coredump-filter off' -ex 'set dump-excluded-mappings on' -ex 'gcore " + core.string() + "'");
  if (!fs::exists(core)) GTEST_SKIP() << "gdb wrote no core: " << text;
  // Root's debugger reads mlocked pages: the control that this search would find a key, and the reason for the default.
  const auto copies = test::count_in_file(core, {&key.pattern, 1});
  ASSERT_TRUE(copies.ok());
  EXPECT_EQ(*copies, secret_memory() ? 0U : 1U);
}

// Dies with a key in locked pages and, as the control that cores are written and searched, another on the heap.
void die_with_a_key(int fd, const fs::path& folder) {
  const rlimit any{RLIM_INFINITY, RLIM_INFINITY};
  if (chdir(folder.c_str()) != 0 || setrlimit(RLIMIT_CORE, &any) != 0) _exit(9);
  const LockedKey key(key_bytes, Birth::random), control(key_bytes, Birth::random);
  auto* const leak = new unsigned char[key_bytes];
  control.with_read([&](std::span<const std::byte> data) { std::memcpy(leak, data.data(), data.size()); });
  __asm__ volatile("" : : "r"(leak) : "memory");  // else the copy may be optimised away
  tell(fd, key);
  tell(fd, control);
  std::abort();
}

TEST_P(ResidueOn, ACoreDumpHoldsNoKey) {
  std::string pattern;
  std::getline(std::ifstream("/proc/sys/kernel/core_pattern"), pattern);
  if (pattern.empty() || pattern.find_first_of("|/") != std::string::npos)
    GTEST_SKIP() << "cores go elsewhere: " << pattern;
  if (test::sanitized()) GTEST_SKIP() << "shadow memory makes the core huge";
  HeldChild child([&](int fd) { die_with_a_key(fd, folder_); });
  const KeyAddress key = told(child), control = told(child);
  ASSERT_EQ(child.wait_for_end(), SIGABRT);
  const fs::directory_iterator files(folder_);
  if (files == fs::directory_iterator()) GTEST_SKIP() << "no core was written";
  EXPECT_EQ(*test::count_in_file(files->path(), {&control.pattern, 1}), 1U);
  EXPECT_EQ(*test::count_in_file(files->path(), {&key.pattern, 1}), 0U);
}

}  // namespace
}  // namespace nicol::secret
