// SPDX-License-Identifier: Apache-2.0
// nicol devices as a lab uses it: a list without instruments, rules, bad names, an emulated device for other tools.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "drivers/catalogue/usb_ids.hpp"
#include "tests/integration/program.hpp"

namespace nicol::test {
namespace {

using nlohmann::json;

TEST(Devices, ListNothingWhereNothingIsPluggedIn) {
  const Outcome o = nicol({"devices", "--driver", "apt", "--json"});
  EXPECT_EQ(o.exit, 0) << o.err;
  const json list = json::parse(o.out);
  EXPECT_EQ(list["schema"], "nicol.devices/1");
  EXPECT_TRUE(list["devices"].is_array());
}

TEST(Devices, RefuseADriverThatIsNone) {
  const Outcome o = nicol({"devices", "--driver", "warp"});
  EXPECT_EQ(o.exit, 2);
  EXPECT_NE(o.err.find("warp"), std::string::npos) << o.err;
}

TEST(Devices, PrintTheRulesForPeopleWhoAreNotRoot) {
  const Outcome o = nicol({"devices", "rules"});
  EXPECT_EQ(o.exit, 0);
  EXPECT_EQ(o.out, udev_rules());
}

TEST(DeviceTest, SaysThatNobodyHasThisSerialNumber) {
  const Outcome o = nicol({"devices", "test", "11400517"});
  EXPECT_EQ(o.exit, 2);
  EXPECT_NE(o.err.find("11400517"), std::string::npos) << o.err;
}

TEST(DeviceTest, SaysWhichPortIsNotThere) {
  const Outcome o = nicol({"devices", "test", "driver=elliptec,port=/dev/ttyNOBODY,address=0"});
  EXPECT_NE(o.exit, 0);
  EXPECT_NE(o.err.find("/dev/ttyNOBODY"), std::string::npos) << o.err;
}

TEST(DeviceEmulation, ListsItsKindsWhenAskedForAnUnknownOne) {
  const Outcome o = nicol({"devices", "emulate", "teapot"});
  EXPECT_EQ(o.exit, 2);
  for (const char* kind : {"ell14", "k10cr1", "tdc1"}) EXPECT_NE(o.err.find(kind), std::string::npos) << o.err;
}

/// The first line a program prints.
std::string first_line_of(const std::filesystem::path& file) {
  for (int i = 0; i < 500; ++i) {
    const std::string text = std::filesystem::exists(file) ? read_file(file) : "";
    if (const auto end = text.find('\n'); end != std::string::npos) return text.substr(0, end);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return "";
}

/// What comes back over the line within two seconds, up to a line feed.
std::string ask(int fd, const std::string& question) {
  if (write(fd, question.data(), question.size()) != static_cast<ssize_t>(question.size())) return "";
  std::string answer;
  for (pollfd p{fd, POLLIN, 0}; poll(&p, 1, 2000) > 0 && answer.find('\n') == std::string::npos;) {
    char chunk[64];
    const ssize_t n = read(fd, chunk, sizeof chunk);
    if (n <= 0) break;
    answer.append(chunk, static_cast<std::size_t>(n));
  }
  return answer;
}

TEST(DeviceEmulation, AnswersAnyToolAtThePathItPrints) {
  const Folder f;
  const std::string script = "exec " + nicol_program().string() + " devices emulate ell14 > " + (f / "path").string();
  Program emulation("/bin/sh", {"-c", script});
  const std::string path = first_line_of(f / "path");
  ASSERT_TRUE(path.starts_with("/dev/pts/")) << path;
  const int fd = open(path.c_str(), O_RDWR | O_NOCTTY);
  ASSERT_GE(fd, 0);
  const std::string answer = ask(fd, "0in");
  EXPECT_TRUE(answer.starts_with("0IN0E")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n")) << answer;
  close(fd);
  emulation.kill(SIGINT);
  EXPECT_EQ(emulation.wait().exit, 0);
}

}  // namespace
}  // namespace nicol::test
