// SPDX-License-Identifier: Apache-2.0
// The session's inside: state, link, the block that is open. Handlers are split by idea: machine.cpp (dispatch),
// ending.cpp, contact.cpp (hello, marks), settlement.cpp, opening.cpp, public_slots.cpp, pausing.cpp, measuring.cpp,
// alice_*.cpp, bob_*.cpp, closing.cpp (tags), report.cpp.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "controller/distillation/verification.hpp"
#include "controller/session/agreement.hpp"
#include "controller/session/authenticator.hpp"
#include "controller/session/link.hpp"
#include "controller/session/protocol.hpp"
#include "controller/session/session.hpp"
#include "controller/session/vault.hpp"

namespace nicol::session {

/// Everything of the open block; destroyed with it. Members below `auth` fill as the block goes on.
struct OpenBlock {
  OpenBlock(const BlockOpen& opened, std::uint64_t run_index, Authenticator&& tags);

  std::uint64_t block = 0, index = 0, slots = 0;
  KeyId id;
  Agreement agreement;
  Authenticator auth;
  BlockResult result;

  std::optional<detection::PublicPattern> pattern;

  bool light = false;              // emitting or receiving: the caller must hear when it is over
  bool committed = false;          // Alice: the key is available. Bob: it is stored PENDING
  std::uint64_t hinted_slots = 0;  // complete slots of the last hint
  struct Pauses {
    std::uint32_t sent = 0, received = 0;
    bool under_way = false;
    std::optional<Deadline> until;         // of the pause under way
    std::uint64_t least_slot = 0;          // light cannot go on before it
    std::optional<std::uint64_t> offered;  // RESUME not answered yet
  } pauses;

  std::optional<detection::Clicks> clicks;  // hers (prepared) or his, until sifted
  std::uint64_t entries = 0;                // what the slots of his list count: slots, or her clicks
  std::uint64_t slots_prepared = 0;
  sifting::DetectionList list;
  sifting::BasesReply reply;
  std::optional<distillation::Estimation> estimation;
  std::uint64_t permutation_seed = 0;
  std::optional<distillation::CascadeAnswerer> answerer;
  std::optional<distillation::CascadeCorrector> corrector;
  std::uint64_t raw_bits = 0;  // of the block that is reconciled
  std::optional<distillation::ReconciledBlock> reconciled;
  std::optional<distillation::VerificationProver> prover;
  std::optional<distillation::VerifiedBlock> verified;
  std::optional<distillation::PendingKey> key;
  keystore::Split split;
  struct Ending {
    BlockStatus status = BlockStatus::no_key;
    BlockReason reason = BlockReason::none;
    std::string detail;
  };
  std::optional<Ending> ending;  // Bob: without a key, once her tag over what says so has verified
};

class Machine {
 public:
  /// `tap` (none: nullptr) hears what is sifted.
  Machine(const SessionConfig& config, Vault& vault, Random& random, secret::Arena& arena, const Deadlines& deadlines,
          Tap* tap);

  void start();
  void on_frame(std::span<const std::uint8_t> frame);
  void on_garbage(const Error& why) { fault(why); }
  void on_timeout();
  void on_disconnect();
  void goodbye();
  std::optional<Deadline> next_timeout() const;

  void ask_ready();
  void rig_ready(std::string why_not);
  void rig_call(const Bytes& call);
  void rig_answer(const Bytes& answer);
  void open_block();
  void emission_finished(detection::Clicks&& prepared, std::uint64_t slots_prepared);
  void receiver_ready();
  void hint(std::uint64_t complete_slots, std::vector<std::uint64_t> clicked);
  void detection_finished(detection::Clicks&& clicks);
  void measurement_closed(const detection::pairs::ClosedList& list, detection::Clicks&& clicks);
  void measurement_finished();
  void pause(std::uint64_t from_slot, PauseReason reason);
  void resume(std::uint64_t first_slot);
  void resumed();
  void abort_block(BlockReason reason, std::string detail);

  Step take() { return std::exchange(out_, {}); }
  bool block_open() const { return block_.has_value() || given_up_.has_value(); }
  State state() const { return state_; }
  std::uint64_t blocks_opened() const { return blocks_opened_; }
  std::uint32_t failed_in_a_row() const { return failed_; }

 private:
  using Incoming = Link::Incoming;
  bool alice() const { return config_.side == Side::alice; }
  bool shares_pairs() const { return block_->agreement.protocol == Protocol::bbm92; }
  Direction out_direction() const { return direction_from(config_.side); }
  Direction in_direction() const { return direction_from(peer_of(config_.side)); }

  // ---- dispatch: machine.cpp ----
  Result<void> receive(std::span<const std::uint8_t> frame);
  Result<void> check_trailer(const Incoming& in);
  Result<void> handle(const Incoming& in);
  Result<void> handle_alice(const Incoming& in);
  Result<void> handle_bob(const Incoming& in);
  bool enter(Call call);
  void enter(State next);
  void send(FrameType type, const Bytes& body);
  Result<void> send_tagged(FrameType type, TagPurpose purpose, const Bytes& body);
  Result<void> verify_tag(const Incoming& in, TagPurpose purpose);
  template <class E>
  void event(E e) {
    out_.events.emplace_back(std::in_place_type<E>, std::move(e));
  }

  // ---- ending.cpp ----
  /// The connection cannot go on: the block dies, the peer gets a last word, the caller EventClosed.
  void fault(const Error& error);
  void close(std::string why, Code code);
  Result<void> on_abort(const Incoming& in);
  void on_abort_request(const Abort& m);
  void on_goodbye();
  void finish_giving_up();
  /// The open block is over with this result, and its secrets gone. Before the commitment Alice durably remembers
  /// "destroyed"; after it the key is what it is: hers available, his pending.
  void bury(BlockStatus status, BlockReason reason, std::string detail);
  void end_block(BlockStatus status, BlockReason reason, std::string detail);  // bury, and idle again
  BlockResult close_books(BlockStatus status, BlockReason reason, std::string detail);
  void remember_destroyed();
  void report(BlockResult result);
  void darken(const std::string& why);
  void alarm(std::string name, std::string what, std::string what_to_do);

  // ---- contact.cpp, settlement.cpp ----
  Hello own_hello() const;
  Result<void> on_hello(const Incoming& in);
  Result<void> on_marks(const Incoming& in);
  Result<void> confirm_all_but(const std::optional<KeyId>& pending);
  Result<void> recover_own_pending();
  Result<void> ask_settlement();
  Result<void> on_settle_query(const Incoming& in);
  Result<void> on_settle_answer(const Incoming& in);
  Result<void> on_settle_done(const Incoming& in);
  Result<void> send_alone(FrameType type, TagPurpose purpose, const keystore::Interval& pad, const Bytes& body);
  Result<void> verify_alone(const Incoming& in, TagPurpose purpose, const keystore::Interval& pad);
  Result<void> apply_verdict(const KeyId& id, Verdict::Kind kind);
  void peer_ready();

  // ---- opening.cpp ----
  Result<void> on_ask_ready(const Incoming& in);
  Result<void> on_rig_ready(const Incoming& in);
  Result<void> on_rig_call(const Incoming& in);
  Result<void> on_rig_answer(const Incoming& in);
  Result<BlockOpen> prepare_block();
  std::optional<std::string> refuses(const BlockOpen& m) const;
  void begin(const BlockOpen& m);
  Result<void> on_block_open(const Incoming& in);
  Result<void> on_block_ready(const Incoming& in);

  // ---- public_slots.cpp ----
  Result<void> make_public_slots();
  void preamble_at(std::uint64_t first_slot);
  void take_out_public(detection::Clicks& clicks) const;
  std::uint64_t secret_slots() const;

  // ---- pausing.cpp ----
  Result<void> on_pause(const Incoming& in);
  Result<void> on_resume(const Incoming& in);
  Result<void> on_resume_ready(const Incoming& in);
  void offer(std::uint64_t first_slot);
  void pause_too_long();

  // ---- measuring.cpp ----
  Result<void> on_closed(const Incoming& in);

  // ---- alice_sifting.cpp, alice_distilling.cpp ----
  Result<void> on_hint(const Incoming& in);
  Result<void> on_detections(const Incoming& in);
  Result<void> disclose_bases();
  Result<void> on_samples(const Incoming& in);
  Result<void> on_parity_ask(const Incoming& in);
  Result<void> on_reconciled(const Incoming& in);
  Result<void> on_verified(const Incoming& in);
  Result<void> make_key();

  // ---- bob_sifting.cpp, bob_distilling.cpp ----
  Result<void> on_bases(const Incoming& in);
  Result<void> ask_or_finish();
  Result<void> on_parity_answer(const Incoming& in);
  Result<void> on_verify(const Incoming& in);
  Result<void> on_amplify(const Incoming& in);

  // ---- closing.cpp ----
  Result<void> on_transcript_tag(const Incoming& in);
  Result<void> on_accept_tag(const Incoming& in);
  Result<void> on_verdict(const Incoming& in);
  Result<void> on_confirmed(const Incoming& in);
  Result<void> make_available();

  // ---- report.cpp ----
  /// The block grew beyond what this node's arena was sized for at start.
  Result<void> fits_arena(std::size_t bytes) const;
  /// Why the block ends here, if estimation says so or there are too few key bits.
  std::optional<OpenBlock::Ending> fails_estimation(const distillation::Estimation::Done& done);
  Result<bool> length_gives_key(const distillation::BlockFacts& facts);
  OpenBlock::Ending lengthless() const;
  static OpenBlock::Ending unequal() {
    return {BlockStatus::aborted, BlockReason::verification, "the raw keys differ after reconciliation"};
  }
  /// Both sides know from the same frame that no key comes of it: she tags what she sent, he ends when that verified.
  Result<void> end_without_key(OpenBlock::Ending ending);
  void note_reconciled(const distillation::BlockFacts& facts);
  void complete_record();
  void end_with_key();

  SessionConfig config_;
  Vault* store_;
  Random* random_;
  secret::Arena* arena_;
  const Deadlines* deadlines_;
  Tap* tap_;
  Link link_;
  State state_ = State::fresh;
  Deadline deadline_;
  Step out_;

  Hello own_, peer_;
  Bytes own_hello_frame_, peer_hello_frame_;
  std::optional<KeyId> peer_pending_;    // Alice: Bob said in MARKS that he will ask for it
  std::uint8_t settlement_attempt_ = 0;  // Bob: whose answer he waits for
  std::optional<OpenBlock> block_;
  std::optional<BlockResult> given_up_;      // by this side; told to the caller once the peer knows
  std::optional<std::uint64_t> last_block_;  // number of the last block that was opened
  std::uint64_t blocks_opened_ = 0;
  std::uint32_t failed_ = 0;
};

Error session_error(Code code, std::string message);
/// An error found in bytes that no tag covers yet: whoever changed them, it counts as authentication.
Error unauthenticated(Error error);

}  // namespace nicol::session
