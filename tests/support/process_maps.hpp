// SPDX-License-Identifier: Apache-2.0
// The memory map of a process with what the kernel says of each mapping.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "drivers/hal/result.hpp"

namespace nicol::test {

struct MemoryMap {
  std::uint64_t begin = 0, end = 0;
  std::string permissions;  // "rw-p"
  std::string name;         // path, "[heap]", or empty
  std::uint64_t resident_kib = 0, swapped_kib = 0, locked_kib = 0;
  std::string flags;  // VmFlags: "rd wr mr mw me lo dc dd "

  std::uint64_t size() const { return end - begin; }
  bool has_flag(const std::string& flag) const { return (" " + flags).find(" " + flag + " ") != std::string::npos; }
};

/// From /proc/PID/smaps. access_denied when it cannot be read.
Result<std::vector<MemoryMap>> read_maps(pid_t pid);
/// The mapping of this process that holds the address; not_found otherwise.
Result<MemoryMap> map_of(const void* address);

}  // namespace nicol::test
