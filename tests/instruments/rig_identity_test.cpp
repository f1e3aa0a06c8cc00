// SPDX-License-Identifier: Apache-2.0
// A board is its serial number, whatever its port is called today.
#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/rig_fixture.hpp"

namespace nicol::test {
namespace {

using hal_contract::code_of;
using hal_contract::succeeds;

enum class Adapter : std::uint8_t { its_own, anonymous };

/// A board on a serial line; behind an anonymous adapter nobody knows which before it answers.
class Line final : public sim::SerialEmulator {
 public:
  Line(const std::string& serial, const std::string& tty, Adapter adapter) : adapter_(adapter) {
    sim::RigBenchOptions options;
    options.about.serial = fw::Text(serial);
    auto bench = std::make_unique<sim::RigBench>(options);
    bench_ = bench.get();
    board_ = std::make_unique<sim::RigBoardSerial>(std::move(bench), sim::RigBoardOptions{serial, 4});
    FakeTty::Options fake;
    fake.name = tty;
    fake.time_scale = 4;
    tty_ = std::make_unique<FakeTty>(*this, fake);
  }
  sim::SerialIdentity identity() const override {
    if (adapter_ == Adapter::its_own) return board_->identity();
    return {0x0403, 0x6001, "UART", "FTDI", "", 0};
  }
  void receive(std::span<const std::uint8_t> bytes, Picoseconds now) override { board_->receive(bytes, now); }
  void collect(std::vector<std::uint8_t>& out, Picoseconds now) override { board_->collect(out, now); }
  Picoseconds next_due() const override { return board_->next_due(); }
  void power_cycle() override { board_->power_cycle(); }
  void unplug() {
    tty_->unplug();
    board_->core().power_off();
  }
  void plug_in(const std::string& tty) { tty_->replug(tty); }
  bool open() const { return bench_->shutter_open(0); }

 private:
  const Adapter adapter_;
  sim::RigBench* bench_ = nullptr;
  std::unique_ptr<sim::RigBoardSerial> board_;
  std::unique_ptr<FakeTty> tty_;
};

class RigIdentity : public testing::Test {
 protected:
  void plug(Adapter adapter) {
    one = std::make_unique<Line>("NIC001", "ttyACM0", adapter);
    two = std::make_unique<Line>("NIC002", "ttyACM1", adapter);
    driver = rig::driver(hub, scaled_timing(4));
  }
  /// Each comes back where the other one was.
  void swap() {
    one->unplug();
    two->unplug();
    two->plug_in("ttyACM0");
    one->plug_in("ttyACM1");
  }
  Result<std::unique_ptr<hal::Device>> shutter(hal::DeviceArgs args) {
    args.insert({"unit", "shutter-0"});
    return driver.make(args);
  }

  std::unique_ptr<Line> one, two;
  transport::Hub hub;
  hal::Driver driver;
};

TEST_F(RigIdentity, ABoardIsFoundAgainOnAnotherPort) {
  plug(Adapter::its_own);
  auto made = shutter({{"port", "/dev/ttyACM0"}});
  ASSERT_TRUE(succeeds(made));
  swap();
  auto& device = dynamic_cast<hal::Shutter&>(**made);
  ASSERT_TRUE(until([&] { return device.info().port == "/dev/ttyACM1" && device.open().ok(); }));
  EXPECT_TRUE(one->open());
  EXPECT_FALSE(two->open());
}

TEST_F(RigIdentity, AnotherBoardOnTheOldPortIsNotTakenForIt) {
  plug(Adapter::its_own);
  auto first = shutter({{"port", "/dev/ttyACM0"}});
  ASSERT_TRUE(succeeds(first));
  swap();
  ASSERT_TRUE(until([&] { return (*first)->info().port == "/dev/ttyACM1"; }));
  auto second = shutter({{"port", "/dev/ttyACM0"}});
  ASSERT_TRUE(succeeds(second));
  EXPECT_EQ((*second)->info().serial, "NIC002:shutter-0");
  ASSERT_TRUE(succeeds(dynamic_cast<hal::Shutter&>(**second).open()));
  EXPECT_TRUE(two->open());
  EXPECT_FALSE(one->open());
}

TEST_F(RigIdentity, ASerialNumberCountsForMoreThanAPortName) {
  plug(Adapter::its_own);
  auto made = shutter({{"serial", "NIC002"}, {"port", "/dev/ttyACM0"}});
  ASSERT_TRUE(succeeds(made));
  EXPECT_EQ((*made)->info().serial, "NIC002:shutter-0");
  EXPECT_EQ((*made)->info().port, "/dev/ttyACM1");
}

TEST_F(RigIdentity, ASerialNumberAloneIsEnough) {
  plug(Adapter::its_own);
  auto made = shutter({{"serial", "NIC002"}});
  ASSERT_TRUE(succeeds(made));
  EXPECT_EQ((*made)->info().port, "/dev/ttyACM1");
}

TEST_F(RigIdentity, ABoardThatIsNotThereIsNotReplacedByOneThatIs) {
  plug(Adapter::its_own);
  const auto made = shutter({{"serial", "NIC003"}, {"port", "/dev/ttyACM0"}});
  ASSERT_EQ(code_of(made), Code::not_found);
  EXPECT_NE(describe(made.error()).find("NIC001"), std::string::npos) << describe(made.error());
}

TEST_F(RigIdentity, BehindAnAnonymousAdapterTheBoardsOwnWordCounts) {
  plug(Adapter::anonymous);
  const auto wrong = shutter({{"serial", "NIC002"}, {"port", "/dev/ttyACM0"}});
  ASSERT_EQ(code_of(wrong), Code::not_found);
  EXPECT_NE(describe(wrong.error()).find("NIC001 answers"), std::string::npos) << describe(wrong.error());
  auto right = shutter({{"serial", "NIC001"}, {"port", "/dev/ttyACM0"}});
  ASSERT_TRUE(succeeds(right));
}

TEST_F(RigIdentity, BehindAnAnonymousAdapterAnotherBoardIsRefusedWhenItComesBack) {
  plug(Adapter::anonymous);
  auto made = shutter({{"port", "/dev/ttyACM0"}});
  ASSERT_TRUE(succeeds(made));
  swap();
  auto& device = dynamic_cast<hal::Shutter&>(**made);
  std::string said;
  EXPECT_TRUE(until([&] {
    const auto opened = device.open();
    said = opened ? "opened" : describe(opened.error());
    return said.find("NIC002 answers") != std::string::npos;
  })) << said;
  EXPECT_FALSE(two->open());
}

}  // namespace
}  // namespace nicol::test
