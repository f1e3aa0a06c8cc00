// SPDX-License-Identifier: Apache-2.0
#include "controller/service/toml_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace nicol::service {

const toml::node* TomlTable::find(std::string_view key) {
  known_.emplace_back(key);
  return table_ == nullptr || error_ ? nullptr : table_->get(key);
}

std::string TomlTable::place(const toml::node* node, std::string_view key) const {
  const auto line = node != nullptr ? node->source().begin.line : table_ != nullptr ? table_->source().begin.line : 0;
  const std::string field = name_.empty() ? std::string(key) : fmt::format("{}.{}", name_, key);
  return fmt::format("{}:{}: {}", file_, line, field);
}

void TomlTable::fail(std::string_view key, std::string expected) {
  if (error_) return;
  const toml::node* node = table_ != nullptr ? table_->get(key) : nullptr;
  error_ = Error{Code::bad_input, fmt::format("{}: expected {}", place(node, key), expected), "", 0, {}};
}

void TomlTable::fail_at(const toml::node& node, std::string_view key, std::string expected) {
  if (error_) return;
  error_ = Error{Code::bad_input, fmt::format("{}: expected {}", place(&node, key), expected), "", 0, {}};
}

void TomlTable::fail_with(Error error) {
  if (!error_) error_ = std::move(error);
}

std::string TomlTable::text(std::string_view key, std::string fallback) {
  const toml::node* node = find(key);
  if (node == nullptr) return fallback;
  if (const auto v = node->value_exact<std::string>()) return *v;
  fail(key, "text in quotes");
  return fallback;
}

std::string TomlTable::one_of(std::string_view key, std::vector<std::string> allowed, std::string fallback) {
  std::string v = text(key, fallback);
  if (std::find(allowed.begin(), allowed.end(), v) != allowed.end()) return v;
  fail(key, fmt::format("one of {} (found \"{}\")", fmt::join(allowed, ", "), v));
  return fallback;
}

double TomlTable::number(std::string_view key, double min, double max, double fallback) {
  const toml::node* node = find(key);
  if (node == nullptr) return fallback;
  const auto v = node->value<double>();
  if (v && *v >= min && *v <= max) return *v;
  fail(key, fmt::format("a number from {} to {}", min, max));
  return fallback;
}

std::uint64_t TomlTable::integer(std::string_view key, std::uint64_t min, std::uint64_t max, std::uint64_t fallback) {
  const toml::node* node = find(key);
  if (node == nullptr) return fallback;
  const auto v = node->value_exact<std::int64_t>();
  if (v && *v >= 0 && static_cast<std::uint64_t>(*v) >= min && static_cast<std::uint64_t>(*v) <= max)
    return static_cast<std::uint64_t>(*v);
  fail(key, fmt::format("a whole number from {} to {}", min, max));
  return fallback;
}

bool TomlTable::boolean(std::string_view key, bool fallback) {
  const toml::node* node = find(key);
  if (node == nullptr) return fallback;
  if (const auto v = node->value_exact<bool>()) return *v;
  fail(key, "true or false");
  return fallback;
}

TomlTable TomlTable::sub(std::string_view key) {
  const toml::node* node = find(key);
  if (node != nullptr && node->as_table() == nullptr) fail(key, "a table");
  return TomlTable(node != nullptr ? node->as_table() : nullptr, file_,
                   name_.empty() ? std::string(key) : fmt::format("{}.{}", name_, key));
}

const toml::node* TomlTable::raw(std::string_view key) { return find(key); }

Result<void> TomlTable::done() {
  if (error_) return *error_;
  if (table_ == nullptr) return {};
  for (const auto& [key, node] : *table_)
    if (std::find(known_.begin(), known_.end(), key.str()) == known_.end())
      return Error{Code::bad_input,
                   fmt::format("{}: unknown key; known here: {}", place(&node, key.str()), fmt::join(known_, ", ")),
                   "",
                   0,
                   {}};
  return {};
}

Result<toml::table> parse_toml_file(const std::string& path) {
  auto parsed = toml::parse_file(path);
  if (parsed) return std::move(parsed).table();
  const auto line = parsed.error().source().begin.line;
  const auto where = line > 0 ? fmt::format("{}:{}", path, line) : path;
  return Error{Code::bad_input, fmt::format("{}: {}", where, parsed.error().description()), "", 0, {}};
}

}  // namespace nicol::service
