// SPDX-License-Identifier: Apache-2.0
// Eve on the quantum channel: she measures a fraction of the slots, sends on what she saw, and keeps a notebook.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/hal/result.hpp"

namespace nicol::sim {

enum class EveKind : std::uint8_t {
  none,
  intercept_resend,
  intercept_resend_rectilinear,
  intercept_resend_diagonal,
  breidbart
};
std::string_view to_string(EveKind kind) noexcept;

struct EveOptions {
  EveKind kind = EveKind::none;
  double fraction = 1.0;
};
/// "intercept-resend:0.2". bad_input names what is known; a KIND of DESIGN.md 8 that is not built yet is not_supported.
Result<EveOptions> parse_eve(std::string_view text);

/// What she knows of one attacked slot that reached Bob's side: her analyser angle and outcome.
struct EveNote {
  std::uint32_t block = 0;  // begin_block() count of the source, from 0
  std::uint64_t slot = 0;
  std::uint8_t basis = 0;          // 0 rectilinear, 1 diagonal, 2 Breidbart
  std::uint8_t guess[2] = {0, 0};  // her best guess of Alice's bit if Alice's basis was rectilinear / diagonal
};
struct EveRecord {
  std::vector<EveNote> notes;
};

}  // namespace nicol::sim
