// SPDX-License-Identifier: Apache-2.0
// The house's walls: who may include whom, read off the #include lines (DESIGN.md section 1).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

/// A room, and the rooms and libraries it may include beside itself, the standard library and fmt.
struct Room {
  std::string folder;
  Names rooms, libraries;
};

const std::vector<Room>& table() {
  static const Names controller_base{"drivers/hal", "controller/secret"};
  const auto with = [](Names more) {
    more.insert(controller_base.begin(), controller_base.end());
    return more;
  };
  static const Names pipeline{"controller/detection",  "controller/sifting", "controller/distillation",
                              "controller/keystore",   "controller/session", "controller/recording",
                              "controller/calibration"};
  static const std::vector<Room> rooms{
      {"firmware-protocol", {}, {}},
      {"drivers/hal", {}, {}},
      {"drivers", {"drivers/hal", "firmware-protocol"}, {"libusb", "libserialport"}},
      {"sim/scenario", {"drivers/hal", "firmware-protocol", "sim"}, {"Eigen", "toml++"}},
      {"sim", {"drivers/hal", "firmware-protocol", "sim/scenario"}, {"Eigen"}},
      {"controller/secret", {"drivers/hal"}, {}},
      {"controller/detection", with({}), {"Eigen"}},
      {"controller/sifting", with({"controller/detection"}), {}},
      {"controller/distillation", with({"controller/sifting", "controller/detection"}), {"Eigen"}},
      {"controller/keystore", with({"controller/distillation"}), {"sodium"}},
      {"controller/session",
       with({"controller/distillation", "controller/sifting", "controller/detection", "controller/keystore"}),
       {}},
      {"controller/recording", with({"controller/keystore"}), {"sodium"}},
      {"controller/calibration", with({"controller/detection", "controller/sifting"}), {"Eigen"}},
      {"controller/service", with(pipeline), {"toml++", "spdlog", "nlohmann"}},
      {"controller/api", with({"controller/service", "controller/keystore"}), {"openssl", "httplib", "nlohmann"}},
      {"gui", {"controller/service", "drivers/hal"}, {"Qt", "qcustomplot"}},
  };
  return rooms;
}

const Room* room_of(const std::string& path) {
  const Room* best = nullptr;
  for (const Room& r : table())
    if (path.starts_with(r.folder + "/") && (best == nullptr || r.folder.size() > best->folder.size())) best = &r;
  return best;
}

/// The library a system include belongs to, empty for the standard library, the C library and fmt.
std::string library_of(const std::string& include) {
  static const std::map<std::string, std::string> prefixes{{"Eigen/", "Eigen"},
                                                           {"toml++/", "toml++"},
                                                           {"spdlog/", "spdlog"},
                                                           {"nlohmann/", "nlohmann"},
                                                           {"sodium", "sodium"},
                                                           {"openssl/", "openssl"},
                                                           {"httplib", "httplib"},
                                                           {"libusb", "libusb"},
                                                           {"libserialport", "libserialport"},
                                                           {"Q", "Qt"},
                                                           {"qcustomplot", "qcustomplot"},
                                                           {"CLI/", "CLI11"},
                                                           {"gtest/", "gtest"},
                                                           {"benchmark/", "benchmark"}};
  for (const auto& [prefix, name] : prefixes)
    if (include.starts_with(prefix)) return name;
  return "";
}

struct Include {
  std::string file, target;
  bool system = false;
};

std::vector<Include> includes_of(const fs::path& root, const fs::path& file) {
  static const std::regex line_form(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<Include> found;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::smatch m;
    if (std::regex_search(line, m, line_form)) found.push_back({fs::relative(file, root).string(), m[2], m[1] == "<"});
  }
  return found;
}

std::vector<Include> all_includes() {
  const fs::path root(NICOL_SOURCE_DIR);
  std::vector<Include> found;
  for (const char* top : {"firmware-protocol", "drivers", "sim", "controller", "gui"}) {
    if (!fs::exists(root / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const auto extension = entry.path().extension();
      if (extension != ".hpp" && extension != ".cpp" && extension != ".h") continue;
      const auto these = includes_of(root, entry.path());
      found.insert(found.end(), these.begin(), these.end());
    }
  }
  return found;
}

/// Empty when allowed, else what is wrong.
std::string verdict(const Include& i) {
  const Room* from = room_of(i.file);
  if (i.system) {
    const std::string library = library_of(i.target);
    if (from == nullptr || library.empty() || from->libraries.contains(library)) return "";
    return i.file + " may not include <" + i.target + ">";
  }
  if (!fs::exists(fs::path(NICOL_SOURCE_DIR) / i.target))
    return i.file + ": \"" + i.target + "\" is not spelled from the repository root";
  if (from == nullptr) return "";  // app and the mains: everything
  const Room* to = room_of(i.target);
  const bool same = to == from || (to != nullptr && i.target.starts_with(from->folder + "/"));
  const bool allowed = std::any_of(from->rooms.begin(), from->rooms.end(),
                                   [&](const std::string& r) { return i.target.starts_with(r + "/"); });
  return same || allowed ? "" : i.file + " may not include " + i.target;
}

TEST(IncludeTable, EveryIncludeOfTheHouseIsAllowed) {
  const auto includes = all_includes();
  EXPECT_GT(includes.size(), 300U) << "the scan found too little to mean anything";
  for (const auto& i : includes) EXPECT_EQ(verdict(i), "");
}

TEST(IncludeTable, RefusesAStepUpTheHouse) {
  EXPECT_NE(verdict({"controller/sifting/x.cpp", "controller/session/session.hpp", false}), "");
  EXPECT_NE(verdict({"drivers/hal/x.cpp", "controller/secret/locked_key.hpp", false}), "");
  EXPECT_NE(verdict({"controller/session/x.cpp", "sodium.h", true}), "");
  EXPECT_NE(verdict({"controller/service/x.cpp", "sim/devices/world.hpp", false}), "");
}

TEST(IncludeTable, EveryHeaderSaysWhatItIsForAfterItsLicence) {
  const fs::path root(NICOL_SOURCE_DIR);
  for (const char* top : {"firmware-protocol", "drivers", "sim", "controller", "gui", "tests"}) {
    if (!fs::exists(root / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      if (entry.path().extension() != ".hpp" && entry.path().extension() != ".cpp") continue;
      std::ifstream in(entry.path());
      std::string first, second;
      std::getline(in, first);
      std::getline(in, second);
      EXPECT_EQ(first, "// SPDX-License-Identifier: Apache-2.0") << entry.path();
      if (entry.path().extension() != ".hpp") continue;
      EXPECT_TRUE(second.starts_with("// ")) << entry.path();
    }
  }
}

}  // namespace
