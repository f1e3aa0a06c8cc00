// SPDX-License-Identifier: Apache-2.0
#include "drivers/transport/private_buffer.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace nicol::transport {
namespace {

// The sanitizers turn mlock into nothing.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kLocks = false;
#else
constexpr bool kLocks = true;
#endif

/// The VmFlags line of the mapping that holds the address.
std::string flags_of(const void* address) {
  std::ifstream maps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t from = 0, to = 0;
    char dash = 0;
    std::istringstream range(line);
    if (range >> std::hex >> from >> dash >> to && dash == '-')
      inside = from <= reinterpret_cast<std::uintptr_t>(address) && reinterpret_cast<std::uintptr_t>(address) < to;
    if (inside && line.starts_with("VmFlags:")) return line + " ";
  }
  return {};
}

TEST(PrivateBuffer, HoldsAsManyBytesAsWereAskedForAndTheyAreZero) {
  const auto buffer = PrivateBuffer::create(5000);
  ASSERT_TRUE(buffer);
  EXPECT_EQ(buffer->bytes().size(), 5000u);
  EXPECT_TRUE(std::all_of(buffer->bytes().begin(), buffer->bytes().end(), [](auto b) { return b == 0; }));
}

TEST(PrivateBuffer, IsLockedKeptOutOfDumpsAndEmptyInAChild) {
  const auto buffer = PrivateBuffer::create(4096);
  ASSERT_TRUE(buffer);
  buffer->bytes()[0] = 1;
  const std::string flags = flags_of(buffer->bytes().data());
  EXPECT_TRUE(!kLocks || flags.find(" lo ") != std::string::npos) << flags;
  EXPECT_NE(flags.find(" dd "), std::string::npos) << flags;
  EXPECT_NE(flags.find(" wf "), std::string::npos) << flags;
}

TEST(PrivateBuffer, WipesOnDemand) {
  const auto buffer = PrivateBuffer::create(100);
  std::fill(buffer->bytes().begin(), buffer->bytes().end(), std::uint8_t{0xaa});
  PrivateBuffer moved = std::move(*PrivateBuffer::create(100));
  std::fill(moved.bytes().begin(), moved.bytes().end(), std::uint8_t{0xaa});
  moved.wipe();
  EXPECT_TRUE(std::all_of(moved.bytes().begin(), moved.bytes().end(), [](auto b) { return b == 0; }));
}

TEST(PrivateBuffer, IsLeftEmptyByAMove) {
  auto from = PrivateBuffer::create(100);
  const PrivateBuffer to = std::move(*from);
  EXPECT_TRUE(from->bytes().empty());
  EXPECT_EQ(to.bytes().size(), 100u);
}

TEST(PrivateBuffer, SaysWhatToRaiseWhenTheLimitIsUsedUp) {
  if (!kLocks) GTEST_SKIP() << "a sanitizer stands in for mlock";
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) _exit(2);
    if (geteuid() == 0 && setuid(65534) != 0) _exit(3);  // root locks past any limit
    const auto buffer = PrivateBuffer::create(4096);
    _exit(!buffer && buffer.error().code == Code::locked_memory &&
                  buffer.error().message.find("ulimit -l") != std::string::npos
              ? 0
              : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace nicol::transport
