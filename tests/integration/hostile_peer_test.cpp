// SPDX-License-Identifier: Apache-2.0
// Peers that stall, lie about lengths, stop in the middle or talk garbage, against a whole node as a program: refused
// within its timeout, no memory given, and the next block with the real peer works.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "drivers/hal/random.hpp"
#include "tests/integration/live_nodes.hpp"

namespace nicol::test {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kReplyTimeout{1'000}, kLightTimeout{1'500}, kSlack{2'500};
constexpr std::uint64_t kMemoryGrowthKib = 4'096;

LinkUnderTest::Options impatient() {
  LinkUnderTest::Options o;
  o.reply_timeout = kReplyTimeout;
  o.light_timeout = kLightTimeout;
  return o;
}

/// Peak resident memory so far.
std::uint64_t peak_kib(pid_t pid) {
  const std::string status = read_file("/proc/" + std::to_string(pid) + "/status");
  const auto at = status.find("VmHWM:");
  return at == std::string::npos ? 0 : std::stoull(status.substr(at + 6));
}

milliseconds since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
}

/// Somebody at Alice's door.
class Stranger {
 public:
  explicit Stranger(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int tries = 0; tries < 200; ++tries) {
      fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
      close(fd_);
      std::this_thread::sleep_for(milliseconds(20));
    }
    throw std::runtime_error("Alice does not listen");
  }
  ~Stranger() { close(fd_); }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;
  /// All of it, or as much as is taken before the other side closes.
  void say(const Bytes& bytes) const {
    for (std::size_t sent = 0; sent < bytes.size();) {
      const ssize_t n = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return;
      sent += static_cast<std::size_t>(n);
    }
  }
  void stop_talking() const { shutdown(fd_, SHUT_WR); }
  /// Reads until the other side closes; false when it does not.
  bool is_refused_within(milliseconds patience) const {
    const auto start = std::chrono::steady_clock::now();
    while (since(start) < patience) {
      pollfd p{fd_, POLLIN, 0};
      if (poll(&p, 1, 100) <= 0) continue;
      char buffer[4096];
      if (recv(fd_, buffer, sizeof buffer, 0) <= 0) return true;
    }
    return false;
  }

 private:
  int fd_ = -1;
};

Bytes header_of(FrameType type, std::uint64_t length, std::uint8_t version = session::kWireVersion) {
  session::FrameHeader header;
  header.direction = Direction::b_to_a;
  header.type = type;
  header.length = length;
  header.version = version;
  const auto bytes = session::encode_header(header);
  return Bytes(bytes.begin(), bytes.end());
}

Bytes followed_by(Bytes bytes, std::size_t zeros) {
  bytes.resize(bytes.size() + zeros, 0);
  return bytes;
}

Bytes garbage(std::size_t size) {
  Bytes bytes(size);
  CounterStream({31, NodeId::world, Purpose::test, 0}).fill(std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

enum class After : std::uint8_t { silence, end_of_stream };
struct Speech {
  const char* name;
  Bytes bytes;
  After after = After::silence;
  milliseconds patience = milliseconds(0);  // beyond what the machine needs: a stalled peer gets the reply timeout
};

constexpr std::uint64_t kTenGigabytes = 10'000'000'000;

std::vector<Speech> speeches() {
  return {{"SaysNothing", {}, After::silence, kReplyTimeout},
          {"StopsInAHeader", Bytes{'Q', 'K', 'D', 'A', 1}, After::silence, kReplyTimeout},
          {"StopsInAFrame", followed_by(header_of(FrameType::hello, 200), 50), After::silence, kReplyTimeout},
          {"EndsInAFrame", followed_by(header_of(FrameType::hello, 200), 50), After::end_of_stream},
          {"AnnouncesTenGigabytes", followed_by(header_of(FrameType::detections, kTenGigabytes), 1 << 20)},
          {"AnnouncesTheLargestFrame",
           followed_by(header_of(FrameType::detections, session::kMaxPayload), session::kMaxPayload / 2)},
          {"SpeaksAnotherVersion", followed_by(header_of(FrameType::hello, 200, 2), 200)},
          {"TalksGarbage", garbage(1 << 20)},
          {"SendsAHelloOfZeros", followed_by(header_of(FrameType::hello, 200), 200)},
          {"BeginsWithABlock", followed_by(header_of(FrameType::block_open, 200), 200)}};
}

class AStrangerWho : public testing::TestWithParam<Speech> {};

TEST_P(AStrangerWho, IsRefusedWithoutMemoryAndTheNextBlockWorks) {
  const LinkUnderTest link(impatient());
  Program alice = link.start(Side::alice, {"--blocks", "1"});
  {
    const Stranger stranger(link.alice_port());
    const std::uint64_t before = peak_kib(alice.pid());
    stranger.say(GetParam().bytes);
    if (GetParam().after == After::end_of_stream) stranger.stop_talking();
    EXPECT_TRUE(stranger.is_refused_within(GetParam().patience + kSlack));
    EXPECT_GT(before, 0U);
    EXPECT_LT(peak_kib(alice.pid()), before + kMemoryGrowthKib);
  }
  Program bob = link.start(Side::bob, {"--blocks", "1"});
  const Outcome at_alice = alice.wait(std::chrono::seconds(30)), at_bob = bob.wait(std::chrono::seconds(30));
  EXPECT_EQ(at_alice.exit, 0) << at_alice.err;
  EXPECT_EQ(at_bob.exit, 0) << at_bob.err;
  EXPECT_NE(at_alice.err.find("secret bits (key"), std::string::npos) << at_alice.err;
  EXPECT_TRUE(stores_agree(link, Compare::keys_and_pools));
}

INSTANTIATE_TEST_SUITE_P(AtAlicesDoor, AStrangerWho, testing::ValuesIn(speeches()),
                         [](const auto& p) { return p.param.name; });

/// The same from whoever answers when Bob calls.
class AnImpostorWho : public testing::TestWithParam<Speech> {};

TEST_P(AnImpostorWho, IsRefusedWithoutMemoryAndTheNextBlockWorks) {
  LinkUnderTest link(impatient());
  const Speech& speech = GetParam();
  std::atomic<int> calls{0};
  link.proxy().set_line([&](const session::FrameHeader& header, const Bytes&) -> Outgoing {
    if (header.type != FrameType::hello) return {};
    if (header.direction == Direction::b_to_a) return ++calls, Outgoing{};
    return calls < 2 && !speech.bytes.empty() ? passed(speech.bytes) : Outgoing{};
  });
  Program alice = link.start(Side::alice, {"--blocks", "1"}), bob = link.start(Side::bob, {"--blocks", "1"});
  const auto start = std::chrono::steady_clock::now();
  const auto wait_for_call = [&](int number) {
    while (calls < number && since(start) < 3 * (kReplyTimeout + kSlack)) std::this_thread::sleep_for(milliseconds(2));
    return calls >= number;
  };
  ASSERT_TRUE(wait_for_call(1));
  const auto called = std::chrono::steady_clock::now();
  const std::uint64_t before = peak_kib(bob.pid());
  ASSERT_TRUE(wait_for_call(2));
  EXPECT_LT(since(called), kReplyTimeout + kSlack);
  EXPECT_GT(before, 0U);
  EXPECT_LT(peak_kib(bob.pid()), before + kMemoryGrowthKib);
  link.proxy().set_line({});
  link.proxy().cut();
  const Outcome at_alice = alice.wait(std::chrono::seconds(30)), at_bob = bob.wait(std::chrono::seconds(30));
  EXPECT_EQ(at_alice.exit, 0) << at_alice.err;
  EXPECT_EQ(at_bob.exit, 0) << at_bob.err;
  EXPECT_TRUE(stores_agree(link, Compare::keys_and_pools));
}

INSTANTIATE_TEST_SUITE_P(InAlicesPlace, AnImpostorWho, testing::ValuesIn([] {
                           std::vector<Speech> all = speeches();
                           std::erase_if(all, [](const Speech& s) { return s.after == After::end_of_stream; });
                           return all;
                         }()),
                         [](const auto& p) { return p.param.name; });

/// From a frame of the block on the line is silent, in both directions, and stays connected.
class AStalledBlock : public testing::TestWithParam<FrameType> {};

TEST_P(AStalledBlock, EndsWithinTheTimeoutsAndTheNextOneMakesKey) {
  LinkUnderTest link(impatient());
  link.proxy().set_line(
      [type = GetParam(), stalled = false](const session::FrameHeader& header, Bytes frame) mutable -> Outgoing {
        stalled = (stalled || header.type == type) && header.type != FrameType::hello;
        return stalled ? Outgoing{} : passed(std::move(frame));
      });
  LiveNodes nodes(link);
  const auto start = std::chrono::steady_clock::now();
  const session::BlockResult stalled = nodes.run_block();
  EXPECT_LT(since(start), kReplyTimeout + kLightTimeout + kSlack);
  EXPECT_EQ(stalled.status, session::BlockStatus::aborted);
  EXPECT_FALSE(nodes.has_alarm(Side::alice, "authentication-failure"));
  EXPECT_FALSE(nodes.has_alarm(Side::bob, "authentication-failure"));
  link.proxy().set_line({});
  const session::BlockResult next = nodes.run_block();
  EXPECT_EQ(next.status, session::BlockStatus::key) << next.detail;
  nodes.stop();
  EXPECT_TRUE(stores_agree(link, Compare::keys_and_pools));
}

INSTANTIATE_TEST_SUITE_P(InSilence, AStalledBlock,
                         testing::Values(FrameType::block_open, FrameType::block_ready, FrameType::hint,
                                         FrameType::detections, FrameType::bases, FrameType::parity_ask,
                                         FrameType::verify, FrameType::amplify),
                         [](const auto& p) { return std::string(session::to_string(p.param)); });

}  // namespace
}  // namespace nicol::test
