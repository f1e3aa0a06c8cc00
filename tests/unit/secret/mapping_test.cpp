// SPDX-License-Identifier: Apache-2.0
// What the kernel says of the pages of a key: locked, not dumped, not forked, closed outside scopes, none left over.
#include "controller/secret/mapping.hpp"

#include <signal.h>
#include <unistd.h>

#include "tests/support/child_process.hpp"
#include "tests/support/process_maps.hpp"
#include "tests/unit/secret/backing_fixture.hpp"

namespace nicol::secret {
namespace {

using test::map_of;
using test::run_in_child;

class MappingOn : public WithBacking {};
NICOL_BOTH_BACKINGS(MappingOn);

TEST_P(MappingOn, AllPagesAreLockedInMemory) {
  const LockedKey key(3 * detail::page_size());
  const auto map = map_of(address_of(key));
  ASSERT_TRUE(map.ok());
  EXPECT_EQ(map->locked_kib * 1024, map->size());
}

TEST_P(MappingOn, VmFlagsSayLockedNotDumpedNotForked) {
  const LockedKey key(32);
  const auto map = map_of(address_of(key));
  ASSERT_TRUE(map.ok());
  EXPECT_TRUE(map->has_flag("lo")) << map->flags;
  EXPECT_TRUE(map->has_flag("dd")) << map->flags;
  EXPECT_TRUE(map->has_flag("dc")) << map->flags;
}

TEST_P(MappingOn, PagesAreOpenOnlyInsideScopes) {
  LockedKey key(32);
  const std::byte* at = address_of(key);
  const auto permissions = [&] { return map_of(at)->permissions.substr(0, 3); };
  EXPECT_EQ(permissions(), "---");
  key.with_read([&](auto) { EXPECT_EQ(permissions(), "r--"); });
  key.with_write([&](auto) { EXPECT_EQ(permissions(), "rw-"); });
  EXPECT_EQ(permissions(), "---");
}

TEST_P(MappingOn, AGuardPageStandsOnEitherSide) {
  const LockedKey key(32);
  const std::byte* at = address_of(key);
  const auto inner = key.with_read([&](auto) { return map_of(at); });
  ASSERT_TRUE(inner.ok());
  const auto before = key.with_read([&](auto) { return map_of(reinterpret_cast<const std::byte*>(inner->begin - 1)); });
  const auto after = key.with_read([&](auto) { return map_of(reinterpret_cast<const std::byte*>(inner->end)); });
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_EQ(before->permissions.substr(0, 3), "---");
  EXPECT_EQ(after->permissions.substr(0, 3), "---");
}

TEST_P(MappingOn, TheDataEndsFlushWithItsLastPage) {
  const LockedKey key(33);
  EXPECT_EQ((reinterpret_cast<std::uintptr_t>(address_of(key)) + 33) % detail::page_size(), 0U);
}

TEST_P(MappingOn, AThousandKeysLeaveNoMappingBehind) {
  const auto count = [] { return test::read_maps(getpid())->size(); };
  for (std::size_t i = 0; i < 40; ++i) LockedKey key(100 + i);
  const std::size_t before = count(), held = locked_usage().held;
  for (std::size_t i = 0; i < 1000; ++i) LockedKey key(100 + i);
  EXPECT_LE(count(), before + 1);
  EXPECT_EQ(locked_usage().held, held);
}

TEST_P(MappingOn, AForkedChildHasNoMapping) {
  const LockedKey key(32);
  const std::byte* at = address_of(key);
  const auto end = run_in_child([&] { return static_cast<int>(*static_cast<const volatile std::byte*>(at)); });
  EXPECT_EQ(end.signal, SIGSEGV);
}

TEST_P(MappingOn, AForkedChildThatUsesTheKeyGetsAnException) {
  const LockedKey key(32);
  const auto end = run_in_child([&] {
    try {
      key.with_read([](auto) {});
    } catch (const std::logic_error&) {
      return 7;
    }
    return 1;
  });
  EXPECT_EQ(end.exit_code, 7);
}

TEST_P(MappingOn, AForkedChildThatWipesDoesNotTouchTheParent) {
  LockedKey key(32);
  fill(key, std::byte{0x42});
  const auto end = run_in_child([&] {
    const LockedKey own = std::move(key);
    wipe_all();
    return 0;
  });
  EXPECT_EQ(end.exit_code, 0) << end.errors;
  EXPECT_TRUE(same_bytes(key, std::byte{0x42}));
}

TEST_P(MappingOn, AForkedChildMakesKeysOfItsOwn) {
  const LockedKey parents(32);
  const auto end = run_in_child([&] {
    if (locked_usage().held != 0) return 1;
    LockedKey own(32);
    fill(own, std::byte{6});
    return same_bytes(own, std::byte{6}) ? 7 : 2;
  });
  EXPECT_EQ(end.exit_code, 7) << end.errors;
}

TEST_P(MappingOn, AForkInsideAScopeLeavesTheChildOutside) {
  const LockedKey key(32);
  const auto end = key.with_read([](std::span<const std::byte> data) {
    return run_in_child([=] { return static_cast<int>(*static_cast<const volatile std::byte*>(data.data())); });
  });
  EXPECT_EQ(end.signal, SIGSEGV);
}

TEST_P(MappingOn, SignalsWaitUntilTheScopeEnds) {
  const auto end = run_in_child([] {
    static volatile sig_atomic_t seen = 0;
    signal(SIGUSR1, [](int) { seen = 1; });
    const LockedKey key(32);
    const int inside = key.with_read([](auto) {
      raise(SIGUSR1);
      return static_cast<int>(seen);
    });
    return inside * 2 + static_cast<int>(seen);
  });
  EXPECT_EQ(end.exit_code, 1);
}

}  // namespace
}  // namespace nicol::secret
