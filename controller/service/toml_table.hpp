// SPDX-License-Identifier: Apache-2.0
// Strict reading of one TOML table: wrong types, values out of range and unknown keys become errors that name file,
// line, field and what was expected.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// As in every room that reads TOML: two modes of toml++ in one program break its one-definition rule.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "drivers/hal/result.hpp"

namespace nicol::service {

/// Collects the first error; every getter returns the default once something failed, so that callers read straight on.
class TomlTable {
 public:
  TomlTable(const toml::table* table, std::string file, std::string name)
      : table_(table), file_(std::move(file)), name_(std::move(name)) {}

  std::string text(std::string_view key, std::string fallback);
  std::string one_of(std::string_view key, std::vector<std::string> allowed, std::string fallback);
  double number(std::string_view key, double min, double max, double fallback);
  std::uint64_t integer(std::string_view key, std::uint64_t min, std::uint64_t max, std::uint64_t fallback);
  bool boolean(std::string_view key, bool fallback);
  bool has(std::string_view key) const { return table_ != nullptr && table_->contains(key); }
  TomlTable sub(std::string_view key);
  const toml::node* raw(std::string_view key);
  void fail(std::string_view key, std::string expected);
  /// The same, of a node inside the key's value.
  void fail_at(const toml::node& node, std::string_view key, std::string expected);
  /// What was wrong in a table inside of this one.
  void fail_with(Error error);
  /// "FILE:LINE: table.key", as errors begin.
  std::string place(const toml::node* node, std::string_view key) const;
  /// The first error, else an unknown key, else nothing.
  Result<void> done();

 private:
  const toml::node* find(std::string_view key);

  const toml::table* table_;
  std::string file_, name_;
  std::vector<std::string> known_;
  std::optional<Error> error_;
};

/// Parses a file; syntax errors carry file and line.
Result<toml::table> parse_toml_file(const std::string& path);

}  // namespace nicol::service
