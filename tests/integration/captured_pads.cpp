// SPDX-License-Identifier: Apache-2.0
// Which one-time pads a bystander sees reserved and used, from the frames on the wire alone.
#include <algorithm>
#include <map>
#include <stdexcept>

#include "controller/session/link.hpp"
#include "tests/integration/link_under_test.hpp"
#include "tests/support/must.hpp"

namespace nicol::test {
namespace {

using session::Reservation;
using session::TagPurpose;

std::span<const std::uint8_t> body_of(const Record& r, std::size_t trailer) {
  const std::size_t fixed = session::kHeaderBytes + session::kStampBytes + trailer;
  if (r.frame.size() < fixed) throw std::runtime_error("a frame shorter than its rule");
  return std::span(r.frame).subspan(session::kHeaderBytes + session::kStampBytes, r.frame.size() - fixed);
}

Reservation reservation_of(const session::BlockOpen& m) { return {m.auth_ab, m.auth_ba, m.agreement.tag_bits}; }

/// Reads a history frame by frame: tags belong to the block opened last, settlements to the key they name.
class PadReader {
 public:
  void take(const Record& r) {
    switch (r.type) {
      case FrameType::block_open: {
        const session::BlockOpen m = block_open_of(r);
        open_ = reservation_of(m);
        known_[distillation::to_string(m.id)] = *open_;
        return;
      }
      case FrameType::detections:
        return use(r, TagPurpose::detections);
      case FrameType::accept_tag:
        return use(r, TagPurpose::accept);
      case FrameType::transcript_tag:
        return use(r, TagPurpose::transcript);
      case FrameType::verdict:
        return use(r, TagPurpose::verdict);
      case FrameType::settle_query: {
        const auto m = must(session::decode_settle_query(body_of(r, tag_bytes_)));
        return settle(r, TagPurpose::settle_query, m.id, m.attempt);
      }
      case FrameType::settle_answer: {
        const auto m = must(session::decode_settle_answer(body_of(r, tag_bytes_)));
        return settle(r, TagPurpose::settle_answer, m.id, m.attempt);
      }
      default:
        return;
    }
  }
  std::vector<Pad> pads;

 private:
  void use(const Record& r, TagPurpose purpose) {
    if (!open_) throw std::runtime_error("a tag outside any block");
    pads.push_back({session::pool_of(purpose), open_->interval(purpose), std::string(session::to_string(r.type))});
  }
  void settle(const Record& r, TagPurpose purpose, const session::KeyId& id, std::uint64_t attempt) {
    const Reservation& of_key = known_.at(distillation::to_string(id));
    pads.push_back({session::pool_of(purpose), session::settlement_pad(of_key.interval(purpose), attempt),
                    std::string(session::to_string(r.type)) + " of " + distillation::to_string(id)});
  }
  std::size_t tag_bytes_ = 8;
  std::optional<Reservation> open_;
  std::map<std::string, Reservation> known_;
};

}  // namespace

session::BlockOpen block_open_of(const Record& record) {
  return must(session::decode_block_open(body_of(record, session::kServiceMacBytes)));
}

std::vector<std::string> opened_ids(const std::vector<Record>& records, std::size_t begin, std::size_t end) {
  std::vector<std::string> ids;
  for (std::size_t i = begin; i < std::min(end, records.size()); ++i)
    if (records[i].type == FrameType::block_open) ids.push_back(distillation::to_string(block_open_of(records[i]).id));
  return ids;
}

std::size_t count_of(const std::vector<Record>& records, FrameType type, std::size_t begin, std::size_t end) {
  std::size_t count = 0;
  for (std::size_t i = begin; i < std::min(end, records.size()); ++i) count += records[i].type == type ? 1U : 0U;
  return count;
}

std::vector<Pad> reservations_in(const std::vector<Record>& records) {
  std::vector<Pad> pads;
  for (const Record& r : records) {
    if (r.type != FrameType::block_open) continue;
    const session::BlockOpen m = block_open_of(r);
    const std::string where = "block " + std::to_string(m.block);
    pads.push_back({keystore::Pool::auth_ab, m.auth_ab, where});
    pads.push_back({keystore::Pool::auth_ba, m.auth_ba, where});
  }
  return pads;
}

std::vector<Pad> pads_used_in(const std::vector<Record>& records) {
  PadReader reader;
  for (const Record& r : records) reader.take(r);
  return std::move(reader.pads);
}

testing::AssertionResult disjoint(std::vector<Pad> pads) {
  const auto key = [](const Pad& p) { return std::tuple(p.pool, p.bits.begin, p.bits.end); };
  std::sort(pads.begin(), pads.end(), [&](const Pad& a, const Pad& b) { return key(a) < key(b); });
  for (std::size_t i = 1; i < pads.size(); ++i) {
    const Pad &before = pads[i - 1], &p = pads[i];
    if (before.pool == p.pool && p.bits.begin < before.bits.end)
      return testing::AssertionFailure() << keystore::to_string(p.pool) << " bit " << p.bits.begin
                                         << " serves twice: " << before.where << " and " << p.where;
  }
  return testing::AssertionSuccess();
}

}  // namespace nicol::test
