// SPDX-License-Identifier: Apache-2.0
#include "controller/service/replay.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/service/node_recorder.hpp"
#include "controller/service/replayed_light.hpp"
#include "controller/session/protocol.hpp"
#include "controller/session/tap.hpp"

namespace nicol::service {
namespace {

using recording::Entry;
using session::CallKind;

constexpr std::size_t kMostFacts = std::size_t{64} * 1024, kMostCall = std::size_t{64} * 1024;
constexpr std::size_t kMostFrame = session::kHeaderBytes + session::kMaxPayload + 8;
constexpr std::uint64_t kAskEvery = 256;  // entries between two looks whether to stop

/// A call entry without its time.
struct Call {
  CallKind kind = CallKind::start;
  std::uint8_t choice = 0;
  std::uint64_t slot = 0;
  std::string text;
};

class Replay final : public session::Tap {
 public:
  Replay(recording::Reader reader, const TakeBits& take)
      : from_(std::move(reader)), random_(from_, departure_), take_(&take) {}

  Result<ReplayReport> run(const std::function<bool()>& stop);

  void before(const session::CallMade&) noexcept override {}
  void after(const session::Step&) noexcept override {}
  void sifted(std::uint64_t index, const sifting::DetectionList& list, const sifting::BasesReply& reply,
              const sifting::SiftedBlock& block) override;

 private:
  Result<void> entry(const recording::EntryHead& head);
  Result<void> begin_node();
  Result<void> begin_session();
  Result<void> call(const recording::EntryHead& head);
  Result<void> frame(const recording::EntryHead& head);
  std::optional<session::Step> apply(const Call& call);
  Result<void> follow(session::Step step);
  void left_over(const recording::EntryHead& head);
  std::optional<recording::EntryHead> next_of(Entry kind);
  void compare_sent(const std::vector<session::Bytes>& sent);
  void compare_results(const std::vector<session::Event>& events);
  void differ(std::span<const std::uint8_t> digest, std::uint64_t entry, std::string what);
  bool read_time();
  Error refuse(std::string_view field);
  void collect();

  recording::Reader from_;
  recording::Departure departure_;
  recording::ReplayedRandom random_;
  const TakeBits* take_;
  std::optional<detection::pairs::ClosedList> her_list_;  // of the block, where pairs are shared
  CallClock clock_;
  std::optional<NodeFacts> facts_;
  std::unique_ptr<ReplayedVault> vault_;
  std::unique_ptr<ReplayedLight> light_;
  std::optional<secret::Arena> arena_;
  session::SessionConfig config_;
  std::optional<session::Session> session_;
  std::optional<std::uint64_t> block_;
  ReplayReport report_;
};

Error Replay::refuse(std::string_view field) {
  const auto head = from_.head();
  return {Code::bad_input,
          head ? fmt::format("entry {} ({}), {}", head->number, to_string(head->kind), field) : std::string(field),
          "",
          0,
          {}};
}

Result<ReplayReport> Replay::run(const std::function<bool()>& stop) {
  while (const auto head = from_.head()) {
    if (stop && report_.entries % kAskEvery == 0 && stop()) {
      report_.stopped = true;
      break;
    }
    ++report_.entries;
    if (auto r = entry(*head); !r) {
      if (from_.trouble() || !from_.why_cut_short()) return std::move(r).error();
      break;  // its last entry is not whole
    }
  }
  if (from_.trouble()) return *from_.trouble();
  if (!facts_ && !report_.stopped && !from_.why_cut_short())
    return Error{Code::bad_input, "the recording says nothing of its node", "", 0, {}};
  report_.cut_short = from_.why_cut_short();
  report_.departure = departure_.first();
  collect();
  return std::move(report_);
}

void Replay::collect() {
  if (!vault_) return;
  for (auto& key : vault_->take_keys()) report_.keys.push_back(std::move(key));
}

Result<void> Replay::entry(const recording::EntryHead& head) {
  const bool node = head.kind == Entry::node;
  if (node == facts_.has_value()) return refuse(node ? "a second node" : "the node must come first");
  switch (head.kind) {
    case Entry::node:
      return begin_node();
    case Entry::session:
      return begin_session();
    case Entry::call:
      return call(head);
    case Entry::frame:
      return frame(head);
    case Entry::light:
      return light_->act(from_, config_.agreement);
    case Entry::tag_block: {
      const auto count = light_->tags(from_);
      report_.tags += count ? *count : 0;
      return count ? Result<void>() : Result<void>(count.error());
    }
    case Entry::tags:
      return refuse("tags of no block");
    default:
      left_over(head);
      return {};
  }
}

Result<void> Replay::begin_node() {
  const auto bytes = from_.rest(kMostFacts);
  if (!bytes) return refuse("length");
  auto facts = decode_node_facts(*bytes);
  if (!facts) return refuse(facts.error().message);
  from_.done();
  auto arena = secret::Arena::create(static_cast<std::size_t>(facts->arena_bytes));
  if (!arena) return std::move(arena).error();
  arena_.emplace(*std::move(arena));
  auto light = ReplayedLight::create(*facts, random_);
  if (!light) return std::move(light).error();
  light_ = *std::move(light);
  vault_ = make_replayed_vault(from_, departure_, facts->digest_key);
  report_.side = facts->side;
  facts_ = *std::move(facts);
  return {};
}

Result<void> Replay::begin_session() {
  const auto bytes = from_.rest(kMostFacts);
  if (!bytes) return refuse("length");
  auto config = decode_session_config(*bytes);
  if (!config) return refuse(config.error().message);
  if (config->side != facts_->side) return refuse("side: not the node's");
  from_.done();
  config_ = *std::move(config);
  her_list_.reset();
  session_.emplace(config_, *vault_, random_, *arena_, clock_, this);
  block_.reset();
  return {};
}

bool Replay::read_time() {
  std::array<std::uint8_t, 8> time{};
  if (!from_.read(std::span(time))) return false;
  const auto ns = std::chrono::nanoseconds(static_cast<std::int64_t>(recording::get_le(time)));
  clock_.set(
      std::chrono::steady_clock::time_point(std::chrono::duration_cast<std::chrono::steady_clock::duration>(ns)));
  return ns.count() >= 0;
}

Result<void> Replay::frame(const recording::EntryHead&) {
  if (!session_ || !read_time()) return refuse("time");
  const auto bytes = from_.rest(kMostFrame);
  if (!bytes) return refuse("length");
  from_.done();
  ++report_.frames_received;
  return follow(session_->on_frame(*bytes));
}

Result<void> Replay::call(const recording::EntryHead& head) {
  std::array<std::uint8_t, 10> fixed{};
  if (!session_ || !read_time()) return refuse("time");
  if (!from_.read(std::span(fixed))) return refuse("length");
  if (fixed[0] > static_cast<std::uint8_t>(session::kLastCall)) return refuse("call");
  Call call{static_cast<CallKind>(fixed[0]), fixed[1], recording::get_le(std::span(fixed).subspan(2)), {}};
  const auto text = from_.rest(kMostCall);
  if (!text) return refuse("text");
  call.text.assign(text->begin(), text->end());
  from_.done();
  auto step = apply(call);
  if (step) return follow(*std::move(step));
  return Error{
      Code::bad_input, fmt::format("entry {} (call), call: {} makes no sense here", head.number, fixed[0]), "", 0, {}};
}

std::optional<session::Step> Replay::apply(const Call& c) {
  session::Session& s = *session_;
  switch (c.kind) {
    case CallKind::start:
      return s.start();
    case CallKind::frame:
      return std::nullopt;
    case CallKind::garbage:
      if (c.choice > static_cast<std::uint8_t>(Code::over_rate)) return std::nullopt;
      return s.on_garbage({static_cast<Code>(c.choice), c.text, "", 0, {}});
    case CallKind::timeout:
      return s.on_timeout();
    case CallKind::disconnect:
      return s.on_disconnect();
    case CallKind::ask_ready:
      return s.ask_ready();
    case CallKind::rig_ready:
      return s.rig_ready(c.text);
    case CallKind::rig_call:
      return s.rig_call({c.text.begin(), c.text.end()});
    case CallKind::rig_answer:
      return s.rig_answer({c.text.begin(), c.text.end()});
    case CallKind::open_block:
      return s.open_block();
    case CallKind::emission_finished: {
      auto prepared = light_->take_prepared();
      if (!prepared) return std::nullopt;
      return s.emission_finished(std::move(prepared->kept), prepared->slots_prepared);
    }
    case CallKind::receiver_ready:
      return s.receiver_ready();
    case CallKind::hint: {
      auto progress = light_->take_progress();
      return s.hint(progress.complete_slots, std::move(progress.clicked));
    }
    case CallKind::detection_finished: {
      auto finished = light_->take_finished();
      if (!finished) return std::nullopt;
      return s.detection_finished(*std::move(finished));
    }
    case CallKind::pause:
      if (c.choice > static_cast<std::uint8_t>(session::PauseReason::overflow)) return std::nullopt;
      return s.pause(c.slot, static_cast<session::PauseReason>(c.choice));
    case CallKind::resume:
      return s.resume(c.slot);
    case CallKind::resumed:
      return s.resumed();
    case CallKind::abort_block:
      if (c.choice > static_cast<std::uint8_t>(session::BlockReason::cancelled)) return std::nullopt;
      return s.abort_block(static_cast<session::BlockReason>(c.choice), c.text);
    case CallKind::goodbye:
      return s.goodbye();
    case CallKind::measurement_closed: {
      auto measured = light_->take_measured();
      if (!measured) return std::nullopt;
      auto closed = detection::pairs::close(*std::move(measured), config_.agreement.pairs.closed_tick);
      her_list_ = closed.list;
      return s.measurement_closed(std::move(closed.list), std::move(closed.clicks));
    }
    case CallKind::measurement_finished:
      return s.measurement_finished();
  }
  return std::nullopt;
}

Result<void> Replay::follow(session::Step step) {
  for (const session::Event& event : step.events) {
    if (const auto* hint = std::get_if<session::EventHint>(&event)) light_->heard(*hint);
    if (const auto* closed = std::get_if<session::EventPeerClosed>(&event)) {
      light_->heard(closed->hers);
      her_list_ = closed->hers;
    }
    if (std::holds_alternative<session::EventBlockDone>(event)) light_->block_over();
    if (const auto* open = std::get_if<session::EventOpenLight>(&event)) {
      block_ = open->index;
      light_->opened(*open);
    }
  }
  compare_sent(step.send);
  compare_results(step.events);
  for (session::Event& event : step.events)
    if (auto* done = std::get_if<session::EventBlockDone>(&event)) report_.blocks.push_back(std::move(done->result));
  collect();
  if (from_.trouble()) return *from_.trouble();
  return {};
}

void Replay::sifted(std::uint64_t index, const sifting::DetectionList& list, const sifting::BasesReply& reply,
                    const sifting::SiftedBlock& block) {
  if (!*take_) return;
  ReplayedBits bits = replayed_bits(index, list, reply, block);
  if (her_list_) {
    const auto tick = static_cast<std::uint64_t>(config_.agreement.pairs.closed_tick.count);
    const auto origin = static_cast<std::uint64_t>(her_list_->origin);
    for (std::int64_t& place : bits.places)
      place = static_cast<std::int64_t>((origin + her_list_->times.at(static_cast<std::size_t>(place))) * tick);
  }
  (*take_)(std::move(bits));
}

void Replay::left_over(const recording::EntryHead& head) {
  departure_.note(from_,
                  fmt::format("entry {} ({}): the replay did not come to it", head.number, to_string(head.kind)));
  from_.done();
}

/// The next entry if it is of this kind; draws and answers that nobody asked for are passed.
std::optional<recording::EntryHead> Replay::next_of(Entry kind) {
  auto head = from_.head();
  for (; head && (head->kind == Entry::draw || head->kind == Entry::answer); head = from_.head()) left_over(*head);
  return head && head->kind == kind ? head : std::nullopt;
}

void Replay::differ(std::span<const std::uint8_t> digest, std::uint64_t entry, std::string what) {
  if (report_.first_difference || from_.why_cut_short()) return;
  const auto type = static_cast<session::FrameType>(recording::get_le(digest.first(2)));
  const session::FrameRule* rule = session::find_rule(type);
  report_.first_difference = FrameDifference{rule != nullptr ? std::string(rule->name) : std::string("unknown frame"),
                                             recording::get_le(digest.subspan(2, 8)), entry, block_, std::move(what)};
  const FrameDifference& d = *report_.first_difference;
  departure_.note(from_, fmt::format("{} number {} {}", d.frame, d.number, d.what));
}

void Replay::compare_sent(const std::vector<session::Bytes>& sent) {
  for (const session::Bytes& frame : sent) {
    ++report_.frames_sent;
    const auto now = sent_digest(frame, config_.agreement.tag_bits);
    const auto head = next_of(Entry::sent);
    if (!head) {
      differ(now, report_.entries, "was not sent then");
      continue;
    }
    std::array<std::uint8_t, kSentBytes> then{};
    const bool whole = head->length == kSentBytes && from_.read(std::span(then));
    from_.done();
    if (whole && now != then)
      differ(then, head->number,
             fmt::format("is another: {} bytes were sent, the replay has {}",
                         recording::get_le(std::span(then).subspan(10, 8)),
                         recording::get_le(std::span(now).subspan(10, 8))));
    if (!whole) departure_.note(from_, fmt::format("entry {} (sent), length", head->number));
  }
  while (const auto head = next_of(Entry::sent)) {
    std::array<std::uint8_t, kSentBytes> then{};
    (void)from_.read(std::span(then));
    from_.done();
    differ(then, head->number, "was sent then, and the replay does not send it");
  }
}

void Replay::compare_results(const std::vector<session::Event>& events) {
  for (const session::Event& event : events) {
    const auto* done = std::get_if<session::EventBlockDone>(&event);
    if (done == nullptr) continue;
    const auto head = next_of(Entry::result);
    const auto then = head ? from_.rest(kMostFacts) : std::nullopt;
    if (head) from_.done();
    if (!then || *then != encode(done->result))
      departure_.note(from_, fmt::format("the result of block {} is another", done->result.index));
  }
  while (const auto head = next_of(Entry::result)) left_over(*head);
}

}  // namespace

Result<ReplayReport> replay(const std::filesystem::path& file, const recording::SealSecret& secret,
                            const std::function<bool()>& stop, const TakeBits& take) {
  const auto whole = recording::survey(file, secret);
  if (!whole) return whole.error();
  auto reader = recording::Reader::open(file, secret);
  if (!reader) return std::move(reader).error();
  try {
    Replay replay(*std::move(reader), take);
    auto report = replay.run(stop);
    if (report) return report;
    return Error{report.error().code, fmt::format("{}: {}", file.string(), report.error().message), "", 0, {}};
  } catch (const std::exception& e) {  // a recording that was made up, or more locked memory than there is
    return Error{Code::bad_input, fmt::format("{}: cannot be replayed: {}", file.string(), e.what()), "", 0, {}};
  }
}

}  // namespace nicol::service
