// SPDX-License-Identifier: Apache-2.0
// What must survive a crash to the bit: marks, gaps, settlement pads, verdicts, block number, epsilon, record heads.
// Two copies in two files, each with a generation and a keyed checksum; both are synced, one after the other, before
// anything they reserve is used. So any one copy may be torn or lost; with both lost the pools are dead.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "controller/keystore/files.hpp"
#include "controller/keystore/intervals.hpp"
#include "controller/keystore/sealing.hpp"

namespace nicol::keystore {

inline constexpr std::size_t kMostGaps = 64, kMostPads = 1024, kMostRemembered = 256, kMostHeads = 64, kLongestRow = 64;

/// gaps: positions below the mark that a receiver skipped and may still open, each once.
struct PoolMarks {
  std::uint64_t mark = 0, end = 0, confirmed = 0;
  IntervalSet gaps;
};
/// Bits kept past the run that reserved them, for the settlement of one key.
struct OwnedPad {
  KeyId owner;
  Pool pool = Pool::auth_ab;
  Interval interval;
};
struct Ledger {
  std::uint64_t generation = 0;
  std::array<PoolMarks, 4> pools;
  std::vector<OwnedPad> pads;
  std::vector<KeyStore::Remembered> remembered;
  std::uint64_t next_block = 0;
  double epsilon = 0;
  std::vector<RecordHead> heads;

  PoolMarks& pool(Pool p) { return pools[static_cast<std::size_t>(p)]; }
  const PoolMarks& pool(Pool p) const { return pools[static_cast<std::size_t>(p)]; }
};
/// The newer one, with every number that may only grow at the larger of both.
Ledger larger(const Ledger& a, const Ledger& b);

class MarksFile {
 public:
  struct Loaded;
  /// Writes both copies of a new store.
  static Result<void> create(const Folder& folder, const Sealer& sealer, const Ledger& first);
  static Result<Loaded> open(const Folder& folder, const Sealer& sealer);
  /// Durable in both copies when it returns. Any failure is final: what the disk holds is unknown.
  /// Boundaries: marks.first.write, .written, .fsync, marks.second.…
  Result<void> write(const Folder& folder, const Sealer& sealer, const Ledger& ledger) const;

 private:
  MarksFile(Fd first, Fd second) : copies_{std::move(first), std::move(second)} {}
  static Result<Loaded> heal(MarksFile marks, const Folder& folder, const Sealer& sealer, std::optional<Ledger> first,
                             std::optional<Ledger> second);
  Result<void> write_copy(std::size_t copy, const Folder& folder, const Bytes& bytes) const;
  std::array<Fd, 2> copies_;
};
struct MarksFile::Loaded {
  MarksFile file;
  Ledger ledger;
  unsigned torn_copies = 0;
};

}  // namespace nicol::keystore
