// SPDX-License-Identifier: Apache-2.0
// How emulated instruments read SCPI: long and short words, optional nodes, an error queue. The device's side, on its
// own.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/hal/units.hpp"

namespace nicol::sim {

/// Header, question mark, parameters.
struct ScpiCommand {
  std::string header, parameter;
  bool is_query = false;
};
/// The commands of one line, parted by semicolons.
std::vector<ScpiCommand> scpi_commands(std::string_view line);

/// Whether a header as it was sent means the pattern "SOURce1:CURRent[:LEVel]": either form of a word in either case;
/// an ending 1 may be left out; nodes in brackets too.
bool scpi_matches(std::string_view pattern, std::string_view header);
std::optional<double> scpi_number(std::string_view text);

class ScpiErrorQueue {
 public:
  void put(int number, std::string text);
  std::string take();  // "+0,'No error'" when it is empty
  void clear() { entries_.clear(); }

 private:
  std::deque<std::string> entries_;
};

/// What stands behind a carrier of messages. One line in, what it answers out (nothing where it does not).
class ScpiInstrument {
 public:
  virtual ~ScpiInstrument() = default;
  virtual std::string execute(std::string_view line, Picoseconds now) = 0;
  /// The carrier's cable was pulled and put back.
  virtual void cable_pulled() = 0;
};

}  // namespace nicol::sim
