// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "controller/service/tcp.hpp"

namespace nicol::service {
namespace {

using namespace std::chrono_literals;

struct Ends {
  TcpLink here, there;
};

Ends connected() {
  auto listener = TcpListener::open({"127.0.0.1", "0"});
  EXPECT_TRUE(listener.ok());
  auto out = tcp_connect({"127.0.0.1", std::to_string(listener->port())}, 1s);
  EXPECT_TRUE(out.ok());
  pollfd p{listener->descriptor(), POLLIN, 0};
  poll(&p, 1, 1000);
  return {TcpLink(*std::move(out)), TcpLink(listener->accept())};
}

std::vector<std::uint8_t> read_all(TcpLink& link, std::size_t wanted, TcpLink& sender) {
  std::vector<std::uint8_t> got;
  for (int i = 0; i < 10'000 && got.size() < wanted; ++i) {
    EXPECT_TRUE(sender.flush().ok());
    const auto piece = link.receive();
    if (!piece) break;
    got.insert(got.end(), piece->begin(), piece->end());
  }
  return got;
}

TEST(TcpLink, CarriesMoreThanTheKernelTakesAtOnceInOrder) {
  Ends e = connected();
  std::vector<std::uint8_t> sent(8u << 20);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<std::uint8_t>(i * 31 >> 3);
  e.here.queue(sent);
  EXPECT_EQ(read_all(e.there, sent.size(), e.here), sent);
  EXPECT_FALSE(e.here.wants_write());
}

TEST(TcpLink, SaysWhenThePeerIsGone) {
  Ends e = connected();
  { const TcpLink gone = std::move(e.there); }
  pollfd p{e.here.descriptor(), POLLIN, 0};
  poll(&p, 1, 1000);
  const auto r = e.here.receive();
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.error().code, Code::disconnected);
}

TEST(TcpLink, LetsTheKernelAskWhetherTheOtherMachineIsStillThere) {
  const Ends e = connected();
  int on = 0;
  socklen_t size = sizeof on;
  ASSERT_EQ(getsockopt(e.here.descriptor(), SOL_SOCKET, SO_KEEPALIVE, &on, &size), 0);
  EXPECT_EQ(on, 1);
}

TEST(TcpListener, RefusesAPortThatIsTaken) {
  const auto first = TcpListener::open({"127.0.0.1", "0"});
  ASSERT_TRUE(first.ok());
  const auto second = TcpListener::open({"127.0.0.1", std::to_string(first->port())});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::busy);
}

TEST(Endpoint, ReadsHostPortAndBracketedV6) {
  EXPECT_EQ(parse_endpoint("host:7450")->host, "host");
  EXPECT_EQ(parse_endpoint("[::1]:80")->host, "::1");
  EXPECT_EQ(to_string(*parse_endpoint("[::1]:80")), "[::1]:80");
  for (const char* bad : {"host", "host:", "host:x", "host:70000"}) EXPECT_FALSE(parse_endpoint(bad).ok()) << bad;
}

}  // namespace
}  // namespace nicol::service
