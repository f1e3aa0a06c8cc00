// SPDX-License-Identifier: Apache-2.0
#include "drivers/transport/serial_bus.hpp"

#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include <mutex>
#include <set>

#include "tests/support/fake_tty.hpp"
#include "tests/unit/transport/eventually.hpp"
#include "tests/unit/transport/talking_device.hpp"

namespace nicol::transport {
namespace {
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using hal::Link;

struct SerialBusTest : testing::Test {
  TalkingDevice device;
  test::FakeTty tty{device, [] {
                      test::FakeTty::Options options;
                      options.name = "ttyBUS0";
                      return options;
                    }()};
  WireLog log;
  std::mutex mutex;  // guards the two below
  std::string received;
  std::vector<Link> links;
  std::unique_ptr<SerialBus> bus;

  SerialBus::Options options() {
    SerialBus::Options o;
    o.where.port = tty.port();
    o.settings.lines = ModemLines::lowered;
    o.on_bytes = [this](std::span<const std::uint8_t> bytes) {
      const std::lock_guard lock(mutex);
      received.append(bytes.begin(), bytes.end());
    };
    o.on_link = [this](Link link) {
      const std::lock_guard lock(mutex);
      links.push_back(link);
    };
    o.log = &log;
    o.look_every = 10ms;
    return o;
  }
  void open(SerialBus::Options o) {
    auto opened = SerialBus::open(std::move(o));
    ASSERT_TRUE(opened) << describe(opened.error());
    bus = *std::move(opened);
  }
  Result<void> write(std::string_view text, std::chrono::milliseconds limit = 2s) {
    const std::vector<std::uint8_t> bytes(text.begin(), text.end());
    return bus->write(bytes, in(limit));
  }
  bool hears(const std::string& text) {
    return eventually([&] {
      const std::lock_guard lock(mutex);
      return received.find(text) != std::string::npos;
    });
  }
  bool sees(std::vector<Link> wanted) {
    return eventually([&] {
      const std::lock_guard lock(mutex);
      return links == wanted;
    });
  }
  std::string logged() const {
    std::string text;
    for (const WireLine& line : log.since(0, 1000)) text += line.text + "|";
    return text;
  }
};

TEST_F(SerialBusTest, HandsOnWhatTheDeviceSays) {
  open(options());
  ASSERT_TRUE(write("ping\n"));
  EXPECT_TRUE(hears("ping\n"));
  EXPECT_EQ(bus->link(), Link::connected);
}

TEST_F(SerialBusTest, NamesWhatIsMissingAtOpen) {
  auto o = options();
  o.where.port = "/dev/ttyBUS9";
  EXPECT_EQ(SerialBus::open(std::move(o)).error().code, Code::not_found);
}

TEST_F(SerialBusTest, TellsAnUnplugByItself) {
  open(options());
  const auto before = Clock::now();
  tty.unplug();
  ASSERT_TRUE(sees({Link::disconnected}));
  EXPECT_LT(Clock::now() - before, 5s);
  EXPECT_EQ(bus->link(), Link::disconnected);
}

TEST_F(SerialBusTest, RefusesEveryCallAtOnceWhileUnplugged) {
  open(options());
  tty.unplug();
  ASSERT_TRUE(sees({Link::disconnected}));
  const auto before = Clock::now();
  EXPECT_EQ(write("x\n").error().code, Code::disconnected);
  EXPECT_EQ(bus->set_lines(ModemLines::raised, ModemLines::raised).error().code, Code::disconnected);
  EXPECT_LT(Clock::now() - before, 5s);
}

TEST_F(SerialBusTest, FindsItsAdapterAgainUnderAnotherName) {
  open(options());
  tty.unplug();
  ASSERT_TRUE(sees({Link::disconnected}));
  tty.replug("ttyBUS7");
  ASSERT_TRUE(sees({Link::disconnected, Link::connected}));
  EXPECT_EQ(bus->info().port, "/dev/ttyBUS7");
  ASSERT_TRUE(write("again\n"));
  EXPECT_TRUE(hears("again\n"));
}

TEST_F(SerialBusTest, AppliesItsSettingsAgainAfterAReplug) {
  auto o = options();
  o.settings.baud = 9600;
  open(std::move(o));
  tty.unplug();
  ASSERT_TRUE(sees({Link::disconnected}));
  tty.replug();
  ASSERT_TRUE(sees({Link::disconnected, Link::connected}));
  EXPECT_EQ(tty.baud(), 9600);
  EXPECT_EQ(tty.modem_lines() & (TIOCM_DTR | TIOCM_RTS), 0u);
}

TEST_F(SerialBusTest, TakesNoOtherAdapterThatGotItsName) {
  open(options());
  tty.unplug();
  ASSERT_TRUE(sees({Link::disconnected}));
  TalkingDevice stranger;
  stranger.who.serial = "OTHER";
  test::FakeTty::Options same_name;
  same_name.name = "ttyBUS0";
  const test::FakeTty other(stranger, same_name);
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(bus->link(), Link::disconnected);
  EXPECT_EQ(other.opens(), 0u);
}

TEST_F(SerialBusTest, LooksForItsAdapterWithoutOpeningAnything) {
  open(options());
  tty.unplug();
  ASSERT_TRUE(sees({Link::disconnected}));
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(tty.opens(), 1u);
}

TEST_F(SerialBusTest, NeverSendsAMessageAgainAfterAReplug) {
  open(options());
  ASSERT_TRUE(write("move\n"));
  ASSERT_TRUE(hears("move\n"));
  tty.unplug();
  ASSERT_TRUE(sees({Link::disconnected}));
  tty.replug();
  ASSERT_TRUE(sees({Link::disconnected, Link::connected}));
  std::this_thread::sleep_for(50ms);
  tty.locked([&] { EXPECT_EQ(device.heard.size(), 1u); });
}

TEST_F(SerialBusTest, EndsPromptlyWhileConnected) {
  open(options());
  const auto before = Clock::now();
  bus.reset();
  EXPECT_LT(Clock::now() - before, 5s);
}

TEST_F(SerialBusTest, EndsPromptlyWhileLookingForItsAdapter) {
  auto o = options();
  o.look_every = 10s;
  open(std::move(o));
  tty.unplug();
  ASSERT_TRUE(sees({Link::disconnected}));
  const auto before = Clock::now();
  bus.reset();
  EXPECT_LT(Clock::now() - before, 5s);
}

TEST_F(SerialBusTest, LogsWhatPasses) {
  open(options());
  ASSERT_TRUE(write("ping\n"));
  ASSERT_TRUE(hears("ping\n"));
  EXPECT_NE(logged().find("ping\\n"), std::string::npos) << logged();
}

TEST_F(SerialBusTest, LogsOnlyLengthsOfWhatIsPrivate) {
  auto o = options();
  o.private_input = true;
  open(std::move(o));
  ASSERT_TRUE(write("secret\n"));
  ASSERT_TRUE(hears("secret\n"));
  EXPECT_EQ(logged().find("secret"), std::string::npos) << logged();
  EXPECT_NE(logged().find("bytes)"), std::string::npos) << logged();
}

TEST_F(SerialBusTest, LogsTheSameOfALongPrivateNumberAsOfAShortOne) {
  auto o = options();
  o.private_input = true;
  open(std::move(o));
  ASSERT_TRUE(write("PA0\n"));
  ASSERT_TRUE(write("PA22.5\n"));
  std::set<std::string> sent;
  for (const WireLine& line : log.since(0, 1000))
    if (line.direction == Direction::to_device) sent.insert(line.text);
  EXPECT_EQ(sent.size(), 1u) << logged();
}

TEST_F(SerialBusTest, SurvivesManyPlugsWhileOthersWrite) {
  open(options());
  std::atomic<bool> done{false};
  std::thread writer([&] {
    while (!done) {
      const auto written = write("x\n", 100ms);
      EXPECT_TRUE(written || written.error().code == Code::disconnected || written.error().code == Code::timeout);
    }
  });
  for (int i = 0; i < 5; ++i) {
    tty.unplug();
    EXPECT_TRUE(eventually([&] { return bus->link() == Link::disconnected; }));
    tty.replug("ttyBUS" + std::to_string(i));
    EXPECT_TRUE(eventually([&] { return bus->link() == Link::connected; }));
  }
  done = true;
  writer.join();
}

}  // namespace
}  // namespace nicol::transport
