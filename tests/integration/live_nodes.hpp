// SPDX-License-Identifier: Apache-2.0
// Both nodes of a link under test in this process, so that a test sees their results and alarms; and Eve, who does
// one thing to one frame and notes what it cost.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/service/node.hpp"
#include "tests/integration/link_under_test.hpp"

namespace nicol::test {

class LiveNodes {
 public:
  /// std::runtime_error when a node cannot start. Runs on what the link's folders hold.
  explicit LiveNodes(const LinkUnderTest& link);
  /// Alice opens one more block; what she says of it. std::runtime_error when it does not end in time.
  session::BlockResult run_block();
  service::Node& alice() { return *alice_; }
  service::Node& bob() { return *bob_; }
  std::vector<session::BlockResult> results(Side side) const;
  bool has_alarm(Side side, const std::string& name) const;
  /// Orderly; afterwards other programs may open the stores.
  void stop();

 private:
  std::unique_ptr<service::Node> alice_, bob_;
};

/// A change of one frame, and which blocks it touched.
class EveOnce {
 public:
  /// The first frame of this type and direction goes through `act`.
  EveOnce(Direction direction, FrameType type, Line act);
  Line line() const;
  bool acted() const;
  /// Key ids of the blocks whose tags cover the changed frame: the open one; of a HELLO or MARKS all of its connection.
  std::vector<std::string> victims() const;
  /// True when Alice's bases went by for one of those blocks after the change.
  bool saw_bases() const;

 private:
  struct Notes;
  std::shared_ptr<Notes> notes_;
};

/// The change of one bit.
Line flip_bit(std::size_t byte, unsigned bit);

}  // namespace nicol::test
