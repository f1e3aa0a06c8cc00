// SPDX-License-Identifier: Apache-2.0
// The TDC1's commands and counters. (Its stream is in tdc1_stream.cpp.)
#include "sim/emulators/tdc1.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace nicol::sim {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000'000;  // ps
constexpr std::size_t kLongestLine = 512;

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

Tdc1Emulator::Tdc1Emulator(Tdc1Options options) : options_(std::move(options)) {}

SerialIdentity Tdc1Emulator::identity() const {
  return {0x04B4, 0x8613, "TDC1 Time-to-digital converter", "S-Fifteen Instruments", options_.serial, 0};
}

void Tdc1Emulator::power_cycle() {
  reset();
  said_.clear();
  line_.clear();
  held_line_.clear();
}

void Tdc1Emulator::reset() {
  mode_ = Mode::singles;
  gate_ = Gate::closed;
  level_ = "NIM";
  time_ms_ = 1000;
  overflow_ = false;
}

void Tdc1Emulator::say(std::string_view text) {
  said_.insert(said_.end(), text.begin(), text.end());
  for (const char c : {'\r', '\n'}) said_.push_back(static_cast<std::uint8_t>(c));
}

void Tdc1Emulator::receive(std::span<const std::uint8_t> bytes, Picoseconds now) {
  advance(now);
  for (const std::uint8_t byte : bytes) {
    const char c = static_cast<char>(byte);
    if (c == '\r') continue;
    if (c == '\n')
      end_of_line(now);
    else if (line_.size() < kLongestLine)
      line_.push_back(c);
  }
}

void Tdc1Emulator::end_of_line(Picoseconds now) {
  std::string whole = std::exchange(line_, {});
  if (options_.terminator == Tdc1Terminator::twice) {
    if (!whole.empty()) {
      held_line_ += whole + ';';
      if (held_line_.size() > kLongestLine) held_line_.clear();
      return;
    }
    whole = std::exchange(held_line_, {});
  }
  for (std::size_t begin = 0; begin < whole.size();) {
    const std::size_t end = std::min(whole.find(';', begin), whole.size());
    execute(trimmed(std::string_view(whole).substr(begin, end - begin)), now);
    begin = end + 1;
  }
}

void Tdc1Emulator::execute(std::string_view text, Picoseconds now) {
  const std::string command = upper(text);
  if (command == "*RST") return reset();
  if (command == "ABORT") {
    if (gate_ == Gate::stream && open_tick_) flush_word();
    gate_ = Gate::closed;
    return;
  }
  if (command == "COUNTS?") return open_gate(now);
  if (command == "STATUS?") return status();
  if (command == "INPKT" || set_mode(command) || set_level(command) || set_number(command)) return;
  (void)query(command);
}

bool Tdc1Emulator::set_mode(std::string_view command) {
  if (command == "SINGLES")
    mode_ = Mode::singles;
  else if (command == "PAIRS")
    mode_ = Mode::pairs;
  else if (command == "TIMESTAMP")
    mode_ = Mode::timestamp;
  else
    return false;
  return true;
}

bool Tdc1Emulator::set_level(std::string_view command) {
  const bool known = command == "NIM" || command == "TTL" || command.starts_with("POS ") || command.starts_with("NEG ");
  if (known) level_ = command;
  return known;
}

bool Tdc1Emulator::set_number(std::string_view command) {
  const auto space = command.find(' ');
  if (space == std::string_view::npos) return false;
  const std::string_view word = command.substr(0, space), number = trimmed(command.substr(space));
  int value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc{} || end != number.data() + number.size()) return false;
  if (word == "TIME" && value >= 0 && value <= 65535) time_ms_ = value;
  if (word == "REFCLK" && value >= 0 && value <= 2) reference_clock_ = value;
  return word == "TIME" || word == "REFCLK";
}

bool Tdc1Emulator::query(std::string_view command) {
  if (gate_ == Gate::stream) return false;
  if (command == "*IDN?")
    say(fmt::format("TDC1 {} emulated", options_.serial));
  else if (command == "MODE?")
    say(fmt::format("{}", static_cast<int>(mode_)));
  else if (command == "TIME?")
    say(fmt::format("{}", static_cast<std::int16_t>(static_cast<std::uint16_t>(time_ms_))));
  else if (command == "LEVEL?")
    say(level_ == "NIM" ? std::string("-0.500 V") : level_ == "TTL" ? std::string("1.000 V") : level_.substr(4) + " V");
  else if (command == "REFCLK?")
    say(fmt::format("{}", reference_clock_));
  else if (command == "ECLOCK?")
    say("0");
  else if (command == "HELP")
    say("*IDN? *RST SINGLES PAIRS TIMESTAMP MODE? TIME TIME? COUNTS? NIM TTL NEG POS LEVEL? REFCLK ABORT STATUS?");
  else
    return false;
  return true;
}

void Tdc1Emulator::status() {
  if (gate_ == Gate::stream && options_.in_stream == Tdc1StatusInStream::silent) return;
  say(fmt::format("{:04x} ", overflow_ ? 0x10 : 0));
  if (options_.overflow_bit == Tdc1OverflowBit::clears) overflow_ = false;
}

void Tdc1Emulator::open_gate(Picoseconds now) {
  run_began_ = generated_ = now;
  extra_.clear();
  counts_ = pairs_ = {};
  if (mode_ != Mode::timestamp) {
    gate_ = Gate::count;
    return;
  }
  ++runs_;
  gate_ = Gate::stream;
  open_tick_.reset();
  last_tick_ = level_tick_ = 0;
  level_words_ = 0;
}

void Tdc1Emulator::add_tags(std::vector<Tdc1Tag> tags) {
  extra_.insert(extra_.end(), tags.begin(), tags.end());
  std::stable_sort(extra_.begin(), extra_.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
}

void Tdc1Emulator::advance(Picoseconds now) {
  if (gate_ == Gate::closed) return;
  const Picoseconds close = time_ms_ == 0 ? kNever : run_began_ + Picoseconds{time_ms_ * kMillisecond};
  const Picoseconds until = std::min(now, close);
  if (until > generated_) {
    if (gate_ == Gate::stream)
      stream_until(until);
    else
      count_until(until);
    generated_ = until;
  }
  if (now < close) return;
  if (gate_ == Gate::count) say(counts_text());
  gate_ = Gate::closed;
}

void Tdc1Emulator::count_until(Picoseconds end) {
  gather(generated_, end);
  constexpr std::array<std::pair<unsigned, unsigned>, 4> kPairs{{{0, 2}, {0, 3}, {1, 2}, {1, 3}}};
  std::int64_t tick = -1;
  std::uint32_t inputs = 0;
  for (const Tdc1Tag& tag : tags_) {
    ++counts_[tag.channel & 3U];
    const std::int64_t at = (tag.time - run_began_).count / 2000;
    const std::uint32_t before = at == tick ? inputs : 0;
    tick = at;
    inputs = before | 1U << (tag.channel & 3U);
    for (std::size_t p = 0; p < kPairs.size(); ++p) {
      const std::uint32_t both = 1U << kPairs[p].first | 1U << kPairs[p].second;
      if ((inputs & both) == both && (before & both) != both) ++pairs_[p];
    }
  }
}

std::string Tdc1Emulator::counts_text() const {
  std::string text = fmt::format("{}", fmt::join(counts_, " "));
  if (mode_ == Mode::pairs) text += fmt::format(" {}", fmt::join(pairs_, " "));
  return text;
}

void Tdc1Emulator::collect(std::vector<std::uint8_t>& out, Picoseconds now) {
  advance(now);
  out.insert(out.end(), said_.begin(), said_.end());
  said_.clear();
}

Picoseconds Tdc1Emulator::next_due() const {
  if (!said_.empty()) return Picoseconds{};
  if (gate_ == Gate::closed) return kNever;
  return generated_ + Picoseconds{2 * kMillisecond};
}

}  // namespace nicol::sim
