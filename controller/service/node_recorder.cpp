// SPDX-License-Identifier: Apache-2.0
#include "controller/service/node_recorder.hpp"

#include <algorithm>

#include "controller/keystore/sealing.hpp"
#include "controller/recording/tag_codec.hpp"
#include "controller/service/recorded_vault.hpp"
#include "controller/session/link.hpp"

namespace nicol::service {
namespace {

using recording::Entry;
using recording::put_le;

/// One and the same on every machine: it tells frames apart, it hides nothing.
constexpr std::array<std::byte, 16> kFrameDigestKey{};

std::size_t trailer_bytes(session::FrameType type, unsigned tag_bits) {
  const session::FrameRule* rule = session::find_rule(type);
  if (rule == nullptr || rule->trailer == session::Trailer::none) return 0;
  return rule->trailer == session::Trailer::service_mac ? session::kServiceMacBytes : tag_bits / 8;
}

}  // namespace

std::array<std::uint8_t, kSentBytes> sent_digest(std::span<const std::uint8_t> frame, unsigned tag_bits) {
  std::array<std::uint8_t, kSentBytes> out{};
  const auto header = session::parse_header(frame);
  if (!header) return out;
  const auto canonical = frame.first(frame.size() - std::min(frame.size(), trailer_bytes(header->type, tag_bits)));
  put_le(std::span(out).first(2), static_cast<std::uint64_t>(header->type));
  put_le(std::span(out).subspan(2, 8), header->sequence);
  put_le(std::span(out).subspan(10, 8), canonical.size());
  keystore::keyed_hash(kFrameDigestKey, canonical, std::span(out).subspan(18, 16));
  return out;
}

NodeRecorder::NodeRecorder(std::unique_ptr<recording::Writer> to, NodeFacts facts, Random& random,
                           keystore::KeyStore& store)
    : to_(std::move(to)), store_(session::vault_of(store)), random_(random, *to_) {
  os_random_fill(std::as_writable_bytes(std::span(facts.digest_key)));
  vault_ = make_recording_vault(*store_, *to_, facts.digest_key);
  to_->put(Entry::node, {encode(facts)});
  to_->flush();
}

NodeRecorder::~NodeRecorder() = default;

void NodeRecorder::begin_session(const session::SessionConfig& config) {
  tag_bits_ = config.agreement.tag_bits;
  to_->put(Entry::session, {encode(config)});
}

void NodeRecorder::before(const session::CallMade& call) noexcept {
  const SteadyDeadlines steady;
  clock_.set(steady.now());
  std::array<std::uint8_t, 8> time{};
  put_le(time, static_cast<std::uint64_t>(
                   std::chrono::duration_cast<std::chrono::nanoseconds>(clock_.now().time_since_epoch()).count()));
  if (call.kind == session::CallKind::frame) return to_->put(Entry::frame, {time, call.frame});
  std::array<std::uint8_t, 10> fixed{};
  fixed[0] = static_cast<std::uint8_t>(call.kind);
  fixed[1] = call.choice;
  put_le(std::span(fixed).subspan(2), call.slot);
  const std::span<const std::uint8_t> text(reinterpret_cast<const std::uint8_t*>(call.text.data()), call.text.size());
  to_->put(Entry::call, {time, fixed, text});
}

void NodeRecorder::after(const session::Step& step) noexcept {
  for (const auto& frame : step.send) to_->put(Entry::sent, {sent_digest(frame, tag_bits_)});
  for (const session::Event& event : step.events)
    if (const auto* done = std::get_if<session::EventBlockDone>(&event))
      to_->put(Entry::result, {encode(done->result)});
}

void NodeRecorder::act(LightAct act, std::uint64_t a, std::uint64_t b) noexcept {
  std::array<std::uint8_t, 17> payload{static_cast<std::uint8_t>(act)};
  put_le(std::span(payload).subspan(1, 8), a);
  put_le(std::span(payload).subspan(9, 8), b);
  to_->put(Entry::light, {payload});
  if (act != LightAct::progress) last_.reset();
}

/// A tagger that waits says the same nothing many times: once is enough.
void NodeRecorder::tags(const hal::TagBlock& block) noexcept {
  const bool empty = block.tag_count == 0 && block.loss_count == 0;
  const bool again = last_ && last_->tag_count == 0 && last_->loss_count == 0 && block.t_begin == last_->t_begin &&
                     block.t_end == last_->t_end && block.sequence == last_->sequence &&
                     block.first_index == last_->first_index;
  if (empty && again) return;
  recording::put_tags(*to_, block);
  last_ = block;
}

std::optional<Error> NodeRecorder::take_trouble() {
  if (told_ || !to_->trouble()) return std::nullopt;
  told_ = true;
  return to_->trouble();
}

}  // namespace nicol::service
