// SPDX-License-Identifier: Apache-2.0
// The decoder and encoder of the readevents spellings.
#include "drivers/files/readevents.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace nicol::files {
namespace {

constexpr std::array<std::string_view, 4> kForms = {"readevents", "readevents-x", "readevents-hex", "readevents-hex32"};
constexpr std::size_t kWord = 8, kDigits = 16, kHalfDigits = 8;

/// 0..15, or -1 where c is no hexadecimal digit.
int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::byte* put_hex(std::byte* at, std::uint64_t word, std::size_t digits) {
  for (std::size_t i = digits; i-- > 0; word >>= 4) at[i] = static_cast<std::byte>("0123456789abcdef"[word & 0xf]);
  at[digits] = std::byte{'\n'};
  return at + digits + 1;
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
  if (is_text()) {
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
    if (++held_ > line_digits()) return line_error(fmt::format("more than {} hexadecimal digits", line_digits()));
    digits_ = digits_ << 4 | static_cast<std::uint64_t>(value);
  }
  return {};
}

Result<void> ReadeventsDecoder::end_line() {
  if (held_ != line_digits())
    return line_error(fmt::format("{} hexadecimal digits, expected {}", held_, line_digits()));
  if (form_ == ReadeventsForm::hex) {
    events_.push_back({digits_});
  } else if (low_) {
    events_.push_back({digits_ << 32 | *low_});
    low_.reset();
  } else {
    low_ = digits_;
  }
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
  if (!is_text()) {
    if (held_ != 0)
      return Error{Code::bad_input,
                   fmt::format("byte {}: the input ends after {} of the 8 bytes of an event", offset_ - held_, held_)};
  } else if (held_ != 0 || carriage_return_) {
    if (auto ok = end_line(); !ok) return std::move(ok).error();
  }
  if (low_) return line_error("the input ends between the two halves of a word");
  return std::span<const EventWord>(events_);
}

std::span<const std::byte> ReadeventsEncoder::encode(std::span<const EventWord> events) {
  std::size_t size = kWord;
  if (form_ == ReadeventsForm::hex) size = kDigits + 1;
  if (form_ == ReadeventsForm::hex32) size = 2 * (kHalfDigits + 1);
  bytes_.resize(events.size() * size);
  std::byte* at = bytes_.data();
  for (const EventWord& e : events) at = put(at, e.raw);
  return bytes_;
}

std::byte* ReadeventsEncoder::put(std::byte* at, std::uint64_t raw) const noexcept {
  if (form_ == ReadeventsForm::hex) return put_hex(at, raw, kDigits);
  if (form_ == ReadeventsForm::hex32) return put_hex(put_hex(at, raw, kHalfDigits), raw >> 32, kHalfDigits);
  const std::uint64_t w = form_ == ReadeventsForm::high_word_first ? std::rotl(raw, 32) : raw;
  std::memcpy(at, &w, kWord);
  return at + kWord;
}

}  // namespace nicol::files
