// SPDX-License-Identifier: Apache-2.0
// What carries the bridge's bytes, and what may seal them. Drivers know no cryptography: whoever makes the registry
// passes the factory in.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "drivers/hal/result.hpp"

namespace nicol::tagger_bridge {

/// One end of a sealed connection, sans I/O. One thread at a time.
class Seal {
 public:
  virtual ~Seal() = default;
  /// The first bytes to send.
  virtual std::vector<std::uint8_t> greeting() = 0;
  /// Takes what came and appends what it says; authentication when it was not the holder of the key who said so. May
  /// leave the tail of an unfinished record for the next call.
  virtual Result<void> open(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& plain) = 0;
  /// The peer has proved itself: seal() may be called.
  virtual bool ready() const = 0;
  virtual Result<std::vector<std::uint8_t>> seal(std::span<const std::uint8_t> plain) = 0;
};

enum class SealSide : std::uint8_t { driver, bridge };
/// Reads a key file (0600). access_denied or bad_input when that is not what it is.
using SealFactory = std::function<Result<std::unique_ptr<Seal>>(const std::string& key_file, SealSide side)>;

}  // namespace nicol::tagger_bridge
