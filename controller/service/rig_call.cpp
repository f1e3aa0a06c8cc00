// SPDX-License-Identifier: Apache-2.0
#include "controller/service/rig_call.hpp"

#include "controller/session/codec.hpp"

namespace nicol::service {
namespace {

using session::ByteReader;
using session::ByteWriter;

constexpr std::size_t kMostText = 512;

void put_words(ByteWriter& w, const std::vector<std::uint64_t>& words) {
  for (const std::uint64_t word : words) w.u64(word);
}

std::vector<std::uint64_t> words(ByteReader& r, std::uint64_t slots) {
  std::vector<std::uint64_t> all((slots + 63) / 64);
  for (std::uint64_t& word : all) word = r.u64();
  return all;
}

}  // namespace

std::vector<std::uint8_t> encode(const RigCall& call) {
  ByteWriter w;
  w.u32(call.id);
  w.u8(static_cast<std::uint8_t>(call.method));
  w.u64(call.number);
  w.varint(call.slots);
  put_words(w, call.bases);
  put_words(w, call.bits);
  return std::move(w).take();
}

Result<RigCall> decode_rig_call(std::span<const std::uint8_t> bytes) {
  ByteReader r(bytes);
  RigCall call;
  call.id = r.u32();
  call.method = static_cast<RigMethod>(r.u8_up_to(static_cast<std::uint8_t>(kLastRigMethod)));
  call.number = r.u64();
  call.slots = r.varint_up_to(kMostCallSlots);
  if (!r.failed() && r.left() == (call.slots + 63) / 64 * 16) {
    call.bases = words(r, call.slots);
    call.bits = words(r, call.slots);
  } else {
    r.fail();
  }
  return r.finish(std::move(call), "RIG_CALL");
}

std::vector<std::uint8_t> encode(const RigAnswer& answer) {
  ByteWriter w;
  w.u32(answer.id);
  w.u8(answer.done ? 1 : 0);
  w.u8(answer.done ? std::uint8_t{0} : static_cast<std::uint8_t>(answer.done.error().code));
  w.text(answer.done ? std::string_view() : std::string_view(answer.done.error().message).substr(0, kMostText));
  w.varint(answer.numbers.size());
  put_words(w, answer.numbers);
  return std::move(w).take();
}

Result<RigAnswer> decode_rig_answer(std::span<const std::uint8_t> bytes) {
  ByteReader r(bytes);
  RigAnswer answer;
  answer.id = r.u32();
  const bool done = r.u8_up_to(1) == 1;
  const auto code = static_cast<Code>(r.u8_up_to(static_cast<std::uint8_t>(Code::over_rate)));
  std::string text = r.text(kMostText);
  if (!done) answer.done = Error{code, std::move(text), "peer", 0, {}};
  answer.numbers.resize(r.varint_up_to(kMostAnswerNumbers));
  for (std::uint64_t& number : answer.numbers) number = r.u64();
  return r.finish(std::move(answer), "RIG_ANSWER");
}

}  // namespace nicol::service
