// SPDX-License-Identifier: Apache-2.0
// What the frames say: one struct and one pair of functions a message (README.md has the byte layouts). Decoders are
// total and bounded: what the receiver already knows about sizes is an argument.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "controller/distillation/cascade.hpp"
#include "controller/distillation/verification.hpp"
#include "controller/keystore/key_store.hpp"
#include "controller/session/codec.hpp"
#include "controller/session/frames.hpp"
#include "controller/session/session.hpp"

namespace nicol::session {

using ByteSpan = std::span<const std::uint8_t>;
using distillation::KeyId;
using distillation::Verdict;

inline constexpr std::uint16_t kProtocolVersion = 2;
inline constexpr std::uint64_t kMaxDetections = std::uint64_t{1} << 24;  // entries of one list
inline constexpr std::uint8_t kSettlementTries = 3;  // pads reserved for settling one key; a cut-off try spends one

// ---- contact ----
struct Hello {
  std::uint16_t protocol = kProtocolVersion;
  std::array<std::uint8_t, 8> half{};  // of the session id
  Side side = Side::alice;
  std::array<std::uint8_t, 16> preshared_fingerprint{};
  distillation::Origin pool_class = distillation::Origin::simulated, origin = distillation::Origin::simulated;
  hal::ReceiverKind receiver = hal::ReceiverKind::passive;
  Agreement agreement;
  hal::DeviceModel model;
};
Bytes encode(const Hello& m);
Result<Hello> decode_hello(ByteSpan body);

/// `pending`: Bob's key in doubt, if any; whatever else Alice remembers is thereby confirmed.
struct MarksMessage {
  keystore::Marks marks{};
  std::optional<KeyId> pending;
};
Bytes encode(const MarksMessage& m);
Result<MarksMessage> decode_marks(ByteSpan body);

struct SettleQuery {
  KeyId id;
  std::uint64_t block = 0;
  std::uint8_t attempt = 0;  // which of the reserved pads
};
Bytes encode(const SettleQuery& m);
Result<SettleQuery> decode_settle_query(ByteSpan body);

struct SettleAnswer {
  KeyId id;
  Verdict::Kind kind = Verdict::Kind::destroyed;
  std::uint8_t attempt = 0;
};
Bytes encode(const SettleAnswer& m);
Result<SettleAnswer> decode_settle_answer(ByteSpan body);

struct SettleDone {
  KeyId id;
  Verdict::Kind kind = Verdict::Kind::destroyed;
};
Bytes encode(const SettleDone& m);
Result<SettleDone> decode_settle_done(ByteSpan body);

// ---- before a block ----
/// Bob's answer to ASK_READY (which says nothing but that she asks). Empty: his rig is ready. Else why not, for people.
struct RigReady {
  std::string why_not;
};
Bytes encode(const RigReady& m);
Result<RigReady> decode_rig_ready(ByteSpan body);

// ---- light ----
struct BlockOpen {
  std::uint64_t block = 0;
  KeyId id;
  keystore::Interval auth_ab, auth_ba;
  Agreement agreement;  // block_slots is N
};
Bytes encode(const BlockOpen& m);
Result<BlockOpen> decode_block_open(ByteSpan body);

struct BlockReady {
  std::uint64_t block = 0;
};
Bytes encode(const BlockReady& m);
Result<BlockReady> decode_block_ready(ByteSpan body);

struct Hint {
  std::uint64_t complete_slots = 0;
  std::vector<std::uint64_t> clicked;
};
Bytes encode(const Hint& m);
Result<Hint> decode_hint(ByteSpan body, std::uint64_t block_slots);

/// Either way, while light is open: no light until RESUME. The sender will drop what it cannot vouch for, from_slot on.
struct Pause {
  std::uint64_t from_slot = 0;
  PauseReason reason = PauseReason::unplugged;
};
Bytes encode(const Pause& m);
Result<Pause> decode_pause(ByteSpan body, std::uint64_t block_slots);

/// RESUME: light goes on at this slot, with the frame marker (block_slots: none is left). RESUME_READY repeats it.
struct Resume {
  std::uint64_t first_slot = 0;
};
Bytes encode(const Resume& m);
Result<Resume> decode_resume(ByteSpan body, std::uint64_t block_slots);

Bytes encode(const detection::pairs::ClosedList& m);
/// `ticks`: the block's length.
Result<detection::pairs::ClosedList> decode_closed(ByteSpan body, std::uint64_t ticks);

Bytes encode(const sifting::DetectionList& m);
Result<sifting::DetectionList> decode_detections(ByteSpan body, std::uint64_t block_slots);

// ---- sifting, estimation ----
struct Bases {
  sifting::BasesReply reply;
  sifting::SampleCoins coins;
  secret::PublicBits sample;  // her bits, rectilinear then diagonal
  std::uint64_t permutation_seed = 0;
};
Bytes encode(const Bases& m);
Result<Bases> decode_bases(ByteSpan body, std::uint64_t entries);

struct Samples {
  secret::PublicBits mismatched, sample;  // his bits, in the order of hers
};
Bytes encode(const Samples& m);
Result<Samples> decode_samples(ByteSpan body, std::uint64_t mismatched, std::uint64_t sample);

// ---- reconciliation, verification, amplification ----
Bytes encode(const distillation::CascadeAsk& m);
Result<distillation::CascadeAsk> decode_parity_ask(ByteSpan body, std::uint64_t bits);
Bytes encode(const distillation::CascadeAnswer& m);
Result<distillation::CascadeAnswer> decode_parity_answer(ByteSpan body, std::uint64_t asked);

struct Reconciled {
  std::uint64_t errors = 0;
};
Bytes encode(const Reconciled& m);
Result<Reconciled> decode_reconciled(ByteSpan body, std::uint64_t bits);

Bytes encode(const distillation::VerificationMessage& m);
Result<distillation::VerificationMessage> decode_verify(ByteSpan body, unsigned tag_bits);

enum class Equality : std::uint8_t { different, equal };
Bytes encode(Equality m);
Result<Equality> decode_verified(ByteSpan body);

/// output_bits = 0: the length is not enough for a key; nothing else follows then.
struct Amplify {
  std::uint64_t output_bits = 0;
  std::uint32_t check = 0;
  keystore::Split split;
  secret::PublicBits seed;
};
Bytes encode(const Amplify& m);
Result<Amplify> decode_amplify(ByteSpan body, std::uint64_t input_bits);

// ---- the end ----
Bytes encode(Verdict::Kind kind);  // ACCEPT_TAG and VERDICT
Result<Verdict::Kind> decode_verdict(ByteSpan body);
Result<void> decode_empty(ByteSpan body, FrameType type);

/// last_word: the sender closes the connection and wants no acknowledgement.
enum class AbortKind : std::uint8_t { request, acknowledgement, last_word };
struct Abort {
  AbortKind kind = AbortKind::request;
  std::uint64_t block = 0;
  BlockReason reason = BlockReason::peer;
  std::string detail;
};
Bytes encode(const Abort& m);
Result<Abort> decode_abort(ByteSpan body);

}  // namespace nicol::session
