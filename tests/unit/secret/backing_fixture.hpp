// SPDX-License-Identifier: Apache-2.0
// Runs a test once for each way of locking memory, and skips the one this kernel lacks.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "controller/secret/locked_key.hpp"

namespace nicol::secret {

class WithBacking : public testing::TestWithParam<Backing> {
 protected:
  void SetUp() override {
    set_memory_policy({GetParam(), false});
    if (const auto backing = probe_backing(); !backing.ok()) GTEST_SKIP() << backing.error().message;
  }
  void TearDown() override { set_memory_policy(MemoryPolicy{}); }
  static bool secret_memory() { return GetParam() == Backing::memfd_secret; }
};

inline std::string backing_name(const testing::TestParamInfo<Backing>& info) {
  return std::string(to_string(info.param));
}

/// The address of the data, taken inside a scope and good for nothing outside one: what an attacker would have.
inline std::byte* address_of(const LockedKey& key) {
  return key.with_read([](std::span<const std::byte> data) { return const_cast<std::byte*>(data.data()); });
}

inline bool same_bytes(const LockedKey& key, std::byte value) {
  return key.with_read([&](std::span<const std::byte> data) {
    for (const std::byte b : data)
      if (b != value) return false;
    return true;
  });
}

inline void fill(LockedKey& key, std::byte value) {
  key.with_write([&](std::span<std::byte> data) {
    for (std::byte& b : data) b = value;
  });
}

}  // namespace nicol::secret

#define NICOL_BOTH_BACKINGS(Suite)                                                                               \
  INSTANTIATE_TEST_SUITE_P(Backing, Suite,                                                                       \
                           testing::Values(nicol::secret::Backing::memfd_secret, nicol::secret::Backing::mlock), \
                           nicol::secret::backing_name)
