// SPDX-License-Identifier: Apache-2.0
// The end of a process: every live key is wiped, whoever ends it.
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "controller/secret/arena.hpp"
#include "controller/secret/bit_string.hpp"
#include "controller/secret/signal_wipe.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/process_scan.hpp"
#include "tests/unit/secret/backing_fixture.hpp"

namespace nicol::secret {
namespace {

using test::run_in_child;

class WipeAllOn : public WithBacking {};
NICOL_BOTH_BACKINGS(WipeAllOn);

template <class F>
bool refuses(F&& open) {
  try {
    open();
  } catch (const std::logic_error&) {
    return true;
  }
  return false;
}

TEST_P(WipeAllOn, EveryKindOfHolderIsWiped) {
  const auto end = run_in_child([] {
    LockedKey key(32, Birth::random);
    BitString bits(1000);
    auto arena = Arena::create(1000);
    wipe_all();
    return refuses([&] { key.with_read([](auto) {}); }) && refuses([&] { bits.popcount(); }) &&
                   refuses([&] { arena->use([](Arena::Frame&) {}); })
               ? 7
               : 1;
  });
  EXPECT_EQ(end.exit_code, 7) << end.errors;
}

TEST_P(WipeAllOn, TheContentIsZeroAfterwards) {
  const auto end = run_in_child([] {
    LockedKey key(64);
    fill(key, std::byte{0xff});
    std::byte* at = nullptr;
    key.with_write([&](std::span<std::byte> data) { at = data.data(); });
    wipe_all();
    // The kernel reads closed pages where the process itself may not; secret memory it does not read at all.
    std::optional<bool> zero;
    FILE* memory = std::fopen("/proc/self/mem", "rb");
    if (memory != nullptr && fseeko(memory, static_cast<off_t>(reinterpret_cast<std::uintptr_t>(at)), SEEK_SET) == 0) {
      unsigned char found[64] = {1};
      if (std::fread(found, 1, 64, memory) == 64) {
        zero = true;
        for (const unsigned char c : found) zero = *zero && c == 0;
      }
    }
    return zero.value_or(secret_memory()) ? 7 : 1;
  });
  EXPECT_EQ(end.exit_code, 7);
}

TEST_P(WipeAllOn, WipingTwiceAndEndingTheKeysAfterwardsIsFine) {
  const auto end = run_in_child([] {
    {
      LockedKey key(32);
      wipe_all();
      wipe_all();
    }
    return locked_usage().held == 0 ? 7 : 1;
  });
  EXPECT_EQ(end.exit_code, 7) << end.errors;
}

TEST_P(WipeAllOn, KeysCanBeMadeAfterwards) {
  const auto end = run_in_child([] {
    wipe_all();
    LockedKey key(32);
    fill(key, std::byte{1});
    return same_bytes(key, std::byte{1}) ? 7 : 1;
  });
  EXPECT_EQ(end.exit_code, 7);
}

TEST_P(WipeAllOn, AnOpenScopeOnAnotherThreadIsGivenTimeToEnd) {
  const auto end = run_in_child([] {
    LockedKey key(8);
    fill(key, std::byte{9});
    std::atomic<bool> open{false}, seen_zero{false};
    std::jthread reader([&] {
      key.with_read([&](std::span<const std::byte> data) {
        open = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        seen_zero = data[0] != std::byte{9};
      });
    });
    while (!open) std::this_thread::yield();
    wipe_all();
    reader.join();
    return seen_zero ? 1 : 7;
  });
  EXPECT_EQ(end.exit_code, 7) << end.errors;
}

TEST_P(WipeAllOn, AScopeThatNeverEndsDoesNotStopIt) {
  const auto end = run_in_child([] {
    LockedKey key(8), other(8);
    key.with_write([&](std::span<std::byte>) { wipe_all(); });
    return refuses([&] { other.with_read([](auto) {}); }) ? 7 : 1;
  });
  EXPECT_EQ(end.exit_code, 7) << end.errors;
}

TEST_P(WipeAllOn, ADamagedCanaryIsReportedAfterAllWereWiped) {
  const auto end = run_in_child([] {
    LockedKey key(8);
    key.with_write([](std::span<std::byte> data) {
      auto* const before = static_cast<volatile std::byte*>(data.data() - 1);
      *before = *before ^ std::byte{1};
    });
    wipe_all();
    return 0;
  });
  EXPECT_EQ(end.signal, SIGABRT);
  EXPECT_NE(end.errors.find("canary"), std::string::npos);
}

// A handler put in before ours runs after it, so it can tell whether the key is gone.
const LockedKey* watched = nullptr;
void report_and_leave() {
  _exit(refuses([] { watched->with_read([](auto) {}); }) ? 7 : 1);
}

TEST_P(WipeAllOn, TerminateWipes) {
  const auto end = run_in_child([] {
    std::set_terminate(report_and_leave);
    install_terminate_wipe();
    const LockedKey key(32, Birth::random);
    watched = &key;
    throw std::runtime_error("nobody catches this");
    return 0;
  });
  EXPECT_EQ(end.exit_code, 7) << end.errors;
}

[[gnu::noinline]] void throw_one() { throw 1; }

TEST_P(WipeAllOn, TerminateInsideAScopeWipes) {
  const auto end = run_in_child([] {
    std::set_terminate(report_and_leave);
    install_terminate_wipe();
    LockedKey key(32, Birth::random);
    watched = &key;
    key.with_write([](std::span<std::byte>) noexcept { throw_one(); });
    return 0;
  });
  EXPECT_EQ(end.exit_code, 7) << end.errors;
}

TEST_P(WipeAllOn, TerminateOnAnotherThreadWipesAndAborts) {
  const auto end = run_in_child([] {
    install_terminate_wipe();
    install_terminate_wipe();
    const LockedKey key(32, Birth::random);
    std::thread([] { throw std::runtime_error("lost"); }).join();
    return 0;
  });
  EXPECT_EQ(end.signal, SIGABRT);
}

TEST_P(WipeAllOn, AStopSignalIsReadByANormalThreadThatWipes) {
  for (const int stop : {SIGINT, SIGTERM}) {
    const auto end = run_in_child([&] {
      const int fd = block_termination_signals();
      if (fd < 0) return 9;
      const LockedKey key(32, Birth::random);
      std::jthread waiter([&] {
        signalfd_siginfo info{};
        if (::read(fd, &info, sizeof info) == sizeof info && static_cast<int>(info.ssi_signo) == stop) wipe_all();
      });
      kill(getpid(), stop);
      waiter.join();
      return refuses([&] { key.with_read([](auto) {}); }) ? 7 : 1;
    });
    EXPECT_EQ(end.exit_code, 7) << stop << end.errors;
  }
}

}  // namespace
}  // namespace nicol::secret
