// SPDX-License-Identifier: Apache-2.0
#include "controller/service/replayed_light.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>

namespace nicol::service {
namespace {

constexpr std::size_t kTags = 1 << 14;          // as the emitter's and the receiver's buffers
constexpr std::uint64_t kMostDrawn = 1 << 20;   // slots at once
constexpr std::uint64_t kMostChosen = 1 << 26;  // slots of an active receiver
constexpr std::uint64_t kMostSlots = std::uint64_t{1} << 42;
constexpr std::uint64_t kMostPicoseconds = std::uint64_t{1} << 61;
constexpr std::uint64_t kMostPlates = 3;
constexpr double kMostTurn = 1e6;  // radians
constexpr std::size_t kActBytes = 17;

std::optional<detection::StreamAfterPause> stream_of(std::uint64_t v) {
  if (v > static_cast<std::uint64_t>(detection::StreamAfterPause::restarted)) return std::nullopt;
  return static_cast<detection::StreamAfterPause>(v);
}

/// What times are divided by.
bool believable(const session::PairAgreement& pairs) {
  constexpr std::int64_t kSecond = 1'000'000'000'000;
  const auto within = [](Picoseconds t) { return t.count > 0 && t.count <= kSecond; };
  return within(pairs.slot_period) && within(pairs.closed_tick);
}

}  // namespace

ReplayedLight::ReplayedLight(const NodeFacts& facts, Random& random, recording::TagDecoder decoder)
    : facts_(facts), random_(&random), decoder_(std::move(decoder)), buffer_(kTags) {}

Result<std::unique_ptr<ReplayedLight>> ReplayedLight::create(const NodeFacts& facts, Random& random) {
  auto decoder = recording::TagDecoder::create();
  if (!decoder) return std::move(decoder).error();
  return std::unique_ptr<ReplayedLight>(new ReplayedLight(facts, random, *std::move(decoder)));
}

Result<void> ReplayedLight::act(recording::Reader& from, const session::Agreement& agreement) {
  const auto head = from.head();
  std::array<std::uint8_t, kActBytes> payload{};
  const auto refuse = [&](std::string_view field) {
    return Error{Code::bad_input, fmt::format("entry {} (light), {}", head->number, field), "", 0, {}};
  };
  if (head->length != kActBytes || !from.read(std::span(payload))) return refuse("length");
  from.done();
  if (payload[0] > static_cast<std::uint8_t>(kLastLightAct)) return refuse("act");
  const auto act = static_cast<LightAct>(payload[0]);
  const std::uint64_t a = recording::get_le(std::span(payload).subspan(1, 8));
  const std::uint64_t b = recording::get_le(std::span(payload).subspan(9, 8));
  bool good = false;
  if (act == LightAct::known_clock)
    good = remember(std::bit_cast<double>(a), std::bit_cast<double>(b));
  else if (act == LightAct::compensate)  // the light that came is recorded, whatever turned it
    good = a < kMostPlates && std::abs(std::bit_cast<double>(b)) < kMostTurn;
  else if (act == LightAct::detect || act == LightAct::prepare || act == LightAct::measure)
    good = begin(act, a, b, agreement);
  else if (act == LightAct::match)
    good = match(agreement.pairs);
  else if (measurement_)
    good = measure(act, a);
  else
    good = slots_ ? prepare(act, a, b) : detection_ && detect(act, a, b);
  return good ? Result<void>() : refuse("act: it makes no sense here");
}

bool ReplayedLight::remember(double frequency, double drift) {
  known_clock_ = detection::ClockPrior{frequency, drift};
  return std::abs(frequency) < 1e-2 && std::abs(drift) < 1e-2;
}

bool ReplayedLight::begin(LightAct act, std::uint64_t index, std::uint64_t slots, const session::Agreement& agreement) {
  slots_.reset();
  detection_.reset();
  measurement_.reset();
  drawn_.reset();
  progress_ = {};
  const bool active = facts_.receiver == hal::ReceiverKind::active;
  if (slots == 0 || slots > kMostSlots) return false;
  const auto capacity = static_cast<std::size_t>(facts_.clicks_per_block);
  if (act == LightAct::measure) {
    block_over();
    if (!believable(agreement.pairs)) return false;
    MeasurementPlan plan{index, slots, facts_.side, agreement.pairs, capacity, facts_.timing, facts_.tick, {}};
    if (matcher_) plan.corrections = matcher_->delays().corrections();
    measurement_ = std::make_unique<PairMeasurement>(plan, *random_, nullptr);
    return true;
  }
  if (act == LightAct::detect) {
    if (active && slots > kMostChosen) return false;
    detection_ = std::make_unique<BlockDetection>(
        DetectionPlan{index, slots, facts_.receiver, agreement.p_bob_diagonal, capacity, facts_.timing, facts_.tick,
                      pattern_, std::exchange(known_clock_, std::nullopt)},
        *random_, nullptr);
    return true;
  }
  PreparationPlan plan{index, slots, agreement.p_alice_diagonal, capacity, {}, pattern_};
  if (facts_.heralded) plan.heralds = {facts_.timing, facts_.tick};
  slots_ = std::make_unique<PreparedSlots>(plan, *random_, nullptr);
  return true;
}

/// What fails here failed then, too, and its consequences are recorded.
bool ReplayedLight::prepare(LightAct act, std::uint64_t a, std::uint64_t b) {
  PreparedSlots& s = *slots_;
  switch (act) {
    case LightAct::draw:
      if (b == 0 || b > kMostDrawn || a > kMostSlots) return false;
      drawn_ = s.draw(a, static_cast<std::size_t>(b));
      return true;
    case LightAct::emitted:
      if (!drawn_) return false;
      s.emitted(*std::move(drawn_));
      drawn_.reset();
      return true;
    case LightAct::hint:
      (void)s.hint(hint_.complete_slots, hint_.clicked);
      return true;
    case LightAct::keep:
      (void)s.keep_complete();
      return true;
    case LightAct::progress:
      if (s.heralded()) s.take_heralds();
      return s.heralded();
    case LightAct::hold:
      s.hold();
      return true;
    case LightAct::resume:
      if (!s.heralded() || !stream_of(b)) return false;
      (void)s.resume(a, *stream_of(b));
      return true;
    case LightAct::drop:
      if (a > b || b > kMostSlots) return false;
      s.drop({a, b});
      return true;
    case LightAct::preamble:
      if (a > kMostSlots) return false;
      s.preamble_at(a);
      return true;
    case LightAct::finish:
      prepared_ = s.finish();
      slots_.reset();
      return true;
    default:
      return false;
  }
}

bool ReplayedLight::detect(LightAct act, std::uint64_t a, std::uint64_t b) {
  BlockDetection& d = *detection_;
  switch (act) {
    case LightAct::progress:
      progress_ = d.take_progress();
      return true;
    case LightAct::hold:
      d.hold();
      return true;
    case LightAct::resume:
      if (!stream_of(b)) return false;
      (void)d.resume(a, *stream_of(b));
      return true;
    case LightAct::drop:
      if (a > b || b > 2 * kMostSlots) return false;
      d.drop({a, b});
      return true;
    case LightAct::finish:
      finished_ = d.finish();
      detection_.reset();
      return true;
    default:
      return false;
  }
}

bool ReplayedLight::measure(LightAct act, std::uint64_t a) {
  if (act == LightAct::unsure) {
    if (a > kMostPicoseconds) return false;
    measurement_->drop_from({static_cast<std::int64_t>(a)});
    return true;
  }
  if (act != LightAct::finish) return false;
  measured_ = measurement_->finish();
  measurement_.reset();
  return true;
}

/// Where her list did not come, the replay has left the recording, and the frames say so.
bool ReplayedLight::match(const session::PairAgreement& pairs) {
  if (!measured_ || !believable(pairs)) return false;
  finished_.emplace();
  if (!her_list_) return true;
  if (!matcher_) matcher_.emplace(pairs.closed_tick);
  const auto found = (*matcher_)(*her_list_, *measured_);
  finished_->clicks = detection::pairs::paired_clicks(*std::move(measured_), found, pairs.state);
  block_over();
  return true;
}

void ReplayedLight::block_over() {
  measured_.reset();
  her_list_.reset();
}

Result<std::uint64_t> ReplayedLight::tags(recording::Reader& from) {
  hal::TagBlock block = buffer_.block();
  const bool good = decoder_.read(from, block);
  const std::uint64_t count = block.tag_count;
  if (good && slots_ && slots_->heralded()) (void)slots_->process(block);
  if (good && detection_) (void)detection_->process(block);
  if (good && measurement_) (void)measurement_->process(block);
  buffer_.wipe(block);
  if (!good) return Error{Code::bad_input, decoder_.why(), "", 0, {}};
  return count;
}

}  // namespace nicol::service
