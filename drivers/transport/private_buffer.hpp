// SPDX-License-Identifier: Apache-2.0
// Memory for what is raw key material on a cable: locked where the limit allows, never dumped or forked, wiped at the
// end. (The controller's own guard pages are another room; drivers need only this much.)
#pragma once

#include <string.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "drivers/hal/result.hpp"

namespace nicol::transport {

/// Of any memory, and of none: explicit_bzero() may not be given a null pointer.
inline void wipe(std::span<std::uint8_t> memory) noexcept {
  if (!memory.empty()) explicit_bzero(memory.data(), memory.size());
}

class PrivateBuffer {
 public:
  /// locked_memory when the limit is used up.
  static Result<PrivateBuffer> create(std::size_t bytes);
  PrivateBuffer(PrivateBuffer&& o) noexcept : data_(std::exchange(o.data_, {})) {}
  PrivateBuffer& operator=(PrivateBuffer&& o) noexcept {
    std::swap(data_, o.data_);
    return *this;
  }
  ~PrivateBuffer();
  std::span<std::uint8_t> bytes() const noexcept { return data_; }
  void wipe() noexcept;

 private:
  explicit PrivateBuffer(std::span<std::uint8_t> data) : data_(data) {}
  std::span<std::uint8_t> data_;
};

}  // namespace nicol::transport
