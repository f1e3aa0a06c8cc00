// SPDX-License-Identifier: Apache-2.0
// Locked scratch and slabs of key slots.
#include "controller/secret/arena.hpp"

#include <fmt/format.h>

#include <atomic>
#include <limits>
#include <stdexcept>

#include "controller/secret/constant_time.hpp"

namespace nicol::secret {
namespace {

constexpr std::size_t alignment = 64;

constexpr std::size_t rounded(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

std::size_t bytes_of(std::size_t count, std::size_t item) {
  if (count > std::numeric_limits<std::size_t>::max() / 2 / item) throw std::length_error("arena: size overflows");
  return count * item;
}

}  // namespace

// Data ends flush at a page end, so whole multiples of 64 also start aligned.
Result<Arena> Arena::create(std::size_t bytes) {
  if (bytes == 0) throw std::logic_error("an arena of no bytes");
  auto memory = LockedKey::create(rounded(bytes));
  if (!memory.ok()) return std::move(memory).error();
  return Arena(std::move(memory).value());
}

std::byte* Arena::Frame::take(std::size_t bytes) {
  const std::size_t need = rounded(bytes);
  if (need > memory_.size() - used_)
    throw std::length_error(
        fmt::format("locked arena: {} bytes needed, {} of {} left", need, memory_.size() - used_, memory_.size()));
  std::byte* start = memory_.data() + used_;
  used_ += need;
  return start;
}

std::span<std::uint64_t> Arena::Frame::words(std::size_t count) {
  return {reinterpret_cast<std::uint64_t*>(take(bytes_of(count, sizeof(std::uint64_t)))), count};
}

std::span<std::uint32_t> Arena::Frame::words32(std::size_t count) {
  return {reinterpret_cast<std::uint32_t*>(take(bytes_of(count, sizeof(std::uint32_t)))), count};
}

std::span<std::uint8_t> Arena::Frame::bytes(std::size_t count) {
  return {reinterpret_cast<std::uint8_t*>(take(bytes_of(count, 1))), count};
}

Arena::Wipe::~Wipe() { secret::wipe(frame.memory_.first(frame.used_)); }

Arena::InUse::InUse(Arena& arena) : arena_(&arena) {
  if (std::atomic_ref(arena.in_use_).exchange(true)) throw std::logic_error("locked arena used twice at once");
}

Arena::InUse::~InUse() { std::atomic_ref(arena_->in_use_).store(false); }

Result<Slab> Slab::create(std::size_t slot_bytes, std::size_t slots) {
  if (slot_bytes == 0 || slots == 0 || slots > std::numeric_limits<std::uint32_t>::max())
    throw std::logic_error("a slab needs slots, and each a size");
  auto memory = LockedKey::create(bytes_of(slots, slot_bytes));
  if (!memory.ok()) return std::move(memory).error();
  return Slab(std::move(memory).value(), slot_bytes, slots);
}

// The free list is a stack that hands out slot 0 first.
Slab::Slab(LockedKey memory, std::size_t slot_bytes, std::size_t slots)
    : memory_(std::move(memory)), slot_bytes_(slot_bytes), slots_(slots), free_(slots), taken_(slots, 0) {
  for (std::size_t i = 0; i < slots; ++i) free_[i] = static_cast<std::uint32_t>(slots - 1 - i);
}

Result<std::size_t> Slab::take() {
  if (free_.empty()) return Error{Code::not_found, fmt::format("all {} key slots are taken", slots_), "", 0, {}};
  const std::size_t slot = free_.back();
  free_.pop_back();
  taken_[slot] = 1;
  return slot;
}

void Slab::release(std::size_t slot) { release(std::span<const std::size_t>(&slot, 1)); }

void Slab::release(std::span<const std::size_t> slots) {
  for (const std::size_t slot : slots)
    if (slot >= slots_ || taken_[slot] == 0) throw std::logic_error("key slot released that was not taken");
  memory_.with_write([&](std::span<std::byte> all) {
    for (const std::size_t slot : slots) secret::wipe(all.subspan(slot * slot_bytes_, slot_bytes_));
  });
  for (const std::size_t slot : slots) {
    if (std::exchange(taken_[slot], std::uint8_t{0}) != 0) free_.push_back(static_cast<std::uint32_t>(slot));
  }
}

}  // namespace nicol::secret
