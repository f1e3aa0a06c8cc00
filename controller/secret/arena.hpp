// SPDX-License-Identifier: Apache-2.0
// The node's locked scratch, allocated once: prefix parities, permuted copies, transform scratch live here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "controller/secret/locked_key.hpp"

namespace nicol::secret {

/// One locked region. use() opens it for writing and hands the callable a Frame to take spans from; everything taken is
/// wiped when the callable returns. One user at a time (a second, nested use() is std::logic_error).
class Arena {
 public:
  static Result<Arena> create(std::size_t bytes);
  class Frame {
   public:
    /// 64-byte aligned, zeroed. std::length_error naming need and capacity when exhausted (a bug: sized at start).
    std::span<std::uint64_t> words(std::size_t count);
    std::span<std::uint32_t> words32(std::size_t count);
    std::span<std::uint8_t> bytes(std::size_t count);
    std::size_t used() const noexcept { return used_; }

   private:
    friend class Arena;
    explicit Frame(std::span<std::byte> memory) : memory_(memory) {}
    std::byte* take(std::size_t bytes);
    std::span<std::byte> memory_;
    std::size_t used_ = 0;
  };
  template <class F>
  decltype(auto) use(F&& f) {
    const InUse in_use(*this);
    return memory_.with_write([&](std::span<std::byte> s) -> decltype(auto) {
      Frame frame(s);
      const Wipe wipe{frame};
      return std::forward<F>(f)(frame);
    });
  }
  std::size_t capacity() const noexcept { return memory_.size(); }

 private:
  struct Wipe {
    Frame& frame;
    ~Wipe();
  };
  class InUse {
   public:
    explicit InUse(Arena& arena);
    ~InUse();
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;

   private:
    Arena* arena_;
  };
  explicit Arena(LockedKey memory) : memory_(std::move(memory)) {}
  LockedKey memory_;
  bool in_use_ = false;
};

/// Many equal key slots in one guarded region, handled in batches inside one open scope. Slot i is bytes
/// [i*slot_bytes, (i+1)*slot_bytes) of the batch. Used by one thread at a time.
class Slab {
 public:
  static Result<Slab> create(std::size_t slot_bytes, std::size_t slots);
  /// f(std::span<std::byte> all, std::size_t slot_bytes) with the slab open for writing.
  template <class F>
  decltype(auto) batch(F&& f) {
    return memory_.with_write(
        [&](std::span<std::byte> s) -> decltype(auto) { return std::forward<F>(f)(s, slot_bytes_); });
  }
  std::size_t slots() const noexcept { return slots_; }
  std::size_t slot_bytes() const noexcept { return slot_bytes_; }
  /// Index of a free slot, or not_found when full. release() wipes.
  Result<std::size_t> take();
  /// std::logic_error for a slot that is not taken.
  void release(std::size_t slot);
  /// The same for many slots inside one scope.
  void release(std::span<const std::size_t> slots);

 private:
  Slab(LockedKey memory, std::size_t slot_bytes, std::size_t slots);
  LockedKey memory_;
  std::size_t slot_bytes_, slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint8_t> taken_;
};

}  // namespace nicol::secret
