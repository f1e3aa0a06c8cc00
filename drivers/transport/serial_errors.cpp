// SPDX-License-Identifier: Apache-2.0
#include "drivers/transport/serial_errors.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace nicol::transport {
namespace {
namespace fs = std::filesystem;

std::string group_of(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return "dialout";
  std::array<char, 4096> scratch{};
  group entry{};
  group* found = nullptr;
  if (getgrgid_r(status.st_gid, &entry, scratch.data(), scratch.size(), &found) != 0 || found == nullptr)
    return "dialout";
  return found->gr_name;
}

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool has_open(const fs::path& process, const std::string& path) {
  std::error_code ignored;  // other users' processes do not show their files
  for (fs::directory_iterator it(process / "fd", ignored), end; !ignored && it != end; it.increment(ignored)) {
    std::error_code unreadable;
    if (fs::read_symlink(it->path(), unreadable) == path) return true;
  }
  return false;
}

std::string holder_of(const std::string& path) {
  std::error_code ignored;
  for (fs::directory_iterator it("/proc", ignored), end; !ignored && it != end; it.increment(ignored)) {
    const std::string pid = it->path().filename();
    if (!is_number(pid) || !has_open(it->path(), path)) continue;
    std::string name;
    std::getline(std::ifstream(it->path() / "comm"), name);
    return fmt::format("process {} ({})", pid, name);
  }
  return "another program (a second nicol, a terminal, ModemManager: look with `fuser -v " + path + "`)";
}

}  // namespace

Error serial_open_error(const std::string& port, int reason) {
  switch (reason) {
    case EBUSY:
    case EAGAIN:
      return {Code::busy, fmt::format("{} is held by {}", port, holder_of(port)), port, reason, {}};
    case EACCES:
    case EPERM: {
      const std::string group = group_of(port);
      return {Code::access_denied,
              fmt::format("this user may not open {}: join its group (`sudo usermod -aG {} $USER`, then log in again) "
                          "or install the udev rules",
                          port, group),
              port,
              reason,
              {}};
    }
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return {Code::not_found, fmt::format("there is no {}: plug it in, or name another port", port), port, reason, {}};
    default:
      return {Code::io, fmt::format("opening {} failed: {}", port, std::strerror(reason)), port, reason, {}};
  }
}

Error serial_gone(const std::string& port) {
  return {Code::disconnected, fmt::format("{} was unplugged", port), port, 0, {}};
}

}  // namespace nicol::transport
