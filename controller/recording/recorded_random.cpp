// SPDX-License-Identifier: Apache-2.0
// A draw's payload: purpose u32 (0: from the OS), index u64, the bytes.
#include "controller/recording/recorded_random.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nicol::recording {
namespace {

constexpr std::size_t kDrawHead = 12;

std::array<std::uint8_t, kDrawHead> head_of(std::uint32_t purpose, std::uint64_t index) {
  std::array<std::uint8_t, kDrawHead> head{};
  put_le(std::span(head).first(4), purpose);
  put_le(std::span(head).subspan(4), index);
  return head;
}

}  // namespace

void put_draw(Writer& to, std::uint32_t purpose, std::uint64_t index, std::span<const std::byte> drawn) noexcept {
  const auto head = head_of(purpose, index);
  to.put(Entry::draw, {head, {reinterpret_cast<const std::uint8_t*>(drawn.data()), drawn.size()}});
}

void take_draw(Reader& from, Departure& departure, std::uint32_t purpose, std::uint64_t index,
               std::span<std::byte> out) noexcept {
  const auto entry = from.head();
  std::fill(out.begin(), out.end(), std::byte{0});
  if (!entry || entry->kind != Entry::draw)
    return departure.note(from, fmt::format("a draw (purpose {}, index {}) that was not recorded", purpose, index));
  std::array<std::uint8_t, kDrawHead> head{};
  const bool same = from.read(std::span(head)) && head == head_of(purpose, index) && from.left() == out.size();
  if (!same || !from.read(out))
    departure.note(from, fmt::format("entry {} (draw): not the one of purpose {}, index {}, {} bytes", entry->number,
                                     purpose, index, out.size()));
  from.done();
}

void RecordingRandom::fill(Purpose purpose, std::uint64_t index, std::span<std::byte> out) noexcept {
  inner_->fill(purpose, index, out);
  put_draw(*to_, static_cast<std::uint32_t>(purpose), index, out);
}

void ReplayedRandom::fill(Purpose purpose, std::uint64_t index, std::span<std::byte> out) noexcept {
  take_draw(*from_, *departure_, static_cast<std::uint32_t>(purpose), index, out);
}

}  // namespace nicol::recording
