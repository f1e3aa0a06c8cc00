// SPDX-License-Identifier: Apache-2.0
#include "controller/service/remote_rig.hpp"

namespace nicol::service {
namespace {

Result<std::vector<std::uint64_t>> numbers_of(const AskPeer& ask, RigCall call) {
  auto answer = ask(std::move(call));
  if (!answer) return std::move(answer).error();
  if (!answer->done) return std::move(answer->done).error();
  return std::move(answer->numbers);
}

/// What both proxies are: a name at the peer's, without properties.
template <class Base>
class Proxy : public Base {
 public:
  explicit Proxy(const AskPeer& ask, const char* role) : ask_(ask), role_(role) {}
  hal::DeviceInfo info() const override { return {"peer", "", role_, role_, "", "session"}; }
  hal::Link link() const noexcept override { return hal::Link::connected; }
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline) override {
    return Error{Code::not_supported, "the peer tests its own devices", role_, 0, {}};
  }

 protected:
  Result<std::vector<std::uint64_t>> ask(RigMethod method, std::uint64_t number = 0) const {
    return ask_whole({0, method, number, 0, {}, {}});
  }
  Result<std::vector<std::uint64_t>> ask_whole(RigCall call) const { return numbers_of(ask_, std::move(call)); }
  Result<void> tell(RigMethod method, std::uint64_t number = 0) const {
    auto answer = ask(method, number);
    return answer ? Result<void>() : std::move(answer).error();
  }

 private:
  const AskPeer& ask_;
  const char* role_;
};

class RemoteShutter final : public Proxy<hal::Shutter> {
 public:
  explicit RemoteShutter(const AskPeer& ask) : Proxy(ask, "shutter") {}
  bool self_closing() const noexcept override { return false; }
  Result<void> open() override { return tell(RigMethod::open_shutter); }
  void close() noexcept override { (void)tell(RigMethod::close_shutter); }
  Result<hal::ShutterState> state() override {
    const auto answer = ask(RigMethod::shutter_state);
    if (!answer) return answer.error();
    const bool known = !answer->empty() && answer->front() <= static_cast<std::uint64_t>(hal::ShutterState::unknown);
    return known ? static_cast<hal::ShutterState>(answer->front()) : hal::ShutterState::unknown;
  }
  void safe_state() noexcept override { close(); }
};

class RemoteSource final : public Proxy<hal::PulsedSource> {
 public:
  RemoteSource(const AskPeer& ask, const hal::SourceCaps& caps) : Proxy(ask, "source"), caps_(caps) {}
  hal::SourceCaps caps() const override { return caps_; }
  Result<hal::InterlockState> interlock() override { return hal::InterlockState::absent; }
  /// Its own operator arms it.
  Result<void> arm(hal::ArmToken) override { return {}; }
  Result<void> enable_emission() override { return tell(RigMethod::arm_and_enable); }
  void disable_emission() noexcept override { (void)set_light_level(hal::LightLevel::off); }
  Result<hal::EmissionState> emission() override {
    const auto answer = ask(RigMethod::emission);
    if (!answer) return answer.error();
    const bool known = !answer->empty() && answer->front() <= static_cast<std::uint64_t>(hal::EmissionState::unknown);
    return known ? static_cast<hal::EmissionState>(answer->front()) : hal::EmissionState::unknown;
  }
  Result<void> set_light_level(hal::LightLevel level) override {
    auto told = tell(RigMethod::set_light, static_cast<std::uint64_t>(level));
    if (told) level_ = level;
    return told;
  }
  hal::LightLevel light_level() const noexcept override { return level_; }
  Result<void> begin_block(std::uint64_t slots) override { return tell(RigMethod::begin_block, slots); }
  Result<void> emit(const hal::PatternChunk& chunk) override {
    auto answer = ask_whole({0,
                             RigMethod::emit,
                             chunk.first_slot,
                             chunk.slots,
                             {chunk.bases.begin(), chunk.bases.end()},
                             {chunk.bits.begin(), chunk.bits.end()}});
    return answer ? Result<void>() : std::move(answer).error();
  }
  std::optional<std::uint64_t> first_unsent() override {
    const auto answer = ask(RigMethod::first_unsent);
    return answer && !answer->empty() ? std::optional(answer->front()) : std::nullopt;
  }
  Result<void> fire(std::uint64_t) override {
    return Error{Code::not_supported, "the peer fires its own pulses", "source", 0, {}};
  }
  Result<void> end_block() override { return tell(RigMethod::end_block); }
  void safe_state() noexcept override { disable_emission(); }

 private:
  hal::SourceCaps caps_;
  hal::LightLevel level_ = hal::LightLevel::off;
};

hal::SourceCaps caps_of(const std::vector<std::uint64_t>& n) {
  hal::SourceCaps caps;
  caps.source = static_cast<hal::SourceKind>(n[0]);
  caps.record = static_cast<hal::PreparationRecord>(n[1]);
  caps.slot_period = {static_cast<std::int64_t>(n[2])};
  caps.max_pattern_slots = std::min<std::uint64_t>(n[3], kMostCallSlots);
  caps.intensities = n[4];
  caps.self_safing = n[5] != 0, caps.has_interlock = n[6] != 0;
  return caps;
}

}  // namespace

Result<std::vector<std::uint64_t>> RemoteHeralds::call(RigMethod method, std::uint64_t number) const {
  return numbers_of(*ask_, {0, method, number, 0, {}, {}});
}

Result<void> RemoteHeralds::begin(std::uint64_t slots) {
  auto begun = call(RigMethod::begin_heralds, slots);
  return begun ? Result<void>() : std::move(begun).error();
}

Result<detection::HeraldDetector::Progress> RemoteHeralds::more() {
  detection::HeraldDetector::Progress all;
  for (;;) {
    const auto numbers = call(RigMethod::heralds);
    if (!numbers) return numbers.error();
    if (numbers->empty()) return Error{Code::protocol, "heralds without their number of slots", "peer", 0, {}};
    all.complete_slots = numbers->front();
    all.heralded.insert(all.heralded.end(), numbers->begin() + 1, numbers->end());
    if (numbers->size() < kMostAnswerNumbers) return all;
  }
}

void RemoteHeralds::end() noexcept { (void)call(RigMethod::end_heralds); }

std::unique_ptr<hal::Rig> make_remote_rig(AskPeer ask) {
  auto rig = std::make_unique<hal::Rig>();
  auto kept = std::make_shared<AskPeer>(std::move(ask));
  rig->world = kept;
  rig->description = "the peer's rig";
  const auto caps = (*kept)({0, RigMethod::source_caps, 0, 0, {}, {}});
  if (caps && caps->done && caps->numbers.size() == 7)
    rig->add("source", "source", std::make_unique<RemoteSource>(*kept, caps_of(caps->numbers)));
  const auto shutter = (*kept)({0, RigMethod::shutter_state, 0, 0, {}, {}});
  if (shutter && shutter->done) rig->add("shutter", "shutter", std::make_unique<RemoteShutter>(*kept));
  return rig;
}

}  // namespace nicol::service
