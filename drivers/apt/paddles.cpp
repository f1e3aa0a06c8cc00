// SPDX-License-Identifier: Apache-2.0
#include "drivers/apt/paddles.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace nicol::apt {
namespace {

constexpr std::string_view kVelocity = "velocity";
constexpr double kTravel = 170;  // deg

}  // namespace

Paddles::Paddles(std::unique_ptr<Controller> controller)
    : Face(std::move(controller)),
      properties_{{std::string(kVelocity),
                   "velocity",
                   "of the paddles, of 400 deg/s",
                   "%",
                   hal::ArgType::integer,
                   hal::Range{10, 100, 1},
                   {},
                   hal::Access::persistent},
                  last_fault_property()} {}

Result<std::unique_ptr<hal::Device>> Paddles::make(std::unique_ptr<Controller> controller) {
  std::unique_ptr<Paddles> paddles(new Paddles(std::move(controller)));
  const Result<PaddleParams> now = paddles->params();
  if (!now) return now.error();
  paddles->percent_ = std::clamp<std::int64_t>(now->velocity, 10, 100);
  paddles->controller().on_return([p = paddles.get()] {
    const std::lock_guard lock(p->mutex_);
    return p->apply(p->percent_);
  });
  return std::unique_ptr<hal::Device>(std::move(paddles));
}

Result<PaddleParams> Paddles::params() {
  const Result<Packet> reply = controller().ask(request(Id::pol_req_params), Id::pol_get_params);
  if (!reply) return reply.error();
  return *paddles_of(*reply);
}

/// The other parameters stay as they are.
Result<void> Paddles::apply(std::int64_t percent) {
  const Result<PaddleParams> now = params();
  if (!now) return now.error();
  PaddleParams wanted = *now;
  wanted.velocity = static_cast<std::uint16_t>(percent);
  if (wanted == *now) return {};
  if (auto sent = controller().send(set_paddles(wanted)); !sent) return sent;
  const Result<PaddleParams> got = params();
  if (!got) return got.error();
  if (*got == wanted) return {};
  return error(Code::protocol, fmt::format("asked for {} % velocity, read back {} %", percent, got->velocity));
}

Result<hal::Value> Paddles::read_property(std::string_view key) {
  if (key != kVelocity) return Face::read_property(key);
  if (auto here = connected(); !here) return std::move(here).error();
  const std::lock_guard lock(mutex_);
  return hal::Value{percent_};
}

Result<void> Paddles::write_property(std::string_view key, const hal::Value& value) {
  if (auto here = connected(); !here) return here;
  if (key != kVelocity) return Face::write_property(key, value);
  if (auto fits = hal::check_value(*hal::find_property(properties_, key), value); !fits) return fits;
  const std::lock_guard lock(mutex_);
  const auto percent = std::get<std::int64_t>(value);
  if (auto applied = apply(percent); !applied) return applied;
  percent_ = percent;
  return {};
}

void Paddles::safe_state() noexcept {
  for (std::size_t channel = 0; connected() && channel < channels(); ++channel)
    if (controller().totals(channel).running && !controller().stop(channel, StopKind::immediate)) return;
}

hal::Range Paddles::range(std::size_t) const { return {0, kTravel, controller().model().resolution}; }

Result<void> Paddles::check_channel(std::size_t channel) const {
  if (auto here = connected(); !here) return here;
  if (channel < channels()) return {};
  return error(Code::out_of_range, fmt::format("there is no paddle {}, only 0..{}", channel, channels() - 1));
}

Result<hal::Motion> Paddles::set(std::size_t channel, double value) {
  if (auto there = check_channel(channel); !there) return std::move(there).error();
  if (!range(channel).contains(value))
    return error(Code::out_of_range, fmt::format("{} deg is outside 0..{} deg", value, kTravel));
  const Result<Report> report = controller().status(channel);
  if (!report) return report.error();
  if (auto fit = check_status(*report, info().serial); !fit) return std::move(fit).error();
  return controller().move(channel, Channel::Goal::position, *to_counts(controller().model(), value));
}

Result<double> Paddles::get(std::size_t channel) {
  if (auto there = check_channel(channel); !there) return std::move(there).error();
  const Result<Report> report = controller().status(channel);
  if (!report) return report.error();
  return to_degrees(controller().model(), report->position.value_or(0));
}

}  // namespace nicol::apt
