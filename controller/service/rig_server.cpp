// SPDX-License-Identifier: Apache-2.0
#include "controller/service/rig_server.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/calibration/bench.hpp"

namespace nicol::service {
namespace {

constexpr std::chrono::seconds kSilence{5};
using Numbers = std::vector<std::uint64_t>;

Result<Numbers> numbers(Result<void> done) { return done ? Result<Numbers>(Numbers{}) : std::move(done).error(); }

Numbers numbers_of(const hal::SourceCaps& caps) {
  return {static_cast<std::uint64_t>(caps.source),
          static_cast<std::uint64_t>(caps.record),
          static_cast<std::uint64_t>(caps.slot_period.count),
          caps.max_pattern_slots,
          caps.intensities,
          caps.self_safing ? 1U : 0U,
          caps.has_interlock ? 1U : 0U};
}

}  // namespace

std::vector<std::uint8_t> RigServer::answer(std::span<const std::uint8_t> bytes, std::string_view busy) {
  const auto call = decode_rig_call(bytes);
  RigAnswer answer;
  if (!call) {
    answer.done = call.error();
    return encode(answer);
  }
  answer.id = call->id;
  silent_until_ = deadlines_->in(kSilence);
  if (!busy.empty()) {
    answer.done = Error{Code::busy, std::string(busy), "", 0, {}};
  } else if (!in_use_ && call->method != RigMethod::begin) {
    answer.done = Error{Code::unsafe_state, "no calibration has begun", "", 0, {}};
  } else {
    auto done = perform(*call);
    if (done)
      answer.numbers = *std::move(done);
    else
      answer.done = std::move(done).error();
  }
  return encode(answer);
}

Result<Numbers> RigServer::perform(const RigCall& call) {
  switch (call.method) {
    case RigMethod::begin:
      in_use_ = true;
      return Numbers{};
    case RigMethod::end:
      let_go();
      return Numbers{};
    case RigMethod::open_shutter:
    case RigMethod::close_shutter:
    case RigMethod::shutter_state:
      return shutter(call.method);
    case RigMethod::begin_heralds:
    case RigMethod::heralds:
    case RigMethod::end_heralds:
      return listen(call);
    default:
      return shine(call);
  }
}

Result<Numbers> RigServer::shutter(RigMethod method) {
  auto* shutter = rig_->find<hal::Shutter>("shutter");
  if (shutter == nullptr) return Error{Code::not_found, "this rig has no shutter", "", 0, {}};
  if (method == RigMethod::open_shutter) return numbers(shutter->open());
  if (method == RigMethod::close_shutter) {
    shutter->close();
    return Numbers{};
  }
  const auto state = shutter->state();
  return state ? Result<Numbers>(Numbers{static_cast<std::uint64_t>(*state)}) : state.error();
}

Result<Numbers> RigServer::listen(const RigCall& call) {
  if (call.method == RigMethod::heralds) return next_heralds();
  heralds_.end();
  heard_ = {};
  return call.method == RigMethod::end_heralds ? Result<Numbers>(Numbers{}) : numbers(heralds_.begin(call.number));
}

/// Complete only up to the last one told, while there are more.
Result<Numbers> RigServer::next_heralds() {
  auto more = heralds_.more();
  if (!more) return std::move(more).error();
  heard_.complete_slots = more->complete_slots;
  auto& slots = heard_.heralded;
  slots.insert(slots.end(), more->heralded.begin(), more->heralded.end());
  const auto told = static_cast<std::ptrdiff_t>(std::min<std::size_t>(slots.size(), kMostAnswerNumbers - 1));
  Numbers out{static_cast<std::size_t>(told) < slots.size() ? slots[static_cast<std::size_t>(told)]
                                                            : heard_.complete_slots};
  out.insert(out.end(), slots.begin(), slots.begin() + told);
  slots.erase(slots.begin(), slots.begin() + told);
  return out;
}

Result<Numbers> RigServer::shine(const RigCall& call) {
  auto* source = rig_->find<hal::PulsedSource>("source");
  if (source == nullptr) return Error{Code::not_found, "this rig has no pulsed source", "", 0, {}};
  switch (call.method) {
    case RigMethod::source_caps:
      return numbers_of(source->caps());
    case RigMethod::arm_and_enable:
      if (auto armed = consent_(); !armed) return std::move(armed).error();
      return numbers(source->enable_emission());
    case RigMethod::set_light:
      // Bright light is for people at the bench: nobody turns it on from afar.
      if (call.number == static_cast<std::uint64_t>(hal::LightLevel::off))
        return numbers(source->set_light_level(hal::LightLevel::off));
      if (call.number == static_cast<std::uint64_t>(hal::LightLevel::quantum))
        return numbers(source->set_light_level(hal::LightLevel::quantum));
      return Error{Code::refused, "only quantum light, or none, for the peer", "", 0, {}};
    case RigMethod::emission: {
      const auto now = source->emission();
      return now ? Result<Numbers>(Numbers{static_cast<std::uint64_t>(*now)}) : now.error();
    }
    case RigMethod::begin_block:
      return numbers(source->begin_block(call.number));
    case RigMethod::emit:
      return numbers(source->emit({call.number, call.slots, call.bases, call.bits, {}, {}}));
    case RigMethod::end_block:
      return numbers(source->end_block());
    case RigMethod::first_unsent: {
      const auto slot = source->first_unsent();
      return slot ? Numbers{*slot} : Numbers{};
    }
    default:
      return Error{Code::protocol, "no such call", "", 0, {}};
  }
}

void RigServer::look() {
  if (in_use_ && deadlines_->passed(silent_until_)) let_go();
}

void RigServer::let_go() noexcept {
  in_use_ = false;
  heralds_.end();
  heard_ = {};
  calibration::rest(*rig_);
}

}  // namespace nicol::service
