// SPDX-License-Identifier: Apache-2.0
// Runs the real nicol as a user would: arguments in, exit code, stdout and stderr out.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/folder.hpp"

namespace nicol::test {

struct Outcome {
  int exit = -1;  // 128 + signal when killed
  std::string out, err;
};

/// Who the child is and what it may lock.
struct As {
  bool ordinary_user = false;             // uid and gid 65534; needs root
  std::optional<std::size_t> lock_limit;  // RLIMIT_MEMLOCK, bytes
  std::vector<std::string> environment;   // NAME=value, added
};

/// A child whose output is collected; killed when it is destroyed while still running.
class Program {
 public:
  Program(std::filesystem::path executable, std::vector<std::string> arguments, As as = {});
  ~Program();
  Program(Program&& other) noexcept;
  Program& operator=(Program&&) = delete;
  pid_t pid() const { return pid_; }
  void kill(int signal);
  /// Reads until the child ends or the patience is over (then it is killed).
  Outcome wait(std::chrono::seconds patience = std::chrono::seconds(120));
  bool running();

 private:
  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;
  Outcome collected_;
};

std::filesystem::path nicol_program();
Outcome nicol(std::vector<std::string> arguments, As as = {});

/// A folder of its own, removed at the end.
void write_file(const std::filesystem::path& file, const std::string& text);
std::string read_file(const std::filesystem::path& file);
/// Replaces the first occurrence; throws when there is none.
void edit_file(const std::filesystem::path& file, const std::string& from, const std::string& to);

}  // namespace nicol::test
