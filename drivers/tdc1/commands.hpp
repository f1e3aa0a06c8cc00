// SPDX-License-Identifier: Apache-2.0
// What an S-Fifteen TDC1 is told and what it answers in text. Bytes in, values out; no port.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "drivers/hal/result.hpp"
#include "drivers/hal/time_tagger.hpp"

namespace nicol::tdc1 {

inline constexpr std::size_t kChannels = 4;
inline constexpr std::uint16_t kFifoOverflow = 0x10;  // of the status word

/// Commands end CR LF; the unit TDC1-0049 needs it twice.
enum class Terminator : std::uint8_t { once, twice };
std::string line(std::string_view command, Terminator terminator);

/// One comparator level for all four inputs. NIM and TTL are the device's own words for two of them.
struct InputLevel {
  enum class Standard : std::uint8_t { nim, ttl, volts };
  Standard standard = Standard::volts;
  Volts threshold{0.5};
  bool operator==(const InputLevel&) const = default;
};
/// NEG triggers on a falling edge below zero, POS on a rising one.
hal::Edge edge_of(const InputLevel& level) noexcept;
std::string level_command(const InputLevel& level);
/// "NIM", "TTL", or volts; bad_input names the text.
Result<InputLevel> parse_level_setting(std::string_view text);

enum class ReferenceClock : std::uint8_t { automatic, external, internal };  // REFCLK 0, 1, 2
std::string clock_command(ReferenceClock clock);

enum class Mode : std::uint8_t { singles, pairs, timestamp };

/// An endless stream of tags: "*RST;<level>;<clock>;time 0;timestamp;counts?".
std::string start_command(const InputLevel& level, ReferenceClock clock);
inline constexpr std::string_view kAbort = "abort";
inline constexpr std::string_view kStopAndAsk = "abort;status?";
/// Counts of the four inputs during so many milliseconds (1..65535), sent when they are over.
std::string singles_command(unsigned milliseconds);

// Replies. nullopt where the text is none.
bool is_tdc1(std::string_view identification);
std::optional<Mode> parse_mode(std::string_view reply);  // 0, 1, 3
/// Milliseconds. The device prints a 16-bit integer with a sign: 65535 comes as -1.
std::optional<unsigned> parse_time(std::string_view reply);
std::optional<std::uint16_t> parse_status(std::string_view reply);  // four hex digits
std::optional<std::array<std::uint64_t, kChannels>> parse_singles(std::string_view reply);
std::optional<double> parse_volts(std::string_view reply);  // "-0.500 ..." of level?

}  // namespace nicol::tdc1
