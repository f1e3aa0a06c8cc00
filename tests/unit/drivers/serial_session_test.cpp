// SPDX-License-Identifier: Apache-2.0
// The session of a tagger that speaks text and streams: after a stop that nothing answered, no tail of a stream is
// text.
#include "drivers/tags/serial_session.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/fake_tty.hpp"
#include "tests/unit/transport/eventually.hpp"
#include "tests/unit/transport/talking_device.hpp"

namespace nicol::tags {
namespace {

/// Ends when it is told to stop, or with the first byte after that.
struct ScriptedRun {
  enum class Ends : std::uint8_t { at_once, when_answered };
  Ends ends = Ends::at_once;
  bool on = false, stopping = false;
  bool running() const { return on; }
  void feed(std::span<const std::uint8_t>, SteadyTime) { on = on && !stopping; }
  void stop() {
    stopping = true;
    on = ends == Ends::when_answered;
  }
  void stop_unanswered() { on = false; }
  void unplugged() { on = false; }
  std::uint64_t restarts() const { return 0; }
  const char* last_trouble() const { return ""; }
};
struct State {
  ScriptedRun run;
};
using Session = SerialSession<State>;

/// While it streams, what it says begins with a line of the stream.
class SerialSessionTest : public testing::Test {
 protected:
  SerialSessionTest() {
    tty_.locked([this] { device_.answer = [this](const std::string& line) { return say(line); }; });
    Session::Options options;
    options.name = "the tagger";
    options.where.port = tty_.port();
    options.quiet = "QUIET\n";
    options.next_command = [](State&, SteadyTime) { return std::string(); };
    options.restore = [](State&) { return std::string(); };
    session_ = *Session::open(std::move(options), *TagQueue::create({16, 4}), {});
  }
  std::string say(const std::string& line) {
    const std::string tail = streams_ ? "stream\n" : "";
    if (line == "GO") streams_ = true;
    if (line == "QUIET") streams_ = false;
    if (line == "STOP") return "stopped\n";
    return line == "ASK" ? tail + "reply\n" : tail;
  }
  void run_and_stop(ScriptedRun::Ends ends) {
    const auto control = session_->control();
    const auto begin = [ends](State& s) -> Result<std::string> {
      s.run = {ends, true, false};
      return std::string("GO\n");
    };
    ASSERT_TRUE(session_->start(begin));
    ASSERT_TRUE(session_->stop([](State& s) { s.run.stop(); }, "STOP\n"));
  }
  std::string ask() {
    const auto any = [](const std::string&) { return true; };
    return *session_->ask("ASK\n", any, transport::in(std::chrono::seconds(20)));
  }
  bool was_made_quiet() {
    bool heard = false;
    tty_.locked([&] { heard = std::count(device_.heard.begin(), device_.heard.end(), "QUIET") > 0; });
    return heard;
  }
  bool streams_ = false;
  transport::TalkingDevice device_;
  test::FakeTty tty_{device_, {"ttyTAG0", 1, false, {}, {}, false}};
  std::unique_ptr<Session> session_;
};

TEST_F(SerialSessionTest, MakesQuietWhatMayStreamOnAfterARunThatWaitedForNoAnswer) {
  run_and_stop(ScriptedRun::Ends::at_once);
  EXPECT_EQ(ask(), "reply");
  EXPECT_TRUE(was_made_quiet());
}

TEST_F(SerialSessionTest, AsksAtOnceWhatHasAnsweredItsStop) {
  run_and_stop(ScriptedRun::Ends::when_answered);
  (void)ask();
  EXPECT_FALSE(was_made_quiet());
}

}  // namespace
}  // namespace nicol::tags
