// SPDX-License-Identifier: Apache-2.0
// A bridge program in this process, and the driver that talks to it through a real socket.
#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "drivers/tagger-bridge/bridge/tag_server.hpp"
#include "drivers/tagger-bridge/driver.hpp"
#include "tests/instruments/tagger_bench.hpp"

namespace nicol::test {

class BridgeBench {
 public:
  explicit BridgeBench(bridge::ServerOptions options = {}) : options_(std::move(options)) {
    static std::atomic<int> number{0};
    folder_ = std::filesystem::temp_directory_path() /
              ("nicol-bridge-" + std::to_string(::getpid()) + "-" + std::to_string(number++));
    std::filesystem::create_directories(folder_ / "nicol");
    if (options_.address.path.empty()) options_.address.path = (folder_ / "nicol" / "test.tagger").string();
    options_.device.serial = fw::Text("BRIDGE-1");
    options_.device.model = fw::Text("a tagger behind a bridge");
    if (options_.device.tagger.channels == 0) options_.device.tagger.channels = 8;
    options_.device.tagger.fifo_depth = 1 << 20;
    serve();
  }
  ~BridgeBench() { std::filesystem::remove_all(folder_); }

  void serve() {
    auto server = bridge::TagServer::open(options_);
    if (!server) throw std::runtime_error(describe(server.error()));
    server_ = *std::move(server);
  }
  bridge::TagServer& server() { return *server_; }
  const std::filesystem::path& folder() const { return folder_; }
  std::string address() const {
    const auto& a = server_->address();
    return a.port.empty() ? "unix:" + a.path : "tcp:" + a.path + ":" + a.port;
  }
  hal::Driver driver(tagger_bridge::SealFactory seal = nullptr) { return tagger_bridge::driver(hub_, std::move(seal)); }

  std::unique_ptr<hal::TimeTagger> open() { return open_tagger(driver(), {{"address", address()}}); }
  void unplug(const hal::Device& device) {
    server_.reset();
    await_link(device, hal::Link::disconnected);
  }
  void replug(const hal::Device& device) {
    serve();
    await_link(device, hal::Link::connected);
  }
  bool streaming() {
    return until([this] { return server_->streaming(); });
  }
  /// On the channels in turn, one in `apart` ticks; then a time mark.
  void make_tags(std::size_t count, std::int64_t apart = 1000) {
    if (!streaming()) return;
    for (std::size_t i = 0; i < count; ++i) (void)server_->push(static_cast<unsigned>(i % 4), now_ += apart);
    server_->complete(now_ += apart);
  }
  std::int64_t& now() { return now_; }

 private:
  bridge::ServerOptions options_;
  std::filesystem::path folder_;
  transport::Hub hub_;
  std::unique_ptr<bridge::TagServer> server_;
  std::int64_t now_ = 1'000'000;
};

}  // namespace nicol::test
