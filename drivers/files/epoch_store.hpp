// SPDX-License-Identifier: Apache-2.0
// The epoch files that hold no times: what was kept of each click (type 3), which clicks the other side kept (type 4),
// and final keys (type 7). Bits may be somebody's key: one entry at a time, nothing kept here.
#pragma once

#include <memory>

#include "drivers/files/epoch.hpp"

namespace nicol::files {

class EpochStore {
 public:
  /// bad_input for what is none of types 3, 4 and 7.
  static Result<EpochStore> open(const std::filesystem::path& path);
  static Result<EpochStore> open(ByteInput input);

  const EpochHeader& header() const noexcept { return header_; }
  /// Type 3: the next entry's bits. Type 4: the next index, counted from 0. Type 7: the next key bit. Nothing at the
  /// end, which must be where the header says. bad_input with the byte.
  Result<std::optional<std::uint64_t>> next();

 private:
  EpochStore(std::unique_ptr<ByteInput> input, const EpochHeader& header)
      : input_(std::move(input)), header_(header), bits_(*input_) {}
  Result<std::optional<std::uint64_t>> next_index();
  Result<std::optional<std::uint64_t>> end();

  std::unique_ptr<ByteInput> input_;  // bits_ points at it
  EpochHeader header_;
  PackedInput bits_;
  std::uint64_t given_ = 0, index_ = 0;
  bool ended_ = false;
};

/// Bit k of the key is bit k%8 of byte k/8. The file is the owner's alone (0600) and appears whole or not at all.
Result<void> write_epoch_key(const std::filesystem::path& path, const EpochHeader& header,
                             std::span<const std::uint8_t> key);

}  // namespace nicol::files
