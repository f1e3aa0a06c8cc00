// SPDX-License-Identifier: Apache-2.0
// A bridge program in this process, and the driver that talks to it through a real socket.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "drivers/hal/time_tagger.hpp"
#include "drivers/tagger-bridge/bridge/tag_server.hpp"
#include "drivers/tagger-bridge/driver.hpp"

namespace nicol::test {

inline bool eventually(const std::function<bool()>& fact, double seconds = 5) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!fact()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// What a consumer has seen of a stream.
struct BridgeEar {
  std::vector<hal::TimeTag> tags;
  std::vector<hal::LossInterval> losses;
  hal::StreamStatus last = hal::StreamStatus::ok;

  void listen(hal::TimeTagger& tagger, double seconds, const std::function<bool()>& enough = nullptr) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    std::vector<hal::TimeTag> tag_storage(4096);
    std::vector<hal::LossInterval> loss_storage(16);
    hal::TagBlock block;
    block.storage = tag_storage;
    block.loss_storage = loss_storage;
    while (std::chrono::steady_clock::now() < end) {
      last = tagger.acquire(block, {std::chrono::steady_clock::now() + std::chrono::milliseconds(20)});
      tags.insert(tags.end(), block.tags().begin(), block.tags().end());
      losses.insert(losses.end(), block.losses().begin(), block.losses().end());
      if (last == hal::StreamStatus::stopped || last == hal::StreamStatus::disconnected) return;
      if (enough && enough()) return;
    }
  }
};

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

  std::unique_ptr<hal::TimeTagger> open() {
    auto made = driver().make({{"address", address()}});
    if (!made) throw std::runtime_error(describe(made.error()));
    return std::unique_ptr<hal::TimeTagger>(&dynamic_cast<hal::TimeTagger&>(*made->release()));
  }
  void unplug(const hal::Device& device) {
    server_.reset();
    eventually([&] { return device.link() == hal::Link::disconnected; });
  }
  void replug(const hal::Device& device) {
    serve();
    eventually([&] { return device.link() == hal::Link::connected; });
  }
  bool streaming() {
    return eventually([this] { return server_->streaming(); });
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
