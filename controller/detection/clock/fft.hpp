// SPDX-License-Identifier: Apache-2.0
// A radix-2 Fourier transform in place: no dependency, enough for a periodogram.
#pragma once

#include <complex>
#include <span>

namespace nicol::detection {

/// X_k = sum_j x_j exp(-2 pi i j k / N). N a power of two, at least 2.
void fourier(std::span<std::complex<float>> x);

}  // namespace nicol::detection
