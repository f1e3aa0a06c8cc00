// SPDX-License-Identifier: Apache-2.0
// Histograms and other plain arrays as NumPy's .npy files (format 1.0), for whoever plots or fits them elsewhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "drivers/hal/result.hpp"

namespace nicol::files {

/// Row by row (C order); the product of `shape` is the number of values, else bad_input. The file appears whole or not
/// at all. dtype '<u8' and '<f8'.
Result<void> write_npy(const std::filesystem::path& path, std::span<const std::uint64_t> values,
                       std::span<const std::size_t> shape);
Result<void> write_npy(const std::filesystem::path& path, std::span<const double> values,
                       std::span<const std::size_t> shape);

}  // namespace nicol::files
