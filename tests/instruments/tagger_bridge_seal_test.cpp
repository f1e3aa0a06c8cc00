// SPDX-License-Identifier: Apache-2.0
// The bridge's connections under the seal of a key file: greetings, first records, and callers who never say one.
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <thread>

#include "controller/app/key_file_seal.hpp"
#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/tagger_bridge_bench.hpp"

namespace nicol::hal_contract {
namespace {

using tagger_bridge::Connection;
using tagger_bridge::Fd;
using tagger_bridge::Seal;
using tagger_bridge::SealSide;
using test::BridgeBench;
using Bytes = std::vector<std::uint8_t>;

Deadline soon() { return {std::chrono::steady_clock::now() + std::chrono::seconds(20)}; }

struct KeyFile {
  explicit KeyFile(char fill) : path(testing::TempDir() + "nicol-bridge-" + std::to_string(::getpid()) + fill) {
    { std::ofstream(path, std::ios::binary) << std::string(32, fill); }
    ::chmod(path.c_str(), 0600);
  }
  ~KeyFile() { ::unlink(path.c_str()); }
  std::unique_ptr<Seal> seal(SealSide side) const { return *app::key_file_seal(path, side); }
  std::string path;
};

/// Waits for the other end's greeting, then sends its own and a first record in one piece.
void greet_and_speak_at_once(int fd, Seal& seal, const Bytes& first) {
  Bytes none, got(4096);
  while (!seal.ready()) {
    const ssize_t n = ::recv(fd, got.data(), got.size(), 0);
    ASSERT_GT(n, 0);
    ASSERT_TRUE(succeeds(seal.open(std::span(got).first(static_cast<std::size_t>(n)), none)));
  }
  Bytes bytes = seal.greeting();
  const auto record = seal.seal(first);
  ASSERT_TRUE(succeeds(record));
  bytes.insert(bytes.end(), record->begin(), record->end());
  ASSERT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
}

TEST(SealedConnection, HearsAFirstRecordThatCameInOnePieceWithTheGreeting) {
  const KeyFile key('k');
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const Fd caller(ends[1]);
  const Bytes first{'h', 'e', 'l', 'l', 'o'};
  const auto seal = key.seal(SealSide::driver);
  std::jthread calls([&] { greet_and_speak_at_once(caller.get(), *seal, first); });
  auto connection = Connection::over(Fd(ends[0]), key.seal(SealSide::bridge), soon());
  ASSERT_TRUE(succeeds(connection));
  Bytes heard;
  ASSERT_TRUE(succeeds(connection->read(heard, soon(), {})));
  EXPECT_EQ(heard, first);
}

bridge::ServerOptions sealed(const KeyFile& key) {
  bridge::ServerOptions options;
  options.address = {tagger_bridge::Address::Kind::tcp, "127.0.0.1", "0"};
  options.key_file = key.path;
  options.seal = app::key_file_seal;
  options.greet_within = std::chrono::milliseconds(300);
  return options;
}

TEST(SealedBridge, TellsThePortThatItListensOnWhenItWasLeftToTheSystem) {
  const KeyFile key('p');
  BridgeBench bench(sealed(key));
  EXPECT_NE(bench.server().address().port, "0");
  EXPECT_TRUE(succeeds(tagger_bridge::connect_to(bench.server().address(), soon())));
}

TEST(SealedBridge, SendsAwayWhoRepeatsAnOldGreetingAndServesTheNextCaller) {
  const KeyFile key('r');
  BridgeBench bench(sealed(key));
  const Bytes old = key.seal(SealSide::driver)->greeting();
  const auto stranger = tagger_bridge::connect_to(bench.server().address(), soon());
  ASSERT_TRUE(succeeds(stranger));
  ASSERT_EQ(::send(stranger->get(), old.data(), old.size(), MSG_NOSIGNAL), static_cast<ssize_t>(old.size()));
  const auto driver = bench.driver(app::key_file_seal);
  const auto call = [&] { return driver.make({{"address", bench.address()}, {"key", key.path}}).ok(); };
  EXPECT_TRUE(test::until(call, 20));
}

}  // namespace
}  // namespace nicol::hal_contract
