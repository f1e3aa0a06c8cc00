// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/captured_block.hpp"

#include <stdexcept>

#include "controller/distillation/cascade_orders.hpp"
#include "controller/distillation/gf128.hpp"
#include "controller/session/link.hpp"
#include "controller/session/messages.hpp"
#include "controller/session/protocol.hpp"
#include "drivers/hal/random.hpp"
#include "tests/support/must.hpp"

namespace nicol::test {
namespace {

using namespace session;

std::size_t trailer_of(FrameType type, unsigned tag_bits) {
  switch (find_rule(type)->trailer) {
    case Trailer::none:
      return 0;
    case Trailer::one_time_tag:
      return tag_bits / 8;
    case Trailer::service_mac:
      return kServiceMacBytes;
  }
  return 0;
}

/// What is needed of a block while its frames go by.
struct Reading {
  BlockOpen open;
  sifting::DetectionList list;
  Bases bases;
  CapturedBlock block;
  std::uint64_t asked = 0;
};

void learn_key_slots(Reading& r) {
  std::size_t kept = 0, rectilinear = 0;
  for (std::size_t i = 0; i < r.list.slots.size(); ++i) {
    if (!r.bases.reply.kept.get(i)) continue;
    const bool hers = r.bases.reply.bases.get(kept++), his = r.list.bases.get(i);
    if (hers || his) continue;
    if (!r.bases.coins.sample[0].get(rectilinear++)) r.block.key_slots.push_back(r.list.slots[i]);
  }
  r.block.parities = Gf2Rows(r.block.key_slots.size());
}

void learn_asks(Reading& r, const distillation::CascadeAsk& ask) {
  distillation::detail::PassOrders orders(static_cast<std::uint32_t>(r.block.key_slots.size()),
                                          r.bases.permutation_seed);
  ++r.block.asks;
  r.asked = ask.ranges.size();
  for (const auto& range : ask.ranges) {
    const std::size_t row = r.block.parities.add();
    for (std::uint32_t place = range.begin; place < range.end; ++place)
      r.block.parities.set(row, orders.position(range.pass, place));
  }
}

/// The hash is affine in the raw key: column j is hash(e_j) + hash(0).
void learn_verification(Reading& r, const distillation::VerificationMessage& m) {
  using distillation::detail::Gf128;
  const std::size_t n = r.block.key_slots.size();
  r.block.verification = Gf2Rows(n);
  for (unsigned t = 0; t < m.tag_bits; ++t) r.block.verification.add();
  Gf128 key;
  for (std::size_t i = 0; i < 8; ++i) {
    key.low |= std::uint64_t{m.key[i]} << (8 * i);
    key.high |= std::uint64_t{m.key[8 + i]} << (8 * i);
  }
  std::vector<std::uint64_t> unit((n + 63) / 64, 0);
  const Gf128 zero = distillation::detail::polynomial_hash(unit, n, key);
  for (std::size_t j = 0; j < n; ++j) {
    unit[j / 64] = std::uint64_t{1} << (j % 64);
    const Gf128 column = distillation::detail::polynomial_hash(unit, n, key) ^ zero;
    unit[j / 64] = 0;
    for (unsigned t = 0; t < m.tag_bits; ++t)
      if ((((t < 64 ? column.low : column.high) >> (t % 64)) & 1) != 0) r.block.verification.set(t, j);
  }
}

/// True when the frame ends a block with a key.
bool take(Reading& r, FrameType type, std::span<const std::uint8_t> body) {
  const std::uint64_t n = r.block.key_slots.size();
  switch (type) {
    case FrameType::block_open:
      r = Reading{};
      r.open = must(decode_block_open(body));
      r.block.block = r.open.block;
      return false;
    case FrameType::detections:
      r.list = must(decode_detections(body, r.open.agreement.block_slots));
      return false;
    case FrameType::bases:
      r.bases = must(decode_bases(body, r.list.slots.size()));
      learn_key_slots(r);
      return false;
    case FrameType::parity_ask:
      learn_asks(r, must(decode_parity_ask(body, n)));
      return false;
    case FrameType::parity_answer:
      r.block.parity_answers += must(decode_parity_answer(body, r.asked)).parities.size();
      return false;
    case FrameType::reconciled:
      r.block.errors_corrected = must(decode_reconciled(body, n)).errors;
      return false;
    case FrameType::verify:
      learn_verification(r, must(decode_verify(body, r.open.agreement.verification_bits)));
      return false;
    case FrameType::amplify: {
      const Amplify m = must(decode_amplify(body, n));
      r.block.output_bits = m.output_bits;
      r.block.seed = m.seed;
      return m.output_bits > 0;
    }
    default:
      return false;
  }
}

}  // namespace

Gf2Rows CapturedBlock::toeplitz(std::uint64_t count) const {
  const std::uint64_t n = key_slots.size();
  CounterStream more({1, NodeId::world, Purpose::test, block});
  std::vector<bool> s(n + count - 1);
  for (std::size_t k = 0; k < s.size(); ++k) s[k] = k < seed.size() ? seed.get(k) : (more() & 1) != 0;
  Gf2Rows rows(n);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t row = rows.add();
    for (std::uint64_t j = 0; j < n; ++j)
      if (s[i + n - 1 - j]) rows.set(row, j);
  }
  return rows;
}

std::vector<CapturedBlock> captured_blocks(const std::vector<WireFrame>& frames, unsigned tag_bits) {
  std::vector<CapturedBlock> out;
  Reading reading;
  for (const auto& f : frames) {
    const FrameHeader h = must(parse_header(f.bytes));
    const std::span<const std::uint8_t> all(f.bytes);
    const std::size_t fixed = kHeaderBytes + kStampBytes + trailer_of(h.type, tag_bits);
    if (all.size() < fixed) throw std::runtime_error("a frame shorter than its rule");
    if (take(reading, h.type, all.subspan(kHeaderBytes + kStampBytes, all.size() - fixed)))
      out.push_back(reading.block);
  }
  return out;
}

}  // namespace nicol::test
