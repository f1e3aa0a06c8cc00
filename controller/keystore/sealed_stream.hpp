// SPDX-License-Identifier: Apache-2.0
// A connection to another computer of ours, sealed by a key file that both hold: a fresh X25519 exchange that only the
// file's holders can take part in, then XChaCha20-Poly1305 secretstreams both ways. Sans I/O.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "controller/keystore/codec.hpp"
#include "controller/secret/locked_key.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::keystore {

enum class StreamSide : std::uint8_t { caller, listener };

/// Records are opened in the order they were sealed or not at all: what is changed, replayed, left out, put in another
/// order, or sealed for another connection or the other direction ends the stream with `authentication`. A connection
/// that is cut short looks like one whose peer has gone. Not thread-safe. Plain text is not locked: its caller's
/// matter.
class SealedStream {
 public:
  static constexpr std::size_t kMostPlain = std::size_t{32} * 1024;  // one record

  /// The file is 32 bytes, ours, 0600: access_denied or bad_input says what is wrong.
  static Result<SealedStream> open(const std::filesystem::path& key_file, StreamSide side);
  static Result<SealedStream> create(secret::LockedKey key, StreamSide side);
  SealedStream(SealedStream&&) noexcept;
  SealedStream& operator=(SealedStream&&) noexcept;
  ~SealedStream();

  /// To be sent first.
  Bytes greeting() const;
  /// The peer's greeting has come and was made by a holder of the file. It may be an old one sent again: but then its
  /// sender can neither read what is sealed now nor seal anything itself, so nothing is believed before a first record.
  bool ready() const;
  /// Any number of records.
  Result<Bytes> seal(std::span<const std::uint8_t> plain);
  /// Takes what came, appends what it says; keeps the begin of a record for the next call. After an error: always it.
  Result<void> open(std::span<const std::uint8_t> bytes, Bytes& plain);

 private:
  struct Impl;
  explicit SealedStream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nicol::keystore
