// SPDX-License-Identifier: Apache-2.0
// Parses /proc/PID/smaps.
#include "tests/support/process_maps.hpp"

#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace nicol::test {
namespace {

bool parse_header(const std::string& line, MemoryMap& map) {
  if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " ", &map.begin, &map.end) != 2) return false;
  std::istringstream fields(line);
  std::string range, offset, device, inode;
  fields >> range >> map.permissions >> offset >> device >> inode >> std::ws;
  std::getline(fields, map.name);
  return true;
}

void parse_detail(const std::string& line, MemoryMap& map) {
  std::sscanf(line.c_str(), "Rss: %" SCNu64, &map.resident_kib);
  std::sscanf(line.c_str(), "Swap: %" SCNu64, &map.swapped_kib);
  std::sscanf(line.c_str(), "Locked: %" SCNu64, &map.locked_kib);
  if (line.rfind("VmFlags: ", 0) == 0) map.flags = line.substr(9);
}

}  // namespace

Result<std::vector<MemoryMap>> read_maps(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/smaps";
  std::ifstream file(path);
  if (!file) return Error{Code::access_denied, path + " cannot be read", "", 0, {}};
  std::vector<MemoryMap> maps;
  for (std::string line; std::getline(file, line);) {
    MemoryMap map;
    if (parse_header(line, map))
      maps.push_back(map);
    else if (!maps.empty())
      parse_detail(line, maps.back());
  }
  if (maps.empty()) return Error{Code::access_denied, path + " is empty", "", 0, {}};
  return maps;
}

Result<MemoryMap> map_of(const void* address) {
  const auto maps = read_maps(getpid());
  if (!maps.ok()) return maps.error();
  const auto where = reinterpret_cast<std::uintptr_t>(address);
  for (const MemoryMap& map : *maps)
    if (map.begin <= where && where < map.end) return map;
  return Error{Code::not_found, "no mapping holds this address", "", 0, {}};
}

}  // namespace nicol::test
