// SPDX-License-Identifier: Apache-2.0
// A whole link for tests that break it: two folders as `nicol init` writes them, a small scenario whose blocks take
// tenths of a second, and the man in the middle between the two nodes.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "controller/session/authenticator.hpp"
#include "tests/integration/program.hpp"
#include "tests/support/proxy.hpp"

namespace nicol::test {

using session::Direction;
using session::FrameType;
using session::Side;
using Bytes = FrameProxy::Bytes;
using Line = FrameProxy::Line;
using Outgoing = std::vector<FrameProxy::Outgoing>;
using Record = FrameProxy::Record;

inline Outgoing passed(Bytes frame) {
  Outgoing out;
  out.push_back({std::move(frame)});
  return out;
}

/// Alice listens at alice_port(), Bob connects to the proxy.
class LinkUnderTest {
 public:
  struct Options {
    std::uint64_t block_slots = 6'500'000;  // about 1e4 sifted bits, 2e3 secret ones
    std::chrono::milliseconds reply_timeout{5'000}, light_timeout{8'000};
  };
  explicit LinkUnderTest(const Options& options);
  LinkUnderTest() : LinkUnderTest(Options{}) {}

  std::filesystem::path file(const std::string& name) const { return folder_ / name; }
  std::filesystem::path config(Side side) const;
  std::uint16_t alice_port() const { return alice_port_; }
  FrameProxy& proxy() { return *proxy_; }
  /// `nicol alice|bob --config …` and what follows.
  Program start(Side side, std::vector<std::string> more = {}, As as = {}) const;
  /// The same, with the points of a durable write as the places where it may die (tests/support/nicol_fault.cpp).
  Program start_mortal(Side side, std::vector<std::string> more, std::vector<std::string> environment) const;

 private:
  std::vector<std::string> arguments(Side side, std::vector<std::string> more) const;
  Folder folder_;
  std::uint16_t alice_port_ = 0;
  std::unique_ptr<FrameProxy> proxy_;
};

std::filesystem::path mortal_program();

/// What `keys stats --json` says.
struct StoreFace {
  using Key = std::tuple<std::string, std::string, std::uint64_t, std::string>;  // id, state, bits, check value
  std::vector<Key> keys;                                                         // sorted
  std::string pools;
  std::size_t in_state(const std::string& state) const;
  bool has(const std::string& id, const std::string& state) const;
};
StoreFace store_face(const LinkUnderTest& link, Side side);
/// Both nodes must be stopped. `pools` too when no reservation is under way.
enum class Compare : std::uint8_t { keys, keys_and_pools };
testing::AssertionResult stores_agree(const LinkUnderTest& link, Compare compare);

/// Counts what goes by, and lets a test wait for it.
class Sightings {
 public:
  /// A line that notes every frame before `line` decides about it (none: it passes).
  Line noting(Line line = {});
  std::uint64_t count(FrameType type) const;
  /// False when fewer have come within the patience.
  bool wait(FrameType type, std::uint64_t at_least,
            std::chrono::milliseconds patience = std::chrono::seconds(30)) const;

 private:
  struct State {
    std::mutex mutex;  // guards counts
    std::condition_variable changed;
    std::array<std::uint64_t, 32> counts{};
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// Lets everything pass except the first frame of this type, of which `act` decides.
Line on_first(FrameType type, Line act);
Line on_first_from(Direction direction, FrameType type, Line act);

session::BlockOpen block_open_of(const Record& record);
/// Key ids of the BLOCK_OPENs among records [begin, end).
std::vector<std::string> opened_ids(const std::vector<Record>& records, std::size_t begin, std::size_t end);
std::size_t count_of(const std::vector<Record>& records, FrameType type, std::size_t begin, std::size_t end);

/// A one-time pad that a captured frame shows as reserved or used.
struct Pad {
  keystore::Pool pool;
  keystore::Interval bits;
  std::string where;
};
/// Of every BLOCK_OPEN the two reservations.
std::vector<Pad> reservations_in(const std::vector<Record>& records);
/// Of every tagged frame the pad of its tag, settlements included.
std::vector<Pad> pads_used_in(const std::vector<Record>& records);
testing::AssertionResult disjoint(std::vector<Pad> pads);

}  // namespace nicol::test
