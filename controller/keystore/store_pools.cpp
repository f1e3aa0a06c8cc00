// SPDX-License-Identifier: Apache-2.0
// Pools and marks: what is reserved durably before it is used, what is refused, what is handed out once.
#include <fmt/format.h>

#include <algorithm>

#include "controller/keystore/store_impl.hpp"

namespace nicol::keystore {
namespace {

constexpr bool one_time_pad(Pool pool) { return pool == Pool::otp_ab || pool == Pool::otp_ba; }

Error short_of(Pool pool, std::uint64_t available, std::uint64_t wanted) {
  return {.code = Code::exhausted,
          .message = fmt::format("pool {} holds {} bits and {} are needed: {} are missing; more key must be made",
                                 to_string(pool), available, wanted, wanted - available)};
}

Error refused(Pool pool, Interval interval, std::string_view why) {
  return {.code = Code::refused,
          .message = fmt::format("bits {}..{} of pool {} {}", interval.begin, interval.end, to_string(pool), why)};
}

// Moving past bits that a receiver may still need leaves them open to take_otp_at; the oldest gap makes room.
void move_mark(PoolMarks& marks, Pool pool, std::uint64_t to) {
  if (one_time_pad(pool)) {
    marks.gaps.add({marks.mark, to});
    if (marks.gaps.parts().size() > kMostGaps) marks.gaps.remove(marks.gaps.parts().front());
  }
  marks.mark = std::max(marks.mark, to);
}

Error alarm(Pool pool, std::uint64_t own, std::uint64_t peer, std::string_view why) {
  return {.code = Code::refused,
          .message = fmt::format("the peer's mark of pool {} is {}, ours {}: {}; no mark was moved", to_string(pool),
                                 peer, own, why)};
}

}  // namespace

Result<Interval> KeyStore::Impl::reserve(Pool pool, std::uint64_t bits) {
  if (auto good = alive(); !good) return std::move(good).error();
  if (bits == 0) return Error{.code = Code::bad_input, .message = "a reservation has at least one bit"};
  const PoolStatus now = status(pool);
  if (now.available() < bits) return short_of(pool, now.available(), bits);
  const Interval interval{now.mark, now.mark + bits};
  Ledger next = ledger;
  next.pool(pool).mark = interval.end;
  if (auto done = commit(std::move(next)); !done) return std::move(done).error();
  open_for_taking(pool, interval);
  return interval;
}

Result<void> KeyStore::Impl::accept_reservation(Pool pool, Interval interval) {
  if (auto good = alive(); !good) return good;
  const PoolStatus now = status(pool);
  if (interval.begin >= interval.end) return refused(pool, interval, "are no interval");
  if (interval.begin < now.mark) return refused(pool, interval, fmt::format("begin below our mark {}", now.mark));
  if (interval.end > now.end) return short_of(pool, now.available(), interval.end - now.mark);
  Ledger next = ledger;
  PoolMarks& marks_of_pool = next.pool(pool);
  move_mark(marks_of_pool, pool, interval.begin);
  marks_of_pool.mark = interval.end;
  marks_of_pool.confirmed = std::max(marks_of_pool.confirmed, interval.end);
  if (auto done = commit(std::move(next)); !done) return done;
  open_for_taking(pool, interval);
  return {};
}

std::uint64_t KeyStore::Impl::possible_end(Pool pool) const {
  const Owner* waiting = pending();
  return status(pool).end + (waiting ? waiting->info.split.pools[static_cast<std::size_t>(pool)] : 0);
}

Result<void> KeyStore::Impl::advance_marks(const Marks& peer, std::uint64_t reservation_bits) {
  if (auto good = alive(); !good) return good;
  constexpr std::uint64_t kMostReservations = 1000;
  Ledger next = ledger;
  bool moved = false;
  for (const Pool pool : kPools) {
    const std::uint64_t theirs = peer[static_cast<std::size_t>(pool)];
    PoolMarks& ours = next.pool(pool);
    if (theirs < ours.confirmed)
      return alarm(pool, ours.mark, theirs,
                   fmt::format("it confirmed {} before, so its state was set back (restored backup, copied folder?)",
                               ours.confirmed));
    if (theirs > std::max(possible_end(pool), ours.mark))
      return alarm(pool, ours.mark, theirs, "beyond any bit that both nodes can hold");
    // User data moves a one-time-pad mark by any amount between two meetings; only tags go by reservations.
    const std::uint64_t gap = theirs > ours.mark ? theirs - ours.mark : 0;
    if (!one_time_pad(pool) && reservation_bits != 0 && gap / reservation_bits >= kMostReservations &&
        gap > kMostReservations * reservation_bits)
      return alarm(pool, ours.mark, theirs, fmt::format("more than {} reservations apart", kMostReservations));
    moved = moved || gap > 0 || theirs > ours.confirmed;
    if (gap > 0) move_mark(ours, pool, theirs);
    ours.confirmed = theirs;
  }
  if (!moved) return {};
  if (auto done = commit(std::move(next)); !done) return done;
  erase_all_used();
  return {};
}

Result<secret::LockedKey> KeyStore::Impl::take_pad(Pool pool, Interval interval) {
  if (auto good = alive(); !good) return std::move(good).error();
  if (interval.begin >= interval.end) return refused(pool, interval, "are no interval");
  if (!open_in(pool).contains(interval))
    return refused(pool, interval, "are outside every reservation of this run, or were handed out before");
  const auto kept = [&](const OwnedPad& pad) {
    return pad.pool == pool && intersection(pad.interval, interval).size() != 0;
  };
  if (std::ranges::any_of(ledger.pads, kept)) {
    Ledger next = ledger;
    next.pads.clear();
    for (const OwnedPad& pad : ledger.pads) {
      IntervalSet left;
      left.add(pad.interval);
      if (kept(pad)) left.remove(interval);
      for (const Interval& part : left.parts()) next.pads.push_back({pad.owner, pad.pool, part});
    }
    if (auto done = commit(std::move(next)); !done) return std::move(done).error();
  }
  open_in(pool).remove(interval);
  auto bits = load(pool, interval);
  erase_used(pool, interval);
  return bits;
}

Result<void> KeyStore::Impl::reserve_otp_at(Pool pool, Interval interval) {
  if (auto good = alive(); !good) return good;
  if (!one_time_pad(pool)) return refused(pool, interval, "are of no one-time-pad pool");
  if (interval.begin >= interval.end) return refused(pool, interval, "are no interval");
  const PoolStatus now = status(pool);
  if (interval.end > now.end) return short_of(pool, now.end - std::min(now.end, interval.begin), interval.size());
  Ledger next = ledger;
  PoolMarks& ours = next.pool(pool);
  if (interval.begin >= ours.mark) {
    if (interval.begin > ours.mark) move_mark(ours, pool, interval.begin);
    ours.mark = interval.end;
  } else {
    // Part of it may lie above the mark: a mark moved by the peer can end inside a message never opened here.
    IntervalSet free = ours.gaps;
    free.add({ours.mark, now.end});
    if (!free.contains(interval)) return refused(pool, interval, "were used before, each bit serves once");
    ours.gaps.remove(interval);
    ours.mark = std::max(ours.mark, interval.end);
  }
  if (ours.gaps.parts().size() > kMostGaps) ours.gaps.remove(ours.gaps.parts().front());
  if (auto done = commit(std::move(next)); !done) return done;
  open_for_taking(pool, interval);
  return {};
}

}  // namespace nicol::keystore
