// SPDX-License-Identifier: Apache-2.0
// The tags that turn a PendingKey into a key, in the one order that survives a stop anywhere: Bob stores it PENDING
// before he accepts; Alice stores it, writes her verdict down, makes it available, and only then says so.
#include "controller/session/machine.hpp"

namespace nicol::session {

Result<void> Machine::on_transcript_tag(const Incoming& in) {
  if (Result<void> verified = verify_tag(in, TagPurpose::transcript); !verified) return verified;
  if (Result<void> empty = decode_empty(in.body, in.type); !empty) return empty;
  if (block_->ending) {
    const OpenBlock::Ending ending = *std::move(block_->ending);
    end_block(ending.status, ending.reason, ending.detail);
    return {};
  }
  complete_record();
  const auto settlement = block_->auth.reservation().settlement();
  if (Result<void> stored = store_->put(*std::move(block_->key), block_->split, settlement); !stored) return stored;
  block_->key.reset();
  block_->committed = true;
  return send_tagged(FrameType::accept_tag, TagPurpose::accept, encode(Verdict::Kind::available));
}

Result<void> Machine::on_accept_tag(const Incoming& in) {
  if (Result<void> verified = verify_tag(in, TagPurpose::accept); !verified) return verified;
  const Result<Verdict::Kind> said = decode_verdict(in.body);
  if (!said) return said.error();
  if (*said != Verdict::Kind::available) return session_error(Code::refused, "Bob refused the key");
  if (Result<void> stored = make_available(); !stored) return stored;
  return send_tagged(FrameType::verdict, TagPurpose::verdict, encode(Verdict::Kind::available));
}

/// A stop after put: the verdict is unknown, both destroy. After remember: both make it available.
Result<void> Machine::make_available() {
  const auto settlement = block_->auth.reservation().settlement();
  if (Result<void> counted = store_->add_epsilon(block_->result.epsilon.total); !counted) return counted;
  if (Result<void> stored = store_->put(*std::move(block_->key), block_->split, settlement); !stored) return stored;
  block_->key.reset();
  if (Result<void> known = store_->remember(block_->id, Verdict::Kind::available, settlement); !known) return known;
  block_->committed = true;
  return store_->settle(block_->id, VerdictIssuer::issue(block_->id, Verdict::Kind::available));
}

Result<void> Machine::on_verdict(const Incoming& in) {
  if (Result<void> verified = verify_tag(in, TagPurpose::verdict); !verified) return verified;
  const Result<Verdict::Kind> kind = decode_verdict(in.body);
  if (!kind) return kind.error();
  if (Result<void> settled = apply_verdict(block_->id, *kind); !settled) return settled;
  send(FrameType::settle_done, encode(SettleDone{block_->id, *kind}));
  if (*kind == Verdict::Kind::available) {
    end_with_key();
    return {};
  }
  block_->committed = false;
  end_block(BlockStatus::aborted, BlockReason::peer, "the peer's verdict: destroyed");
  return {};
}

Result<void> Machine::on_confirmed(const Incoming& in) {
  const Result<SettleDone> m = decode_settle_done(in.body);
  if (!m) return m.error();
  if (m->id != block_->id || m->kind != Verdict::Kind::available)
    return session_error(Code::authentication, "a confirmation of another key");
  if (Result<void> done = store_->forget(block_->id); !done) return done;
  end_with_key();
  return {};
}

}  // namespace nicol::session
