// SPDX-License-Identifier: Apache-2.0
// Vector registers outlive the loop that loaded a key into them; the next signal frame or context would store them.
#pragma once

namespace nicol::secret::detail {

/// Zeroes every vector register of this thread (all of them are caller-saved). A few nanoseconds; nothing on
/// processors other than x86-64.
void clear_vector_registers() noexcept;

}  // namespace nicol::secret::detail
