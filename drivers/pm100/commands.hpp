// SPDX-License-Identifier: Apache-2.0
// What a PM100D understands.
#pragma once

#include <cstdint>
#include <string_view>

namespace nicol::pm100 {

inline constexpr std::uint16_t kVendor = 0x1313, kProduct = 0x8078;

inline constexpr std::string_view kErrorQuery = "SYST:ERR?";
inline constexpr std::string_view kPower = "MEAS:POW?";                         // W
inline constexpr std::string_view kStartZero = "SENS:CORR:COLL:ZERO";           // of the sensor, covered
inline constexpr std::string_view kZeroUnderWay = "SENS:CORR:COLL:ZERO:STAT?";  // 1 until done
inline constexpr std::string_view kZeroMagnitude = "SENS:CORR:COLL:ZERO:MAGN?";

/// A setting of the sensor: {} is the value; its range is the sensor's own.
struct Setting {
  std::string_view key, name, description, units, set, query, least, most;
};
inline constexpr Setting kWavelength{"wavelength",
                                     "wavelength",
                                     "of the light that is measured",
                                     "nm",
                                     "SENS:CORR:WAV {}",
                                     "SENS:CORR:WAV?",
                                     "SENS:CORR:WAV? MIN",
                                     "SENS:CORR:WAV? MAX"};
inline constexpr Setting kBeamDiameter{
    "beam_diameter",     "beam diameter",   "for power densities", "mm",
    "SENS:CORR:BEAM {}", "SENS:CORR:BEAM?", "SENS:CORR:BEAM? MIN", "SENS:CORR:BEAM? MAX"};

}  // namespace nicol::pm100
