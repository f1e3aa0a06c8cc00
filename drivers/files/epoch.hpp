// SPDX-License-Identifier: Apache-2.0
// qcrypto's epochs (2^29 ns each): their numbers, file names, headers and bit packing, as chopper.c, costream.c and
// ecd2.c write them. Little-endian 32-bit words throughout.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "drivers/files/byte_input.hpp"
#include "drivers/files/byte_output.hpp"
#include "drivers/hal/units.hpp"

namespace nicol::files {

inline constexpr TickLength kEpochTick{125, 1};                                // 1/8 ns
inline constexpr std::int64_t kEpochTicks = std::int64_t{1} << 32;             // one epoch: 0.536870912 s
inline constexpr std::uint32_t kTimeEpochMask = (std::uint32_t{1} << 17) - 1;  // what a tagger's 49 bits hold of it

/// The epoch that a second of Unix time lies in.
std::uint32_t epoch_at(std::uint64_t unix_seconds) noexcept;
/// The full number of the epoch whose low 17 bits a tagger gave, from a PC clock that is right to within hours.
std::uint32_t extended_epoch(std::uint64_t unix_seconds, std::uint32_t time_epoch) noexcept;
/// Eight lower-case hexadecimal digits.
std::string epoch_file_name(std::uint32_t epoch);
std::optional<std::uint32_t> epoch_of_file_name(std::string_view name) noexcept;

enum class EpochFileType : std::uint32_t {
  raw = 1,     // 64-bit events
  clicks = 2,  // time differences and patterns, packed
  sift = 3,    // what was kept of each entry
  reply = 4,   // differences of indices into the entries of a type 2, packed
  key = 7
};

struct EpochHeader {
  EpochFileType type = EpochFileType::clicks;
  bool extended = false;  // the epoch counts from 1970, else from the tagger's start
  std::uint32_t epoch = 0;
  std::uint32_t length = 0;      // entries; type 7: bits
  std::uint32_t entry_bits = 0;  // types 1, 3
  std::uint32_t time_order = 0;  // types 2, 4: bits of a difference
  std::uint32_t base_bits = 0;   // types 1, 2, 4
  std::uint32_t protocol = 0;    // type 2
  std::uint32_t epochs = 0;      // type 7
};
/// bad_input: no epoch file, cut, or fields that no program writes.
Result<EpochHeader> read_epoch_header(ByteInput& input);
Result<void> write_epoch_header(ByteOutput& out, const EpochHeader& header);
/// Where the length stands, for who knows it at the end only.
inline constexpr std::uint64_t kEpochLengthOffset = 8;

/// Bits out of 32-bit words, most significant first.
class PackedInput {
 public:
  explicit PackedInput(ByteInput& input) : input_(&input) {}
  /// 0..32 bits. bad_input at the end of the input.
  Result<std::uint32_t> get(unsigned bits);

 private:
  ByteInput* input_;
  std::uint64_t held_ = 0;
  unsigned bits_ = 0;
};

class PackedOutput {
 public:
  Result<void> put(ByteOutput& out, std::uint32_t value, unsigned bits);
  /// The rest of the last word is zero.
  Result<void> finish(ByteOutput& out);

 private:
  std::uint64_t held_ = 0;
  unsigned bits_ = 0;
};

/// An entry of types 2 and 4: a difference, with 32 bits of it after a zero where it does not fit, then its pattern.
struct PackedEntry {
  std::uint32_t difference = 0, pattern = 0;
  bool end = false;
};
Result<PackedEntry> get_entry(PackedInput& bits, const EpochHeader& header);
/// A difference is 2 or more.
Result<void> put_entry(PackedOutput& bits, ByteOutput& out, const EpochHeader& header, PackedEntry entry);

}  // namespace nicol::files
