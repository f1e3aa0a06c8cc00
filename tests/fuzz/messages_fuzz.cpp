// SPDX-License-Identifier: Apache-2.0
// Any payload for any message: decoded or refused; what was decoded is encoded to the same bytes (one value, one
// spelling), so that what is hashed is what was meant.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "controller/session/messages.hpp"

namespace {

using namespace nicol::session;

template <class T>
void check(const nicol::Result<T>& message, ByteSpan body) {
  if (!message) return;
  const Bytes again = encode(*message);
  if (!std::equal(again.begin(), again.end(), body.begin(), body.end())) std::abort();
}

void contact(unsigned kind, ByteSpan body) {
  switch (kind) {
    case 0:
      // A HELLO of another version is only read as far as its number.
      if (const auto hello = decode_hello(body); hello && hello->protocol == kProtocolVersion) check(hello, body);
      return;
    case 1:
      return check(decode_marks(body), body);
    case 2:
      return check(decode_settle_query(body), body);
    case 3:
      return check(decode_settle_answer(body), body);
    case 4:
      return check(decode_settle_done(body), body);
    case 5:
      return check(decode_block_open(body), body);
    case 6:
      return check(decode_block_ready(body), body);
    case 7:
      return check(decode_verdict(body), body);
    default:
      // The detail is cleaned while it is read: only that it is taken at all is looked at.
      static_cast<void>(decode_abort(body));
  }
}

void block(unsigned kind, ByteSpan body) {
  constexpr std::uint64_t kSlots = 100'000, kEntries = 64, kBits = 1000;
  switch (kind) {
    case 0:
      return check(decode_hint(body, kSlots), body);
    case 1:
      return check(decode_detections(body, kSlots), body);
    case 2:
      return check(decode_bases(body, kEntries), body);
    case 3:
      return check(decode_samples(body, 17, 9), body);
    case 4:
      // Runs may be written shorter than they came: the ranges are what counts.
      if (const auto ask = decode_parity_ask(body, kBits)) {
        const auto again = decode_parity_ask(encode(*ask), kBits);
        if (!again || again->ranges != ask->ranges) std::abort();
      }
      return;
    case 5:
      return check(decode_parity_answer(body, 33), body);
    case 6:
      return check(decode_reconciled(body, kBits), body);
    case 7:
      return check(decode_verify(body, 64), body);
    case 8:
      return check(decode_verified(body), body);
    case 9:
      return check(decode_amplify(body, kBits), body);
    case 10:
      return check(decode_pause(body, kSlots), body);
    case 11:
      return check(decode_resume(body, kSlots), body);
    case 13:
      return check(decode_closed(body, kSlots), body);
    default:
      static_cast<void>(decode_rig_ready(body));  // cleaned while it is read, like the detail of an ABORT
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteSpan body(data + 1, size - 1);
  const unsigned kind = data[0] % 23;
  if (kind < 9)
    contact(kind, body);
  else
    block(kind - 9, body);
  return 0;
}
