// SPDX-License-Identifier: Apache-2.0
#include "sim/emulators/scpi_text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

namespace nicol::sim {
namespace {

constexpr std::size_t kLongestQueue = 16;

char upper(char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

struct Node {
  std::string long_form, short_form, suffix;
  bool optional = false;
};

std::vector<Node> nodes_of(std::string_view pattern) {
  std::vector<Node> nodes;
  bool optional = false, open = false;
  for (const char c : pattern) {
    if (c == '[') {
      optional = true;
    } else if (c == ']') {
      optional = false;
    } else if (c == ':') {
      open = false;
    } else {
      if (!open) nodes.push_back({"", "", "", optional});
      open = true;
      Node& node = nodes.back();
      if (is_digit(c)) {
        node.suffix += c;
        continue;
      }
      node.long_form += upper(c);
      if (std::islower(static_cast<unsigned char>(c)) == 0) node.short_form += c;
    }
  }
  return nodes;
}

bool is_node(const Node& node, std::string_view word) {
  std::size_t letters = word.size();
  while (letters > 0 && is_digit(word[letters - 1])) --letters;
  const std::string_view name = word.substr(0, letters), suffix = word.substr(letters);
  const bool numbered =
      suffix == node.suffix || (suffix.empty() && node.suffix == "1") || (suffix == "1" && node.suffix.empty());
  return numbered && (name == node.long_form || name == node.short_form);
}

bool matches(const std::vector<Node>& nodes, std::size_t at, const std::vector<std::string>& words, std::size_t word) {
  if (at == nodes.size()) return word == words.size();
  if (word < words.size() && is_node(nodes[at], words[word]) && matches(nodes, at + 1, words, word + 1)) return true;
  return nodes[at].optional && matches(nodes, at + 1, words, word);
}

}  // namespace

std::vector<ScpiCommand> scpi_commands(std::string_view line) {
  std::vector<ScpiCommand> commands;
  while (!trimmed(line).empty()) {
    const std::size_t end = std::min(line.find(';'), line.size());
    const std::string_view one = trimmed(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
    if (one.empty()) continue;
    const std::size_t space = std::min(one.find(' '), one.size());
    ScpiCommand command;
    command.header = one.substr(0, space);
    command.parameter = trimmed(one.substr(space));
    command.is_query = command.header.ends_with('?');
    if (command.is_query) command.header.pop_back();
    if (command.header.starts_with(':')) command.header.erase(0, 1);
    commands.push_back(std::move(command));
  }
  return commands;
}

bool scpi_matches(std::string_view pattern, std::string_view header) {
  std::vector<std::string> words(1);
  for (const char c : header) {
    if (c == ':')
      words.emplace_back();
    else
      words.back() += upper(c);
  }
  return matches(nodes_of(pattern), 0, words, 0);
}

std::optional<double> scpi_number(std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (copy.empty() || *end != '\0' || !std::isfinite(value)) return std::nullopt;
  return value;
}

void ScpiErrorQueue::put(int number, std::string text) {
  if (entries_.size() + 1 < kLongestQueue)
    entries_.push_back(fmt::format("{:+},'{}'", number, text));
  else if (entries_.size() < kLongestQueue)
    entries_.push_back("-350,'Queue overflow'");
}

std::string ScpiErrorQueue::take() {
  if (entries_.empty()) return "+0,'No error'";
  std::string first = std::move(entries_.front());
  entries_.pop_front();
  return first;
}

}  // namespace nicol::sim
