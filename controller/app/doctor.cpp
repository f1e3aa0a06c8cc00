// SPDX-License-Identifier: Apache-2.0
// nicol doctor: what this machine lacks for keys and speed, with the fix.
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "controller/app/commands.hpp"
#include "controller/distillation/amplification.hpp"

namespace nicol::app {
namespace {

using Item = secret::ProfileItem;
using Outcome = Item::Outcome;

Item carryless() {
  using distillation::CarrylessKernel;
  const auto best = distillation::best_kernel();
  const std::string found(to_string(best));
  if (best == CarrylessKernel::portable)
    return {"carry-less multiply", Outcome::degraded, found,
            "a processor with PCLMULQDQ amplifies about thirty times faster"};
  return {"carry-less multiply", Outcome::obtained, found, ""};
}

Item swap() {
  std::ifstream file("/proc/swaps");
  std::string line;
  std::size_t lines = 0;
  while (std::getline(file, line)) ++lines;
  if (lines <= 1) return {"swap", Outcome::obtained, "none in use", ""};
  return {"swap", Outcome::obtained, "in use; locked pages never go there", ""};
}

Item kernel() {
  utsname u{};
  uname(&u);
  return {"kernel", Outcome::obtained, fmt::format("{} {}", u.sysname, u.release), ""};
}

/// Rules that a package or a person has put in place.
Item device_rules() {
  for (const char* folder : {"/etc/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"})
    if (std::filesystem::exists(std::filesystem::path(folder) / "60-nicol.rules"))
      return {"device rules", Outcome::obtained, folder, ""};
  return {"device rules", Outcome::degraded, "none: only root may use USB instruments",
          "nicol devices rules > 60-nicol.rules, copy it to /etc/udev/rules.d/, udevadm control --reload && udevadm "
          "trigger"};
}

const char* word(Outcome o) { return o == Outcome::obtained ? "ok" : o == Outcome::degraded ? "degraded" : "missing"; }

}  // namespace

Exit doctor(Context& context) {
  auto items = context.profile;
  items.push_back(kernel());
  items.push_back(swap());
  items.push_back(carryless());
  items.push_back(device_rules());
  bool missing = false;
  nlohmann::json j{{"schema", "nicol.doctor/1"}, {"items", nlohmann::json::array()}};
  for (const auto& i : items) {
    missing = missing || i.outcome == Outcome::missing;
    j["items"].push_back({{"name", i.name}, {"outcome", word(i.outcome)}, {"detail", i.detail}, {"fix", i.fix}});
    if (context.output == Output::json) continue;
    fmt::print("{:9} {:22} {}\n", word(i.outcome), i.name, i.detail);
    if (!i.fix.empty()) fmt::print("{:32} fix: {}\n", "", i.fix);
  }
  if (context.output == Output::json) fmt::print("{}\n", j.dump(2));
  return missing ? Exit::failed : Exit::done;
}

}  // namespace nicol::app
