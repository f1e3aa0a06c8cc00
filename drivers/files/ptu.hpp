// SPDX-License-Identifier: Apache-2.0
// PicoQuant's PTU: a header of tags of 48 bytes, then 32-bit T2 records (PicoQuant's own demo reader is the source of
// the layouts).
#pragma once

#include <cstdint>
#include <string_view>

#include "drivers/files/byte_input.hpp"
#include "drivers/hal/units.hpp"

namespace nicol::files::ptu {

inline constexpr std::string_view kMagic{"PQTTTR\0\0", 8};
inline constexpr std::size_t kTagBytes = 48, kIdentBytes = 32;

enum class TagType : std::uint32_t {
  empty = 0xFFFF0008,
  boolean = 0x00000008,
  integer = 0x10000008,
  bit_set = 0x11000008,
  colour = 0x12000008,
  real = 0x20000008,
  date = 0x21000008,
  // Value: how many bytes of data follow the tag.
  reals = 0x2001FFFF,
  text = 0x4001FFFF,
  wide_text = 0x4002FFFF,
  blob = 0xFFFFFFFF
};

inline constexpr std::string_view kRecordType = "TTResultFormat_TTTRRecType", kRecordCount = "TTResult_NumberOfRecords",
                                  kGlobalResolution = "MeasDesc_GlobalResolution", kHeaderEnd = "Header_End";

enum class Records : std::uint8_t {
  picoharp,  // channel 4, time 28; channel 15: overflow where the low 4 bits of the time are 0, else markers
  hydra_v1,  // special 1, channel 6, time 25; special and 63: one overflow of 33 552 000
  hydra_v2   // the same; special and 63: as many overflows of 2^25 as the time says, 0 is 1
};
inline constexpr std::int64_t kPicoHarpWrap = 210'698'240, kHydraV1Wrap = 33'552'000, kHydraV2Wrap = 33'554'432;
inline constexpr std::uint32_t kGenericT2 = 0x00010207;

/// Channels of a pattern: input n+1 is bit n, markers 1..4 are bits 27..30, the sync input of a T2 record is bit 31
/// (on a PicoHarp it is channel 0 as any other).
inline constexpr unsigned kInputs = 27, kFirstMarker = 27, kSync = 31;

struct Header {
  Records records = Records::hydra_v2;
  std::uint64_t count = 0;
  TickLength tick;
};
/// Up to the first record. bad_input: no PTU, cut, a mode other than T2 (named), or without one of the tags above.
Result<Header> read_header(ByteInput& input);

/// Seconds as a whole number of millionths of a picosecond, in lowest terms. bad_input outside 1e-15..1e-3 s.
Result<TickLength> tick_of(double seconds);

}  // namespace nicol::files::ptu
