// SPDX-License-Identifier: Apache-2.0
// Commands in, motion and status out. Numbers from the protocol's tables, written down here once more on purpose.
#include "sim/emulators/apt.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace nicol::sim {
namespace {

constexpr double kK10Counts = 136533.33333333334;
constexpr double kPrmCounts = 1919.6418578623391;
constexpr double kMpcCounts = 1370.0 / 170.0;
constexpr double kK10Velocity = 7329109.33, kK10Acceleration = 1502.02;
constexpr double kPrmVelocity = 42941.66, kPrmAcceleration = 14.6574;
constexpr double kFlipSeconds = 0.5;
const Picoseconds kUpdatePeriod = Picoseconds::seconds(0.1);

using Bytes = std::vector<std::uint8_t>;

void put16(Bytes& out, std::uint32_t v) {
  out.push_back(static_cast<std::uint8_t>(v & 0xff));
  out.push_back(static_cast<std::uint8_t>(v >> 8 & 0xff));
}
void put32(Bytes& out, std::uint32_t v) {
  put16(out, v & 0xffff);
  put16(out, v >> 16);
}
void put_text(Bytes& out, std::string_view text, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out.push_back(i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0);
}
unsigned get16(std::span<const std::uint8_t> in, std::size_t at) {
  return at + 2 <= in.size() ? static_cast<unsigned>(in[at] | in[at + 1] << 8) : 0u;
}
std::int32_t get32(std::span<const std::uint8_t> in, std::size_t at) {
  return static_cast<std::int32_t>(get16(in, at) | get16(in, at + 2) << 16);
}
Bytes velocity_data(double velocity, double acceleration) {
  Bytes out;
  put16(out, 1);
  put32(out, 0);
  put32(out, static_cast<std::uint32_t>(std::lround(acceleration)));
  put32(out, static_cast<std::uint32_t>(std::lround(velocity)));
  return out;
}

struct Scale {
  double counts = 1, velocity = 1, acceleration = 1;
};
Scale scale_of(AptModel model) {
  if (model == AptModel::k10cr1) return {kK10Counts, kK10Velocity, kK10Acceleration};
  if (model == AptModel::kdc101) return {kPrmCounts, kPrmVelocity, kPrmAcceleration};
  return {kMpcCounts, 1, 1};
}

std::string_view model_text(AptModel model) {
  switch (model) {
    case AptModel::k10cr1:
      return "K10CR1";
    case AptModel::kdc101:
      return "KDC101";
    case AptModel::mpc320:
      return "MPC320";
    case AptModel::mff101:
      break;
  }
  return "MFF101";
}

}  // namespace

AptEmulator::AptEmulator(AptOptions options) : options_(std::move(options)) {
  AptAxisTraits traits;
  traits.counts_per_degree = scale_of(options_.model).counts;
  traits.power_up = options_.power_up;
  traits.upper_stop = options_.upper_stop;
  if (options_.model == AptModel::kdc101) traits.velocity = traits.acceleration = 25;
  if (options_.model == AptModel::mpc320) {
    traits.velocity = 400;
    traits.acceleration = 4000;
    traits.lower_stop = 0;
    traits.upper_stop = 170;
    traits.knows_position = true;
  }
  if (options_.model != AptModel::mff101) axes_.assign(options_.model == AptModel::mpc320 ? 3 : 1, AptAxis(traits));
  power_cycle();
  updating_ = options_.updating_at_start;
}

void AptEmulator::power_cycle() {
  for (AptAxis& axis : axes_) axis.power_cycle();
  echoed_.assign(axes_.size(), 0);
  in_.clear();
  out_.clear();
  updating_ = false;
  unacknowledged_ = 0;
  extra_status_ = 0;
  mirror_ = mirror_to_;
  mirror_done_ = {};
  const Scale scale = scale_of(options_.model);
  const double speed = options_.model == AptModel::kdc101 ? 25 : 10;
  velocity_ =
      velocity_data(speed * scale.velocity, (options_.model == AptModel::kdc101 ? 25 : 20) * scale.acceleration);
  home_.clear();
  put16(home_, 1);
  put16(home_, 2);
  put16(home_, 1);
  put32(home_, static_cast<std::uint32_t>(std::lround(speed * scale.velocity)));
  put32(home_, 0);
  paddles_.clear();
  for (const unsigned v : {0u, 100u, 685u, 40u, 40u, 40u}) put16(paddles_, v);
}

SerialIdentity AptEmulator::identity() const {
  const bool cube = options_.model == AptModel::kdc101;
  return {0x0403,     0xfaf0,          cube ? "Kinesis K-Cube DC Driver" : "APT Stage Controller",
          "Thorlabs", options_.serial, 115'200};
}

void AptEmulator::receive(std::span<const std::uint8_t> bytes, Picoseconds now) {
  run_until(now);
  in_.insert(in_.end(), bytes.begin(), bytes.end());
  parse();
}

void AptEmulator::collect(std::vector<std::uint8_t>& out, Picoseconds now) {
  run_until(now);
  out.insert(out.end(), out_.begin(), out_.end());
  out_.clear();
}

Picoseconds AptEmulator::next_due() const {
  if (!out_.empty()) return now_;
  Picoseconds due = updating_ ? next_update_ : kNever;
  for (const AptAxis& axis : axes_) due = std::min(due, axis.ends_at());
  return due;
}

void AptEmulator::run_until(Picoseconds now) {
  for (;;) {
    Picoseconds due = updating_ ? next_update_ : kNever;
    for (const AptAxis& axis : axes_) due = std::min(due, axis.ends_at());
    if (due > now) break;
    now_ = std::max(now_, due);
    end_moves();
    if (updating_ && next_update_ <= now_) update_all();
  }
  now_ = std::max(now_, now);
  if (mirror_ != mirror_to_ && now_ >= mirror_done_) mirror_ = mirror_to_;
}

void AptEmulator::update_all() {
  // A device that was not looked at for long (its thread was not scheduled) does not catch up: a missed update is gone.
  next_update_ = now_ + kUpdatePeriod;
  const std::uint16_t id = options_.model == AptModel::k10cr1 || axes_.empty() ? 0x0481 : 0x0491;
  for (std::size_t i = 0; i < std::max<std::size_t>(axes_.size(), 1); ++i) say_status(id, i);
}

void AptEmulator::end_moves() {
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    const auto ended = axes_[i].ended(now_);
    if (!ended || *ended == AptAxis::Ended::stalled) continue;
    if (*ended == AptAxis::Ended::homed)
      say(0x0444, static_cast<std::uint8_t>(channel_bit(i)));
    else
      say_status(*ended == AptAxis::Ended::stopped ? 0x0466 : 0x0464, i);
  }
}

void AptEmulator::parse() {
  while (in_.size() >= 6) {
    const bool has_data = (in_[4] & 0x80) != 0;
    const std::size_t size = has_data ? 6 + get16(in_, 2) : 6;
    if ((in_[4] & 0x7f) != 0x50 || in_[5] != 0x01 || size > 6 + 255) {
      in_.erase(in_.begin());
      continue;
    }
    if (in_.size() < size) return;
    const Bytes message(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(size));
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(size));
    obey({static_cast<std::uint16_t>(get16(message, 0)), message[2], message[3], std::span(message).subspan(6)});
  }
}

void AptEmulator::obey(const Command& command) {
  switch (command.id) {
    case 0x0002:
      ++goodbyes_;
      return;
    case 0x0005:
      return say_info();
    case 0x0011:
      if (!std::exchange(updating_, true)) next_update_ = now_ + kUpdatePeriod;
      return;
    case 0x0012:
      updating_ = false;
      return;
    case 0x0492:
      ++alive_;
      unacknowledged_ = 0;
      return;
    case 0x0211:
      return say(0x0212, command.p1, 1);
    case 0x0531:
      return say_long(0x0532, paddles_);
    case 0x0530:
      if (command.data.size() == 12) paddles_.assign(command.data.begin(), command.data.end());
      for (AptAxis& axis : axes_) axis.velocity = 4.0 * std::clamp(get16(paddles_, 2), 10u, 100u);
      return;
    default:
      return obey_motion(command);
  }
}

void AptEmulator::obey_motion(const Command& command) {
  const std::size_t channel = channel_index(command.data.empty() ? command.p1 : get16(command.data, 0));
  if (channel >= std::max<std::size_t>(axes_.size(), 1)) return;
  switch (command.id) {
    case 0x0429:
    case 0x0480:
    case 0x0490:
      return say_status(command.id == 0x0429 ? 0x042a : command.id == 0x0480 ? 0x0481 : 0x0491, channel);
    case 0x0414:
      return say_long(0x0415, velocity_);
    case 0x0413:
      return set_velocity(channel, command.data);
    case 0x0441:
      return say_long(0x0442, home_);
    case 0x0440:
      if (command.data.size() == 14) home_.assign(command.data.begin(), command.data.end());
      return;
    case 0x0443:
      return move_home(channel);
    case 0x0453:
      if (command.data.size() == 6) move(channel, get32(command.data, 2));
      return;
    case 0x0465:
      if (channel < axes_.size()) axes_[channel].stop(command.p2 == 1, now_);
      return;
    case 0x046a:
      return flip(command.p2);
    default:
      return;
  }
}

void AptEmulator::move(std::size_t channel, std::int32_t counts) {
  if (channel >= axes_.size()) return;
  ++moves_begun_;
  if (options_.mutant == AptMutant::ignores_moves) return;
  if (options_.mutant == AptMutant::echoes_target) {
    echoed_[channel] = counts;
    return say_status(0x0464, channel);
  }
  if (options_.mutant == AptMutant::swaps_paddles && channel < 2 && axes_.size() > 1) channel = 1 - channel;
  axes_[channel].move_to(counts, now_);
}

void AptEmulator::move_home(std::size_t channel) {
  if (channel >= axes_.size()) return;
  ++moves_begun_;
  echoed_[channel] = 0;
  const double speed = get32(home_, 6) / scale_of(options_.model).velocity;
  axes_[channel].home(get16(home_, 2) == 1, axes_.size() > 1 ? axes_[channel].velocity : speed, now_);
}

void AptEmulator::flip(std::uint8_t position) {
  if (!axes_.empty() || (position != 1 && position != 2)) return;
  ++moves_begun_;
  if (options_.mutant != AptMutant::none || position == mirror_to_) return;
  mirror_ = 0;
  mirror_to_ = position;
  mirror_done_ = now_ + Picoseconds::seconds(kFlipSeconds);
}

int AptEmulator::mirror(Picoseconds now) const {
  return mirror_ == mirror_to_ ? mirror_ : now >= mirror_done_ ? mirror_to_ : 0;
}

void AptEmulator::set_velocity(std::size_t channel, std::span<const std::uint8_t> data) {
  if (data.size() != 14 || channel >= axes_.size()) return;
  velocity_.assign(data.begin(), data.end());
  const Scale scale = scale_of(options_.model);
  axes_[channel].acceleration = get32(data, 6) / scale.acceleration;
  axes_[channel].velocity = get32(data, 10) / scale.velocity;
}

std::size_t AptEmulator::channel_index(unsigned bit) const {
  if (bit == 0) return 0;
  std::size_t index = 0;
  while ((bit >>= 1) != 0) ++index;
  return index;
}

std::uint32_t AptEmulator::status_of(std::size_t index) const {
  std::uint32_t status = extra_status_ | 1u << 28 | 1u << 31;
  if (axes_.empty()) {
    const int at = mirror(now_);
    return status | (at == 1 ? 1u : at == 2 ? 2u : 1u << 4);
  }
  const AptAxis& axis = axes_[index];
  if (axis.moving() && !axis.homing())
    status |= options_.model == AptModel::k10cr1 ? 3u << 4 : axis.forward() ? 1u << 4 : 1u << 5;
  if (axis.homing()) status |= 1u << 9;
  if (axis.homed()) status |= 1u << 10;
  if (axis.stalled()) status |= 1u << 14;
  if (axis.at_stop() != 0) status |= axis.at_stop() > 0 ? 1u : 2u;
  return status;
}

std::int32_t AptEmulator::counts_of(std::size_t index) const {
  if (options_.mutant == AptMutant::echoes_target) return echoed_[index];
  return static_cast<std::int32_t>(std::lround(axes_[index].counts(now_)));
}

std::vector<std::uint8_t> AptEmulator::report(std::size_t index) const {
  Bytes data;
  put16(data, channel_bit(index));
  const auto counts = static_cast<std::uint32_t>(axes_.empty() ? 0 : counts_of(index));
  put32(data, counts);
  put32(data, options_.model == AptModel::k10cr1 ? counts : 0);  // encoder, or velocity and current
  put32(data, status_of(index));
  return data;
}

void AptEmulator::say_status(std::uint16_t id, std::size_t index) {
  if (++unacknowledged_ > kPatience) return;
  if (id != 0x042a) return say_long(id, report(index));
  Bytes data;
  put16(data, channel_bit(index));
  put32(data, status_of(index));
  say_long(id, data);
}

void AptEmulator::say_info() {
  Bytes data;
  const bool tells_serial = options_.model != AptModel::mff101;  // a flipper says nothing there
  put32(data, tells_serial ? static_cast<std::uint32_t>(std::stoul(options_.serial)) : 0);
  put_text(data, options_.model_text.empty() ? model_text(options_.model) : std::string_view(options_.model_text), 8);
  put16(data, 44);
  put32(data, 0x00010203);
  put_text(data, "emulated", 60);
  put16(data, 1);
  put16(data, 0);
  put16(data, static_cast<std::uint32_t>(std::max<std::size_t>(axes_.size(), 1)));
  say_long(0x0006, data);
}

void AptEmulator::complain(std::uint16_t about, std::uint16_t code, std::string_view text) {
  Bytes data;
  put16(data, about);
  put16(data, code);
  put_text(data, text, 64);
  say_long(0x0081, data);
}

void AptEmulator::complain_briefly() { say(0x0080, 0); }

void AptEmulator::say(std::uint16_t id, std::uint8_t p1, std::uint8_t p2) {
  Bytes bytes;
  put16(bytes, id);
  bytes.insert(bytes.end(), {p1, p2, 0x01, 0x50});
  emit(bytes);
}

void AptEmulator::say_long(std::uint16_t id, const std::vector<std::uint8_t>& data) {
  Bytes bytes;
  put16(bytes, id);
  put16(bytes, static_cast<std::uint32_t>(data.size()));
  bytes.insert(bytes.end(), {0x81, 0x50});
  bytes.insert(bytes.end(), data.begin(), data.end());
  emit(bytes);
}

void AptEmulator::emit(const std::vector<std::uint8_t>& bytes) {
  if (mute_) return;
  ++said_;
  const auto due = [&](int every) { return every > 0 && said_ % static_cast<std::uint64_t>(every) == 0; };
  if (due(options_.unknown_every)) out_.insert(out_.end(), {0x0c, 0x05, 0x03, 0x00, 0x81, 0x50, 0x01, 0x00, 0x07});
  if (due(options_.stray_zero_every)) out_.push_back(0);
  out_.insert(out_.end(), bytes.begin(), bytes.end());
}

}  // namespace nicol::sim
