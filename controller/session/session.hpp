// SPDX-License-Identifier: Apache-2.0
// The two-party protocol of a block as a sans-I/O machine: (state, frame | timeout | light) -> (state, frames, events).
// Only the session knows there is a wire; it opens none. protocol.hpp holds the table of states.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "controller/detection/pairs/closed_list.hpp"
#include "controller/detection/pairs/pair_state.hpp"
#include "controller/detection/slot_detector.hpp"
#include "controller/distillation/amplification.hpp"
#include "controller/distillation/estimation.hpp"
#include "controller/keystore/key_store.hpp"
#include "controller/secret/arena.hpp"
#include "controller/session/public_slots.hpp"
#include "drivers/hal/clocks.hpp"

namespace nicol::session {

using sifting::Side;
using Bytes = std::vector<std::uint8_t>;

/// bb84: Alice prepares. bbm92: pairs are shared and both measure; slots count her time, and her i-th click is entry i
/// of what both sift.
enum class Protocol : std::uint8_t { bb84, bbm92 };
std::string_view to_string(Protocol p) noexcept;

/// bbm92 only.
struct PairAgreement {
  detection::pairs::PairState state = detection::pairs::PairState::psi_minus;
  Picoseconds slot_period{1'000'000};  // a slot of her clock
  Picoseconds closed_tick{1'000};      // her times are rounded to it before she tells them
};

/// What both sides must agree on at hello; a side refuses anything weaker than its own.
struct Agreement {
  Protocol protocol = Protocol::bb84;
  PairAgreement pairs;
  distillation::LengthFunction length = distillation::LengthFunction::sps_g2;
  sifting::SamplePlan sample;
  distillation::Epsilons epsilon;
  unsigned tag_bits = 64;
  unsigned verification_bits = 64;
  double p_alice_diagonal = 0.5, p_bob_diagonal = 0.5;
  keystore::PoolPlan pools;
  double qber_abort = 0.11;
  std::uint64_t block_slots = 0;            // N, Alice proposes, Bob checks against his maximum
  std::uint64_t minimum_key_bits = 64;      // sifted key bits below which a block is too_few at once
  std::optional<PublicSlots> public_slots;  // of a link whose clock is found by them
};

struct SessionConfig {
  Side side = Side::alice;
  Agreement agreement;
  hal::ReceiverKind receiver = hal::ReceiverKind::passive;
  hal::DeviceModel model;  // Alice's of the source, Bob's of the receiver; exchanged at hello
  distillation::Origin origin = distillation::Origin::simulated;
  std::chrono::milliseconds reply_timeout{20'000}, light_timeout{60'000};
  std::chrono::milliseconds pause_patience{120'000};  // a longer pause of the light ends the block, reason device
  std::uint64_t maximum_block_slots = std::uint64_t{1} << 40;
  /// Carried over from the connections before this one: blocks opened in this run (a seeded Random's index goes on from
  /// here, so that no draw repeats), and how many blocks failed in a row.
  std::uint64_t blocks_before = 0;
  std::uint32_t failed_before = 0;
};

enum class BlockStatus : std::uint8_t { key, no_key, aborted };
enum class BlockReason : std::uint8_t {
  none,
  qber,
  authentication,
  monitor,
  verification,
  too_few,
  no_proof,
  peer,
  device,
  cancelled
};
std::string_view to_string(BlockStatus s) noexcept;
std::string_view to_string(BlockReason r) noexcept;

/// One entry of `nicol run --json` blocks[], as known to this side.
struct BlockResult {
  std::uint64_t block = 0;  // the store's number
  std::uint64_t index = 0;  // counted from the run's start
  BlockStatus status = BlockStatus::no_key;
  BlockReason reason = BlockReason::none;
  std::string detail;  // for people
  std::uint64_t slots = 0, detections = 0;
  std::uint64_t public_slots = 0;   // of them, known to everybody: no key
  std::uint64_t dropped_slots = 0;  // that Bob lost: pauses, lost tags, and what they overlap
  distillation::BlockFacts facts;
  std::optional<distillation::LengthDecision> length;
  std::uint64_t parity_bits = 0;  // leak_ec_bits: reconciliation class of the ledger
  std::optional<double> f_ec;
  std::uint64_t secret_bits = 0;
  distillation::EpsilonRecord epsilon;
  std::optional<distillation::KeyId> key_id;
  std::uint32_t check = 0;
  std::uint64_t auth_bits_spent = 0, auth_bits_replenished = 0;
  sifting::Mismatched correlators;
  /// A one-time tag of the peer verified over all of this block that he sent, so over every frame that the counts above
  /// were made from. It does not mean that key came of it.
  bool statistics_verified = false;
  std::uint32_t rounds = 0;  // of reconciliation, one message each way
};

/// Why light pauses: a cable is out, a setting could not be confirmed, or a device could not keep up.
enum class PauseReason : std::uint8_t { unplugged, unconfirmed, overflow };
std::string_view to_string(PauseReason r) noexcept;

// ---- events: what the caller must do or know ----
struct EventPeerReady {};  // hello, marks, settlement done: blocks may open
struct EventAskReady {};   // Bob: look after the rig, then rig_ready()
/// Alice: Bob's answer to ask_ready(). Empty: open_block() now. Else why a block would be wasted.
struct EventRigReady {
  std::string why_not;
};
/// Between blocks, for calibration: what the peer asks of this rig (answer with rig_answer()), and what it answered to
/// rig_call(). Authentic and in order; what it means is the caller's.
struct EventRigCall {
  Bytes call;
};
struct EventRigAnswer {
  Bytes answer;
};
struct EventOpenLight {
  std::uint64_t block = 0, slots = 0;
  std::uint64_t index = 0;                          // of the block in this run: what a seeded Random is asked with
  std::optional<detection::PublicPattern> pattern;  // what Alice sends in the public slots
};                                                  // Alice: emit. Bob: arm the receiver, then receiver_ready()
struct EventHint {
  std::uint64_t complete_slots = 0;
  std::vector<std::uint64_t> clicked;
};  // Alice: may forget the other slots
/// The peer asks for a pause: no light until the session says so. `from_slot` on, the peer vouches for nothing.
struct EventPauseLight {
  std::uint64_t from_slot = 0;
  PauseReason reason = PauseReason::unplugged;
};
/// Bob: light will go on at first_slot. Drop what is not complete, get ready for its frame marker, then resumed(). At
/// the block's end: no light is to come, and his list is next.
struct EventPrepareLight {
  std::uint64_t first_slot = 0;
};
/// Alice: light may go on, at the slot given to resume(); at the block's end when Bob has closed: nothing is left to
/// emit.
struct EventResumeLight {
  std::uint64_t first_slot = 0;
};
/// Bob, bbm92: her list is in and its tag verified. Once his own part is over too (measurement_finished), the pairs are
/// looked for, and detection_finished() says which of her clicks have one.
struct EventPeerClosed {
  detection::pairs::ClosedList hers;
};
struct EventCloseLight {
  std::string why;
};  // stop emitting / acquiring: the block died
struct EventBlockDone {
  BlockResult result;
};
struct EventSettled {
  distillation::KeyId id;
  distillation::Verdict::Kind kind;
};
struct EventAlarm {
  std::string name, what, what_to_do;
};
struct EventClosed {
  std::string why;
  Code code = Code::protocol;
};  // this connection is over; reconnect
using Event = std::variant<EventPeerReady, EventAskReady, EventRigReady, EventRigCall, EventRigAnswer, EventOpenLight,
                           EventHint, EventPauseLight, EventPrepareLight, EventResumeLight, EventPeerClosed,
                           EventCloseLight, EventBlockDone, EventSettled, EventAlarm, EventClosed>;

/// Frames are complete wire frames, to be sent in this order. Everything durable happened before step returned.
struct Step {
  std::vector<Bytes> send;
  std::vector<Event> events;
};

class Vault;  // vault.hpp
class Tap;    // tap.hpp

class Session {
 public:
  /// `store`, `random`, `arena`, `deadlines` outlive the session. One session a connection; session ids are OS-random.
  Session(const SessionConfig& config, keystore::KeyStore& store, Random& random, secret::Arena& arena,
          const Deadlines& deadlines);
  /// The same before anything that answers like a store; `tap` (none: nullptr) outlives the session too.
  Session(const SessionConfig& config, Vault& vault, Random& random, secret::Arena& arena, const Deadlines& deadlines,
          Tap* tap);
  ~Session();

  Step start();                                        // HELLO
  Step on_frame(std::span<const std::uint8_t> frame);  // one complete wire frame (see frames.hpp FrameReader)
  Step on_garbage(const Error& why);                   // bytes that are no frame: an honest peer sends none
  Step on_timeout();                                   // when next_timeout() has passed
  std::optional<Deadline> next_timeout() const;
  Step on_disconnect();  // the link is gone: the open block dies, pending keys stay

  // Alice
  Step ask_ready();   // before a block: it costs pads, asking costs none
  Step open_block();  // legal after EventPeerReady and after EventBlockDone
  /// All slots are out: what she kept (already reduced by hints), how many slots she kept in all.
  Step emission_finished(detection::Clicks&& prepared, std::uint64_t slots_prepared);
  // either, between blocks
  Step rig_call(Bytes call);
  Step rig_answer(Bytes answer);  // after EventRigCall
  // Bob
  Step rig_ready(std::string why_not);  // after EventAskReady
  Step receiver_ready();
  Step hint(std::uint64_t complete_slots, std::vector<std::uint64_t> clicked);
  Step detection_finished(detection::SlotDetector::Finished&& finished);
  // bbm92. Alice: her part of the block is over; `clicks` has slot i for the i-th time of the list. The list goes out,
  // and no basis before Bob's is in.
  Step measurement_closed(detection::pairs::ClosedList&& list, detection::Clicks&& clicks);
  // Bob: his part is over; then detection_finished(), with her clicks' numbers as slots and bits turned over where the
  // state says so.
  Step measurement_finished();
  // either, while light is open: no light for now; slots from `from_slot` on are not vouched for and will be dropped.
  // Does nothing while light is paused already.
  Step pause(std::uint64_t from_slot, PauseReason reason);
  // Alice: her rig is ready to go on at this slot. Bob: his is (after EventPrepareLight).
  Step resume(std::uint64_t first_slot);
  Step resumed();
  // either: give up the open block (device fault, cancel)
  Step abort_block(BlockReason reason, std::string detail);

  /// An orderly end: the open block is given up, the peer told.
  Step goodbye();

  bool block_open() const;
  /// A pause of the light that both sides know of has not ended.
  bool light_paused() const;
  /// For the next connection's SessionConfig.
  std::uint64_t blocks_opened() const;
  std::uint32_t failed_in_a_row() const;
  std::string state_name() const;  // for logs and the status line

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nicol::session
