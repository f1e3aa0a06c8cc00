// SPDX-License-Identifier: Apache-2.0
// Progress with time left on a terminal, plain lines otherwise; always on stderr.
#pragma once

#include <chrono>
#include <string>

#include "controller/service/snapshot.hpp"

namespace nicol::app {

class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Redraws the status line (terminal only).
  void show(const service::Snapshot& snapshot);
  /// A line that stays.
  void line(const std::string& text);

 private:
  const bool terminal_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  bool drawn_ = false;
};

}  // namespace nicol::app
