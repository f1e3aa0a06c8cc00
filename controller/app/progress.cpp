// SPDX-License-Identifier: Apache-2.0
#include "controller/app/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace nicol::app {

Progress::Progress() : terminal_(isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
}

void Progress::show(const service::Snapshot& s) {
  if (!terminal_ || s.blocks_wanted == 0) return;
  const double within = s.block_slots == 0 ? 0 : static_cast<double>(s.slots_done) / static_cast<double>(s.block_slots);
  const bool endless = s.blocks_wanted == ~std::uint64_t{0};
  const double running = s.blocks_done < s.blocks_wanted && s.slots_done < s.block_slots ? within : 0;
  const double share =
      endless ? 0
              : std::min(1.0, (static_cast<double>(s.blocks_done) + running) / static_cast<double>(s.blocks_wanted));
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const std::string left = share > 0.01 ? fmt::format(", {:.0f} s left", elapsed * (1 - share) / share) : std::string();
  fmt::print(stderr, "\r\x1b[K{}  block {}{}  {:3.0f} %  {}  {} secret bits{}", to_string(s.state), s.blocks_done + 1,
             endless ? std::string() : fmt::format("/{}", s.blocks_wanted), 100 * within, s.session_state,
             s.secret_bits_total, left);
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::line(const std::string& text) {
  fmt::print(stderr, "{}{}\n", drawn_ ? "\r\x1b[K" : "", text);
  drawn_ = false;
}

}  // namespace nicol::app
