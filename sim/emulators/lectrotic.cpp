// SPDX-License-Identifier: Apache-2.0
// (While the stream is off, this one throws its captures away.)
#include "sim/emulators/lectrotic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace nicol::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000'000, kTick = 4000;  // ps
constexpr std::uint32_t kRising = 1U << 29, kSpecial = 1U << 28;
constexpr std::uint32_t kCleared = 0, kLost = 1, kReferenceFailed = 2;
constexpr Picoseconds kPulseWidth{20'000};

std::uint32_t saturated(std::uint64_t n) { return static_cast<std::uint32_t>(std::min<std::uint64_t>(n, 0xffff)); }

}  // namespace

SerialIdentity LectroticEmulator::identity() const {
  return {0x1209, 0x71C4, "LectroTIC-4", "Lectrobox", options_.serial, 0};
}

void LectroticEmulator::reset() {
  inputs_ = {};
  buffer_.clear();
  streaming_ = true;
  binary_ = false;
  error_ = 0;
}

void LectroticEmulator::power_cycle() {
  reset();
  said_.clear();
  line_.clear();
  extra_.clear();
  reference_ = Reference::locked;
  on_.reset();
  options_.up_seconds = 0;
}

void LectroticEmulator::say(std::string_view text) {
  said_.insert(said_.end(), text.begin(), text.end());
  said_.push_back('\n');
}

std::string LectroticEmulator::as_text(const Record& record) const {
  return fmt::format("{} {}.{:09} {}", record.word >> 30, record.seconds, (record.word & 0x0fffffff) * 4,
                     (record.word & kRising) != 0 ? '+' : '-');
}

void LectroticEmulator::say(const Record& record) {
  for (const std::uint32_t half : {record.seconds, record.word})
    for (int shift = 0; shift < 32; shift += 8) said_.push_back(static_cast<std::uint8_t>(half >> shift));
}

void LectroticEmulator::receive(std::span<const std::uint8_t> bytes, Picoseconds now) {
  constexpr std::size_t kLongest = 256;
  advance(now);
  for (const std::uint8_t byte : bytes) {
    const char c = static_cast<char>(byte);
    if (c == '\n')
      execute(std::exchange(line_, {}), now);
    else if (c != '\r' && line_.size() < kLongest)
      line_.push_back(c);
  }
}

void LectroticEmulator::execute(std::string_view line, Picoseconds now) {
  if (line.empty()) return;
  if (line.ends_with('?')) return ask(line);
  if (line == "*RST") return reset();
  if (set_output(line)) {
    serviced_ = drained_ = now;
    return;
  }
  if (!set_input(line)) error_ = -113;
}

void LectroticEmulator::ask(std::string_view line) {
  ++asked_;
  if (streaming() && options_.in_stream == LectroticInStream::silent) return;
  if (line == "*IDN?")
    say(fmt::format("Lectrobox,LectroTIC-4,{},emulated", options_.serial));
  else if (line == "SYST:ERR?")
    say(std::exchange(error_, 0) == 0 ? "0,\"No error\"" : "-113,\"Undefined header\"");
  else if (line.size() == 10 && line.starts_with("INP") && line.ends_with(":SLOP?") && line[3] >= '0' && line[3] < '4')
    say(slope(static_cast<std::size_t>(line[3] - '0')));
  else
    error_ = -113;
}

bool LectroticEmulator::set_output(std::string_view line) {
  if (line == "OUTP:STAT ON")
    streaming_ = true;
  else if (line == "OUTP:STAT OFF")
    streaming_ = false;
  else if (line == "FORM:DATA BIN")
    binary_ = true;
  else if (line == "FORM:DATA TEXT")
    binary_ = false;
  else if (line == "OUTP:CLE")
    clear();
  else
    return false;
  return true;
}

void LectroticEmulator::clear() {
  ++clears_;
  buffer_.clear();
  for (Input& input : inputs_) input.too_close = input.overflowed = 0;
  if (binary_)
    say(Record{0, kSpecial | kCleared});
  else
    say("# output cleared");
}

/// "INPn:SLOP POS", "INPn:DIV 8".
bool LectroticEmulator::set_input(std::string_view line) {
  if (line.size() < 9 || !line.starts_with("INP") || line[3] < '0' || line[3] > '3') return false;
  Input& input = inputs_[static_cast<std::size_t>(line[3] - '0')];
  const std::string_view what = line.substr(4);
  if (what == ":SLOP POS" || what == ":SLOP NEG") {
    input.falling = what.ends_with("NEG");
    return true;
  }
  if (!what.starts_with(":DIV ")) return false;
  const std::string_view number = what.substr(5);
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (failed != std::errc{} || end != number.data() + number.size() || value < 1) return false;
  input.divider = value;
  input.count = 0;
  return true;
}

void LectroticEmulator::add_tags(std::vector<Tdc1Tag> tags) {
  extra_.insert(extra_.end(), tags.begin(), tags.end());
  std::stable_sort(extra_.begin(), extra_.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
}

void LectroticEmulator::advance(Picoseconds now) {
  if (!on_) {
    on_ = now;
    serviced_ = drained_ = now;
  }
  if (!streaming_) {
    const auto later = std::find_if(extra_.begin(), extra_.end(), [&](const auto& tag) { return tag.time >= now; });
    extra_.erase(extra_.begin(), later);
    serviced_ = drained_ = now;
    return;
  }
  while (serviced_ + options_.service <= now) {
    drain(serviced_ + options_.service);
    service(serviced_ + options_.service);
  }
  drain(now);
}

/// Everything captured since the last time, one input after the other.
void LectroticEmulator::service(Picoseconds now) {
  if (reference_ == Reference::failed && binary_) {
    say(Record{0, kSpecial | kReferenceFailed});
    reference_ = Reference::said;
  }
  tags_.clear();
  if (options_.light) options_.light(serviced_, now, tags_);
  const auto later = std::find_if(extra_.begin(), extra_.end(), [&](const auto& tag) { return tag.time >= now; });
  tags_.insert(tags_.end(), extra_.begin(), later);
  extra_.erase(extra_.begin(), later);
  std::stable_sort(tags_.begin(), tags_.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  serviced_ = now;
  if (reference_ != Reference::locked) return;
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    for (const Tdc1Tag& tag : tags_)
      if ((tag.channel & 3U) == i) capture(tag, i);
  report_losses();
}

void LectroticEmulator::capture(const Tdc1Tag& tag, std::size_t index) {
  Input& input = inputs_[index];
  const bool too_close = input.last && tag.time - *input.last < options_.dead_time;
  input.last = tag.time;
  if (too_close) {
    ++input.too_close;
    ++lost_;
    return;
  }
  if (++input.count < input.divider) return;
  input.count = 0;
  if (buffer_.size() + 1 >= options_.buffer) {
    ++input.overflowed;
    ++lost_;
    return;
  }
  const Picoseconds edge = tag.time - *on_ + (input.falling ? kPulseWidth : Picoseconds{});
  const bool stands = options_.mutant == LectroticMutant::forgets_seconds;
  const auto seconds = static_cast<std::uint32_t>(options_.up_seconds + (stands ? 0 : edge.count / kSecond));
  const std::size_t name = options_.mutant == LectroticMutant::swaps_inputs && index < 2 ? 1 - index : index;
  buffer_.push_back({seconds, static_cast<std::uint32_t>(name << 30) | (input.falling ? 0U : kRising) |
                                  static_cast<std::uint32_t>(edge.count % kSecond / kTick)});
}

/// One input each time that nothing waits.
void LectroticEmulator::report_losses() {
  if (!buffer_.empty() || !binary_) return;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const std::uint64_t too_close = std::exchange(inputs_[i].too_close, 0);
    const std::uint64_t overflowed = std::exchange(inputs_[i].overflowed, 0);
    if (too_close + overflowed == 0) continue;
    if (options_.mutant != LectroticMutant::hides_losses)
      say(Record{saturated(overflowed) << 16 | saturated(too_close),
                 static_cast<std::uint32_t>(i << 30) | kSpecial | kLost});
    return;
  }
}

/// As fast as USB carries it.
void LectroticEmulator::drain(Picoseconds now) {
  const double passed = (now - drained_).seconds();
  const auto n = std::min(buffer_.size(), static_cast<std::size_t>(passed * options_.records_per_second));
  if (n == 0 && !buffer_.empty()) return;
  drained_ = now;
  for (std::size_t i = 0; i < n; ++i) {
    if (binary_)
      say(buffer_.front());
    else
      say(as_text(buffer_.front()));
    buffer_.pop_front();
  }
}

void LectroticEmulator::collect(std::vector<std::uint8_t>& out, Picoseconds now) {
  advance(now);
  out.insert(out.end(), said_.begin(), said_.end());
  said_.clear();
}

Picoseconds LectroticEmulator::next_due() const {
  if (!said_.empty()) return Picoseconds{};
  if (!streaming_) return kNever;
  if (!on_) return Picoseconds{};
  return buffer_.empty() ? serviced_ + options_.service : drained_ + Picoseconds{kSecond / 1000};
}

}  // namespace nicol::sim
