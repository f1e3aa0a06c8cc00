// SPDX-License-Identifier: Apache-2.0
// The man in the middle itself: what it passes, records, changes, drops and delays over real loopback sockets.
#include "tests/support/proxy.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nicol::test {
namespace {

using Bytes = FrameProxy::Bytes;
using session::Direction;
using session::FrameHeader;
using session::FrameType;

Bytes frame_of(FrameType type, std::uint64_t sequence, std::size_t payload = 20) {
  FrameHeader header;
  header.type = type;
  header.sequence = sequence;
  header.length = payload;
  const auto start = session::encode_header(header);
  Bytes frame(start.begin(), start.end());
  frame.resize(frame.size() + payload, 7);
  return frame;
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }
  void write(const Bytes& bytes) const { EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), 0), ssize_t(bytes.size())); }
  /// Up to `size` bytes, or fewer when nothing more comes within the time.
  Bytes read(std::size_t size, int milliseconds = 5000) const {
    Bytes out;
    while (out.size() < size) {
      pollfd p{fd_, POLLIN, 0};
      if (poll(&p, 1, milliseconds) <= 0) break;
      Bytes chunk(size - out.size());
      const ssize_t n = recv(fd_, chunk.data(), chunk.size(), 0);
      if (n <= 0) break;
      out.insert(out.end(), chunk.begin(), chunk.begin() + n);
    }
    return out;
  }

 private:
  int fd_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

struct Ends {
  explicit Ends(FrameProxy::Line line = {}) : listener(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listener.fd(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener.fd(), 1), 0);
    getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&address), &size);
    proxy = std::make_unique<FrameProxy>(ntohs(address.sin_port), std::move(line));
    near = std::make_unique<Socket>(socket(AF_INET, SOCK_STREAM, 0));
    const sockaddr_in to = loopback(proxy->port());
    EXPECT_EQ(connect(near->fd(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
    far = std::make_unique<Socket>(accept(listener.fd(), nullptr, nullptr));
  }
  Socket listener;
  std::unique_ptr<FrameProxy> proxy;
  std::unique_ptr<Socket> near, far;
};

TEST(FrameProxy, PassesAndRecordsBothDirections) {
  Ends ends;
  const Bytes there = frame_of(FrameType::hello, 0), back = frame_of(FrameType::marks, 1);
  ends.near->write(there);
  EXPECT_EQ(ends.far->read(there.size()), there);
  ends.far->write(back);
  EXPECT_EQ(ends.near->read(back.size()), back);
  const auto records = ends.proxy->records();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].frame, there);
  EXPECT_EQ(records[1].type, FrameType::marks);
}

TEST(FrameProxy, ChangesWhatTheLineSays) {
  Ends ends([](const FrameHeader&, Bytes frame) {
    frame.back() ^= 1;
    return std::vector<FrameProxy::Outgoing>{{std::move(frame)}};
  });
  Bytes frame = frame_of(FrameType::hello, 0);
  ends.near->write(frame);
  frame.back() ^= 1;
  EXPECT_EQ(ends.far->read(frame.size()), frame);
}

TEST(FrameProxy, DropsDoublesAndCutsShort) {
  Ends ends([](const FrameHeader& header, Bytes frame) -> std::vector<FrameProxy::Outgoing> {
    if (header.sequence == 0) return {};
    if (header.sequence == 1) return {{frame}, {frame}};
    frame.resize(10);
    return {{std::move(frame)}};
  });
  for (std::uint64_t i = 0; i < 3; ++i) ends.near->write(frame_of(FrameType::hello, i));
  const Bytes one = frame_of(FrameType::hello, 1), cut = frame_of(FrameType::hello, 2);
  EXPECT_EQ(ends.far->read(one.size()), one);
  EXPECT_EQ(ends.far->read(one.size()), one);
  EXPECT_EQ(ends.far->read(11, 100), Bytes(cut.begin(), cut.begin() + 10));
}

TEST(FrameProxy, DelaysAFrame) {
  constexpr auto kDelay = std::chrono::milliseconds(60);
  Ends ends([&](const FrameHeader&, Bytes frame) {
    return std::vector<FrameProxy::Outgoing>{{std::move(frame), kDelay}};
  });
  const Bytes frame = frame_of(FrameType::hello, 0);
  const auto before = std::chrono::steady_clock::now();
  ends.near->write(frame);
  EXPECT_EQ(ends.far->read(frame.size()), frame);
  EXPECT_GE(std::chrono::steady_clock::now() - before, kDelay);
}

TEST(FrameProxy, PassesAFrameLargerThanAnySocketBuffer) {
  Ends ends;
  const Bytes frame = frame_of(FrameType::detections, 0, 30u << 20);
  std::thread writer([&] { ends.near->write(frame); });
  EXPECT_EQ(ends.far->read(frame.size()), frame);
  writer.join();
}

TEST(FrameProxy, EndsTheConnectionWhenEitherSideDoes) {
  Ends ends;
  ends.near.reset();
  EXPECT_TRUE(ends.far->read(1).empty());
}

TEST(FrameProxy, CutsTheConnectionWhenTold) {
  Ends ends;
  ends.proxy->cut();
  EXPECT_TRUE(ends.near->read(1).empty());
}

}  // namespace
}  // namespace nicol::test
