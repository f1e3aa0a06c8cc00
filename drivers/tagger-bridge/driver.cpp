// SPDX-License-Identifier: Apache-2.0
#include "drivers/tagger-bridge/driver.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "drivers/tagger-bridge/tagger.hpp"

namespace nicol::tagger_bridge {
namespace {

namespace fs = std::filesystem;
using Args = hal::DeviceArgs;

Result<std::unique_ptr<hal::Device>> make(const Args& args, const SealFactory& seal, transport::WireLog* log) {
  const auto address = parse_address(hal::argument(args, "address"));
  if (!address) return address.error();
  TaggerOptions options;
  options.address = *address;
  options.key_file = hal::argument(args, "key");
  options.serial = hal::argument(args, "serial");
  options.seal = seal;
  options.log = log;
  const bool tcp = address->kind == Address::Kind::tcp;
  if (tcp && options.key_file.empty())
    return Error{Code::refused, "tags are raw key material: tcp: needs key=FILE, which both computers hold", "", 0, {}};
  if (!tcp && !options.key_file.empty())
    return Error{Code::bad_input, "key= is for tcp: a local socket is private to its user already", "", 0, {}};
  if (tcp && !seal) return Error{Code::not_supported, "this program was built without sealing", "", 0, {}};
  auto tagger = Tagger::open(std::move(options));
  if (!tagger) return std::move(tagger).error();
  return std::unique_ptr<hal::Device>(*std::move(tagger));
}

Args describe_socket(const fs::path& path, bool probe) {
  Args device{{"driver", "tagger-bridge"}, {"port", path.string()}, {"address", "unix:" + path.string()}};
  if (::access(path.c_str(), R_OK | W_OK) != 0) device["missing"] = "the socket belongs to another user";
  if (!probe) return device;
  TaggerOptions options;
  options.address = {Address::Kind::local, path.string(), ""};
  options.ring = 16;
  const auto tagger = Tagger::open(std::move(options));
  if (!tagger) {
    device["error"] = nicol::describe(tagger.error());
    return device;
  }
  device["serial"] = (*tagger)->info().serial;
  device["model"] = (*tagger)->info().model;
  return device;
}

Result<std::vector<Args>> find(const Args& args, Deadline deadline) {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  std::vector<Args> found;
  if (runtime == nullptr) return found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(fs::path(runtime) / "nicol", none)) {
    if (SteadyDeadlines().passed(deadline)) break;
    if (entry.path().extension() == ".tagger" && entry.is_socket(none))
      found.push_back(describe_socket(entry.path(), hal::argument(args, "probe") == "1"));
  }
  return found;
}

}  // namespace

hal::Driver driver(transport::Hub& hub, SealFactory seal) {
  return {"tagger-bridge", {hal::DeviceKind::time_tagger}, find, [&hub, seal = std::move(seal)](const Args& args) {
            return make(args, seal, &hub.log());
          }};
}

}  // namespace nicol::tagger_bridge
