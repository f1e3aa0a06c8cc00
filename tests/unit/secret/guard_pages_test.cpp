// SPDX-License-Identifier: Apache-2.0
// Whoever reads or writes where he must not, dies: every case in a child of its own.
#include <signal.h>

#include <cstdlib>

#include "controller/secret/mapping.hpp"
#include "tests/support/child_process.hpp"
#include "tests/unit/secret/backing_fixture.hpp"

namespace nicol::secret {
namespace {

using test::run_in_child;

class GuardPagesOn : public WithBacking {};
NICOL_BOTH_BACKINGS(GuardPagesOn);

// Through volatile, so that the compiler neither drops the access nor sees that it is outside.
void touch(std::byte* at) { *static_cast<volatile std::byte*>(at) = std::byte{1}; }
void flip(std::byte* at) {
  auto* const v = static_cast<volatile std::byte*>(at);
  *v = *v ^ std::byte{1};
}
int look(const std::byte* at) { return static_cast<int>(*static_cast<const volatile std::byte*>(at)) & 0; }

template <class F>
int signal_of(F&& body) {
  return run_in_child([&] {
           body();
           return 0;
         })
      .signal;
}

TEST_P(GuardPagesOn, TheControlSurvives) {
  EXPECT_EQ(signal_of([] {
              LockedKey key(32);
              key.with_write([](std::span<std::byte> data) { touch(&data[31]); });
            }),
            0);
}

TEST_P(GuardPagesOn, OneByteOverTheEndDies) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{32}, std::size_t{4064}, std::size_t{4096}})
    EXPECT_EQ(signal_of([&] {
                LockedKey key(size);
                key.with_write([&](std::span<std::byte> data) { touch(data.data() + size); });
              }),
              SIGSEGV)
        << size;
}

TEST_P(GuardPagesOn, ReadingOverTheEndDies) {
  EXPECT_EQ(signal_of([] {
              LockedKey key(32);
              key.with_read([](std::span<const std::byte> data) { look(data.data() + 32); });
            }),
            SIGSEGV);
}

TEST_P(GuardPagesOn, OneByteBeforeTheStartIsCaughtByTheCanaryAtTheWipe) {
  const auto end = run_in_child([] {
    LockedKey key(32);
    key.with_write([](std::span<std::byte> data) { flip(data.data() - 1); });
    key.wipe();
    return 0;
  });
  EXPECT_EQ(end.signal, SIGABRT);
  EXPECT_NE(end.errors.find("canary"), std::string::npos) << end.errors;
}

TEST_P(GuardPagesOn, EveryByteBeforeTheStartIsCanary) {
  for (const std::ptrdiff_t back : {2, 8, 31, 32, 33, 500, 4000})
    EXPECT_EQ(signal_of([&] {
                LockedKey key(32);
                key.with_write([&](std::span<std::byte> data) { flip(data.data() - back); });
              }),
              SIGABRT)
        << back;
}

TEST_P(GuardPagesOn, TheCanaryStandsAlsoInFrontOfAKeyThatFillsItsPage) {
  EXPECT_EQ(signal_of([] {
              LockedKey key(4096);
              key.with_write([](std::span<std::byte> data) { flip(data.data() - 1); });
            }),
            SIGABRT);
}

TEST_P(GuardPagesOn, TheCanaryMovesUpWhenTheFrontIsTaken) {
  EXPECT_EQ(signal_of([] {
              LockedKey key(64);
              (void)key.take_front(40);
              key.with_write([](std::span<std::byte> data) { flip(data.data() - 1); });
            }),
            SIGABRT);
}

TEST_P(GuardPagesOn, TheCanaryDiffersFromRegionToRegion) {
  const auto canary_of = [](const LockedKey& key) {
    return key.with_read([](std::span<const std::byte> data) {
      std::array<std::byte, 16> copy{};
      for (std::size_t i = 0; i < copy.size(); ++i) copy[i] = *(data.data() - 1 - i);
      return copy;
    });
  };
  EXPECT_NE(canary_of(LockedKey(32)), canary_of(LockedKey(32)));
}

TEST_P(GuardPagesOn, APageBeforeTheStartDies) {
  EXPECT_EQ(signal_of([] {
              LockedKey key(32);
              key.with_write([](std::span<std::byte> data) { touch(data.data() - detail::page_size()); });
            }),
            SIGSEGV);
}

TEST_P(GuardPagesOn, ReadingOutsideAScopeDies) {
  EXPECT_EQ(signal_of([] {
              const LockedKey key(32);
              look(address_of(key));
            }),
            SIGSEGV);
}

TEST_P(GuardPagesOn, WritingInsideAReadScopeDies) {
  EXPECT_EQ(signal_of([] {
              const LockedKey key(32);
              key.with_read([](std::span<const std::byte> data) { touch(const_cast<std::byte*>(data.data())); });
            }),
            SIGSEGV);
}

TEST_P(GuardPagesOn, WritingAfterTheInnerWriteScopeEndedDies) {
  EXPECT_EQ(signal_of([] {
              LockedKey key(32);
              key.with_read([&](std::span<const std::byte> data) {
                fill(key, std::byte{1});
                touch(const_cast<std::byte*>(data.data()));
              });
            }),
            SIGSEGV);
}

TEST_P(GuardPagesOn, AnExceptionClosesTheScope) {
  EXPECT_EQ(signal_of([] {
              LockedKey key(32);
              try {
                key.with_write([](std::span<std::byte>) { throw 1; });
              } catch (int) {
              }
              look(address_of(key));
            }),
            SIGSEGV);
}

TEST_P(GuardPagesOn, AStalePointerAfterTheWipeDies) {
  EXPECT_EQ(signal_of([] {
              LockedKey key(8);
              const std::byte* stale = address_of(key);
              key.wipe();
              look(stale);
            }),
            SIGSEGV);
}

TEST_P(GuardPagesOn, AStalePointerAfterTheKeyWasReplacedDies) {
  EXPECT_EQ(signal_of([] {
              LockedKey key(8);
              const std::byte* stale = address_of(key);
              key.wipe();
              const LockedKey next(8);
              look(stale);
            }),
            SIGSEGV);
}

}  // namespace
}  // namespace nicol::secret
