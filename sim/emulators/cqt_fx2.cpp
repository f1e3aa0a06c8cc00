// SPDX-License-Identifier: Apache-2.0
// The card's commands and its FIFO. Written from the description of the card alone: it shares nothing with the driver.
#include "sim/emulators/cqt_fx2.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace nicol::sim {
namespace {

constexpr std::int64_t kTick = 125, kMillisecond = 1'000'000'000;  // ps
constexpr int kPacket = 512;
constexpr std::size_t kMostKept = 1 << 20;

/// What the phase detector shows in each sixteenth of 2 ns: a pattern of nine lines in which few change at a time.
constexpr std::array<std::uint16_t, 16> kPhases{0x003, 0x007, 0x00f, 0x01f, 0x03e, 0x03c, 0x07c, 0x0f8,
                                                0x0f0, 0x1f0, 0x1e0, 0x1e1, 0x1c1, 0x183, 0x181, 0x103};

/// The slow counter is latched late: while the fast one is below this, it still shows its last value.
constexpr std::uint64_t kLate = 17;

std::uint64_t raw_word(std::uint64_t tick, unsigned inputs) {
  const std::uint64_t fast = tick >> 4 & 31;
  std::uint64_t slow = tick >> 9;
  if (fast < kLate) --slow;
  slow &= (std::uint64_t{1} << 40) - 1;
  const std::uint64_t lines = (inputs & 3U) << 16 | std::uint64_t{inputs >> 2 & 3U} << 14;
  return slow << 24 | lines | fast << 9 | kPhases[tick & 15];
}

std::vector<std::uint8_t> descriptors() {
  std::vector<std::uint8_t> all{18, 1, 0,    2,    0xff, 0xff, 0xff, 64, 0xb4, 0x04, 0x34, 0x12, 1,    2,    1,
                                2,  3, 1,    9,    2,    0,    0,    1,  1,    0,    0xc0, 0,    9,    4,    0,
                                0,  0, 0xff, 0xff, 0xff, 0,    9,    4,  0,    1,    3,    0xff, 0xff, 0xff, 0};
  for (const std::uint8_t address : {std::uint8_t{0x01}, std::uint8_t{0x81}, std::uint8_t{0x82}})
    all.insert(all.end(), {7, 5, address, 2, 0x00, 0x02, 0});
  all[20] = static_cast<std::uint8_t>(all.size() - 18);
  return all;
}

}  // namespace

Fx2Emulator::Fx2Emulator(Fx2Options options) : options_(std::move(options)) {}

std::string Fx2Emulator::phase_table() {
  std::string text;
  for (std::size_t i = 0; i < kPhases.size(); ++i) text += fmt::format("{}{}:{}", i == 0 ? "" : ",", kPhases[i], i);
  return text;
}

UsbIdentity Fx2Emulator::identity() const {
  return {descriptors(), "Timestamp Card Rev 2 / 4k FIFO (3.3V)", "Centre for Quantum Technologies", options_.serial};
}

void Fx2Emulator::power_cycle() {
  Fx2Options options = std::move(options_);
  const std::uint64_t starts = starts_;
  const Picoseconds now = now_;
  *this = Fx2Emulator(std::move(options));
  starts_ = starts;
  now_ = zero_ = generated_ = level_at_ = last_byte_ = now;
}

int Fx2Emulator::control(std::span<const std::uint8_t, 8>, std::span<std::uint8_t>, Picoseconds) { return kUsbStall; }

int Fx2Emulator::out(std::uint8_t endpoint, std::span<const std::uint8_t> bytes, Picoseconds now) {
  if (endpoint != 0x01) return kUsbStall;
  advance(now);
  std::uint8_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) sum = static_cast<std::uint8_t>(sum + bytes[i]);
  const bool whole = bytes.size() >= 3 && bytes[0] == bytes.size();
  if (!whole || (options_.checksum == Fx2Checksum::checked && bytes.back() != sum))
    ++refused_;
  else if (!silent_)
    execute(bytes[1], bytes.subspan(2, bytes.size() - 3), now);
  return static_cast<int>(bytes.size());
}

void Fx2Emulator::execute(std::uint8_t command, std::span<const std::uint8_t> arguments, Picoseconds now) {
  switch (command) {
    case 1:
      return reset_counter(now);
    case 11:
      stream_.clear();
      flush_ = false;
      return;
    case 12:
      if (open_tick_) close_word();
      drain(now);
      running_ = false;
      flush_ = true;
      return;
    case 14:
      if (!running_) ++starts_;
      running_ = true;
      flush_ = false;
      return;
    case 15:
      reset_counter(now);
      running_ = flush_ = external_ = false;
      autoflush_ = 0;
      stream_.clear();
      return;
    case 16:
      if (!arguments.empty()) answer(arguments[0]);
      return;
    default:
      return set_line(command, arguments, now);
  }
}

void Fx2Emulator::set_line(std::uint8_t command, std::span<const std::uint8_t> arguments, Picoseconds now) {
  if (command == 2 && arguments.size() == 2)
    dac_[arguments[1] >> 4 & 7] = static_cast<std::uint16_t>((arguments[1] & 15) << 8 | arguments[0]);
  if (command == 3) dac_.fill(0);
  if (command == 5 && !arguments.empty()) external_ = arguments[0] == 0;
  if (command == 7) {
    if (open_tick_) close_word();
    inhibited_ = true;
  }
  if (command == 8) {
    inhibited_ = false;
    generated_ = now;
  }
  if (command == 13 && !arguments.empty()) autoflush_ = arguments[0];
}

void Fx2Emulator::answer(std::uint8_t item) {
  const bool full = full_ && options_.mutant != Fx2Mutant::hides_overflow;
  std::uint8_t byte = 0;
  if (item == 0) byte = static_cast<std::uint8_t>((inhibited_ || full ? 0x80 : 0) | (full ? 0x10 : 0));
  if (item == 8) byte = full ? 1 : 0;
  answers_.push_back(byte);
}

void Fx2Emulator::reset_counter(Picoseconds now) {
  inhibited_ = true;
  full_ = false;
  zero_ = generated_ = level_at_ = last_byte_ = now;
  level_ = 0;
  open_tick_.reset();
  extra_.clear();
}

void Fx2Emulator::add_tags(std::vector<Fx2Tag> tags) {
  extra_.insert(extra_.end(), tags.begin(), tags.end());
  std::stable_sort(extra_.begin(), extra_.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
}

void Fx2Emulator::add_raw(const std::vector<std::uint8_t>& bytes) {
  for (const std::uint8_t byte : bytes) put_byte(byte);
}

void Fx2Emulator::advance(Picoseconds now) {
  now_ = now;
  if (!sampling()) {
    generated_ = std::max(generated_, now);
  } else if (now > generated_) {
    gather(generated_, now);
    for (const Fx2Tag& tag : tags_) hit(tag);
    generated_ = now;
    if (open_tick_ && *open_tick_ < (now - zero_).count / kTick) close_word();
  }
  if (running_) drain(now);
}

void Fx2Emulator::gather(Picoseconds begin, Picoseconds end) {
  tags_.clear();
  if (options_.light) options_.light(begin, end, tags_);
  const auto last = std::find_if(extra_.begin(), extra_.end(), [&](const Fx2Tag& t) { return zero_ + t.time >= end; });
  if (last == extra_.begin()) return;
  for (auto tag = extra_.begin(); tag != last; ++tag)
    if (zero_ + tag->time >= begin) tags_.push_back({zero_ + tag->time, tag->channel});
  extra_.erase(extra_.begin(), last);
  std::stable_sort(tags_.begin(), tags_.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
}

void Fx2Emulator::hit(const Fx2Tag& tag) {
  const std::int64_t tick = (tag.time - zero_).count / kTick;
  unsigned input = tag.channel & 3U;
  if (options_.mutant == Fx2Mutant::swaps_inputs && input < 2) input = 1 - input;
  if (open_tick_ && *open_tick_ != tick) close_word();
  if (!open_tick_) {
    open_tick_ = tick;
    open_inputs_ = 0;
  }
  open_inputs_ |= 1U << input;
  ++events_;
}

void Fx2Emulator::close_word() { put_word(*std::exchange(open_tick_, {}), open_inputs_); }

/// The FIFO as a leaky bucket: above the watermark the inputs are closed until it has sunk below.
void Fx2Emulator::put_word(std::int64_t tick, unsigned inputs) {
  const Picoseconds at = zero_ + Picoseconds{tick * kTick};
  drain(at);
  if (level_ + 1 > static_cast<double>(options_.watermark)) {
    full_ = true;
    ++lost_;
    return;
  }
  level_ += 1;
  last_byte_ = at;
  const std::uint64_t word = raw_word(static_cast<std::uint64_t>(tick), inputs);
  for (unsigned shift = 0; shift < 64; shift += 8) put_byte(static_cast<std::uint8_t>(word >> shift));
}

void Fx2Emulator::drain(Picoseconds until) {
  if (until <= level_at_) return;
  level_ = std::max(0.0, level_ - (until - level_at_).seconds() * options_.drained_hz);
  level_at_ = until;
  if (level_ + 1 <= static_cast<double>(options_.watermark)) full_ = false;
}

void Fx2Emulator::put_byte(std::uint8_t byte) {
  if (missing_ > 0) {
    --missing_;
    return;
  }
  if (stream_.size() < kMostKept) stream_.push_back(byte);
}

bool Fx2Emulator::flush_due(Picoseconds now) const {
  if (flush_) return true;
  return autoflush_ > 0 && now - last_byte_ >= Picoseconds{std::int64_t{30} * autoflush_ * kMillisecond};
}

int Fx2Emulator::events_in(std::span<std::uint8_t> into, Picoseconds now) {
  if (silent_) return 0;
  std::size_t count = std::min(stream_.size(), into.size()) / kPacket * kPacket;
  const bool rest = count == stream_.size() / kPacket * kPacket && stream_.size() % kPacket != 0;
  if (rest && flush_due(now)) count = std::min(stream_.size(), into.size());
  const auto end = stream_.begin() + static_cast<std::ptrdiff_t>(count);
  std::copy(stream_.begin(), end, into.begin());
  stream_.erase(stream_.begin(), end);
  return static_cast<int>(count);
}

int Fx2Emulator::in(std::uint8_t endpoint, std::span<std::uint8_t> into, Picoseconds now) {
  advance(now);
  if (endpoint == 0x82) return events_in(into, now);
  if (endpoint != 0x81 || answers_.empty() || into.empty() || silent_) return 0;
  into[0] = answers_.front();
  answers_.pop_front();
  return 1;
}

Picoseconds Fx2Emulator::next_due() const {
  if (!running_ && stream_.empty()) return kNever;
  return now_ + Picoseconds{kMillisecond};
}

}  // namespace nicol::sim
