// SPDX-License-Identifier: Apache-2.0
// The decoder and encoder of the three readevents spellings.
#include "drivers/files/readevents.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace nicol::files {
namespace {

constexpr std::array<std::string_view, 3> kForms = {"readevents", "readevents-x", "readevents-hex"};
constexpr std::size_t kWord = 8, kDigits = 16;

/// 0..15, or -1 where c is no hexadecimal digit.
int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void put_hex(std::byte* at, std::uint64_t word) {
  for (std::size_t i = 0; i < kDigits; ++i)
    at[i] = static_cast<std::byte>("0123456789abcdef"[(word >> (60 - 4 * i)) & 0xf]);
  at[kDigits] = std::byte{'\n'};
}

}  // namespace

static_assert(std::endian::native == std::endian::little);

std::string_view to_string(ReadeventsForm form) noexcept { return kForms[static_cast<std::size_t>(form)]; }

std::optional<ReadeventsForm> readevents_form(std::string_view name) noexcept {
  const auto it = std::ranges::find(kForms, name);
  if (it == kForms.end()) return std::nullopt;
  return static_cast<ReadeventsForm>(it - kForms.begin());
}

std::uint64_t ReadeventsDecoder::word(const std::byte* at) const noexcept {
  std::uint64_t w = 0;
  std::memcpy(&w, at, kWord);
  return form_ == ReadeventsForm::high_word_first ? std::rotl(w, 32) : w;
}

Result<std::span<const EventWord>> ReadeventsDecoder::decode(std::span<const std::byte> bytes) {
  events_.clear();
  if (form_ == ReadeventsForm::hex) {
    if (auto ok = decode_text(bytes); !ok) return std::move(ok).error();
  } else {
    decode_words(bytes);
  }
  offset_ += bytes.size();
  return std::span<const EventWord>(events_);
}

void ReadeventsDecoder::decode_words(std::span<const std::byte> bytes) {
  if (held_ > 0) {
    const std::size_t take = std::min(kWord - held_, bytes.size());
    std::copy_n(bytes.begin(), take, partial_.begin() + static_cast<std::ptrdiff_t>(held_));
    held_ += take;
    bytes = bytes.subspan(take);
    if (held_ < kWord) return;
    events_.push_back({word(partial_.data())});
    held_ = 0;
  }
  const std::size_t whole = bytes.size() / kWord, first = events_.size();
  events_.resize(first + whole);
  for (std::size_t i = 0; i < whole; ++i) events_[first + i].raw = word(bytes.data() + i * kWord);
  const auto rest = bytes.subspan(whole * kWord);
  std::ranges::copy(rest, partial_.begin());
  held_ = rest.size();
}

Result<void> ReadeventsDecoder::decode_text(std::span<const std::byte> bytes) {
  for (const std::byte b : bytes) {
    const char c = static_cast<char>(b);
    if (c == '\n') {
      if (auto ok = end_line(); !ok) return ok;
      continue;
    }
    if (carriage_return_) return line_error("a carriage return inside the line");
    if (c == '\r') {
      carriage_return_ = true;
      continue;
    }
    const int value = digit_value(c);
    if (value < 0)
      return line_error(fmt::format("byte 0x{:02x} is no hexadecimal digit", static_cast<unsigned char>(c)));
    if (++held_ > kDigits) return line_error("more than 16 hexadecimal digits");
    digits_ = digits_ << 4 | static_cast<std::uint64_t>(value);
  }
  return {};
}

Result<void> ReadeventsDecoder::end_line() {
  if (held_ != kDigits) return line_error(fmt::format("{} hexadecimal digits, expected 16", held_));
  events_.push_back({digits_});
  digits_ = 0;
  held_ = 0;
  carriage_return_ = false;
  ++line_;
  return {};
}

Error ReadeventsDecoder::line_error(const std::string& what) const {
  return {Code::bad_input, fmt::format("line {}: {}", line_, what)};
}

Result<std::span<const EventWord>> ReadeventsDecoder::finish() {
  events_.clear();
  if (form_ != ReadeventsForm::hex) {
    if (held_ != 0)
      return Error{Code::bad_input,
                   fmt::format("byte {}: the input ends after {} of the 8 bytes of an event", offset_ - held_, held_)};
  } else if (held_ != 0 || carriage_return_) {
    if (auto ok = end_line(); !ok) return std::move(ok).error();
  }
  return std::span<const EventWord>(events_);
}

std::span<const std::byte> ReadeventsEncoder::encode(std::span<const EventWord> events) {
  const std::size_t size = form_ == ReadeventsForm::hex ? kDigits + 1 : kWord;
  bytes_.resize(events.size() * size);
  std::byte* at = bytes_.data();
  for (const EventWord& e : events) {
    if (form_ == ReadeventsForm::hex) {
      put_hex(at, e.raw);
    } else {
      const std::uint64_t w = form_ == ReadeventsForm::high_word_first ? std::rotl(e.raw, 32) : e.raw;
      std::memcpy(at, &w, kWord);
    }
    at += size;
  }
  return bytes_;
}

}  // namespace nicol::files
