// SPDX-License-Identifier: Apache-2.0
// TOML text to Scenario; the one file that knows toml++. Every refusal names file, line, key and what was expected.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include "sim/scenario/fields.hpp"

namespace nicol::sim {
namespace {

struct Reader {
  std::string_view file;
  Scenario scenario;
  std::vector<Field> fields;
  const toml::table* root = nullptr;
  std::set<std::string> seen;

  Error error(const toml::source_region& where, const std::string& message) const {
    return {Code::bad_input, fmt::format("{}:{}: {}", file, where.begin.line, message), {}, 0, {}};
  }
  Error error(const toml::node& node, const Field& field, const std::string& expected) const {
    return error(node.source(), fmt::format("{}: expected {}, got {}", field.full_name(), expected, shown(node)));
  }
  static std::string shown(const toml::node& node) {
    std::ostringstream out;
    node.visit([&](const auto& n) {
      if constexpr (toml::is_string<decltype(n)>)
        out << '"' << n.get() << '"';
      else if constexpr (toml::is_value<decltype(n)>)
        out << n;
      else
        out << (n.is_table() ? "a table" : "a list");
    });
    return out.str();
  }

  Result<void> read_table(const toml::table& table, const std::string& name);
  Result<void> read_key(const toml::node& node, Field& field);
  Result<double> number(const toml::node& node, const Field& field) const;
  template <std::size_t N>
  Result<void> numbers(const toml::node& node, const Field& field, std::array<double, N>& out) const;
  Result<void> detectors(const toml::node& node, const Field& field, const PerDetector& per);
  bool required(const Field& field) const;
  Result<void> word(const toml::node& node, const Field& field, const Choice& choice);
  Result<void> receiver_first();
  Result<void> format() const;
  Result<void> required() const;
  Result<void> consistent() const;
};

std::string range_text(const Field& field) {
  return fmt::format("a number from {:g} to {:g}", field.least, field.most);
}

Result<double> Reader::number(const toml::node& node, const Field& field) const {
  const auto value = node.is_number() ? node.value<double>() : std::nullopt;
  if (!value || !std::isfinite(*value) || *value < field.least || *value > field.most)
    return error(node, field, range_text(field));
  return *value;
}

template <std::size_t N>
Result<void> Reader::numbers(const toml::node& node, const Field& field, std::array<double, N>& out) const {
  const toml::array* list = node.as_array();
  const std::string expected =
      fmt::format("{}{} numbers from {:g} to {:g}", N == 4 ? "one number or " : "", N, field.least, field.most);
  if (!list && N != 4) return error(node, field, expected);
  if (list && list->size() != N) return error(node, field, expected);
  for (std::size_t i = 0; i < N; ++i) {
    const auto value = number(list ? (*list)[i] : node, field);
    if (!value.ok()) return value.error();
    out[i] = *value;
  }
  return {};
}

Result<void> Reader::detectors(const toml::node& node, const Field& field, const PerDetector& per) {
  const toml::array* list = node.as_array();
  auto& all = *per.detectors;
  if (list && list->size() != all.size())
    return error(node, field, fmt::format("one number or {} (one a detector)", all.size()));
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto value = number(list ? (*list)[i] : node, field);
    if (!value.ok()) return value.error();
    all[i].*per.member = *value;
  }
  return {};
}

Result<void> Reader::word(const toml::node& node, const Field& field, const Choice& choice) {
  const auto value = node.value<std::string_view>();
  const auto at = value ? std::find(choice.words.begin(), choice.words.end(), *value) : choice.words.end();
  if (at == choice.words.end()) return error(node, field, fmt::format("one of {}", fmt::join(choice.words, ", ")));
  choice.set(scenario, static_cast<std::size_t>(at - choice.words.begin()));
  return {};
}

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

Result<void> Reader::read_key(const toml::node& node, Field& field) {
  seen.insert(field.full_name());
  const auto whole = [&](auto* out) -> Result<void> {
    const auto value = number(node, field);
    if (!value.ok() || !node.is_integer()) return error(node, field, "a whole number, " + range_text(field).substr(9));
    *out = static_cast<std::remove_pointer_t<decltype(out)>>(*node.value<std::int64_t>());
    return {};
  };
  return std::visit(
      Overloaded{[&](double* out) -> Result<void> {
                   const auto value = number(node, field);
                   if (!value.ok()) return value.error();
                   *out = *value;
                   return {};
                 },
                 [&](std::uint32_t* out) { return whole(out); }, [&](std::uint64_t* out) { return whole(out); },
                 [&](std::string* out) -> Result<void> {
                   if (!node.is_string()) return error(node, field, "a text");
                   *out = *node.value<std::string>();
                   return {};
                 },
                 [&](bool* out) -> Result<void> {
                   if (!node.is_boolean()) return error(node, field, "true or false");
                   *out = *node.value<bool>();
                   return {};
                 },
                 [&](std::array<double, 4>* out) { return numbers(node, field, *out); },
                 [&](std::array<double, 3>* out) { return numbers(node, field, *out); },
                 [&](const Choice& choice) { return word(node, field, choice); },
                 [&](const PerDetector& per) { return detectors(node, field, per); }},
      field.target);
}

Result<void> Reader::read_table(const toml::table& table, const std::string& name) {
  for (const auto& [key, node] : table) {
    const std::string full = name.empty() ? std::string(key.str()) : name + "." + std::string(key.str());
    if (full == "format") continue;
    const auto field =
        std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.full_name() == full; });
    if (field != fields.end()) {
      if (auto ok = read_key(node, *field); !ok.ok()) return ok;
      continue;
    }
    const bool known_table = std::any_of(fields.begin(), fields.end(), [&](const Field& f) {
      return f.table == full || f.table.starts_with(full + ".");
    });
    if (!known_table) return error(key.source(), full + ": unknown key; `template` lists all keys");
    if (!node.is_table()) return error(key.source(), full + ": expected a table");
    if (auto ok = read_table(*node.as_table(), full); !ok.ok()) return ok;
  }
  return {};
}

/// The number of detectors must be known before their keys are read.
Result<void> Reader::receiver_first() {
  const auto type = (*root)["receiver"]["type"].value<std::string_view>();
  scenario.receiver.kind = type == "active" ? hal::ReceiverKind::active : hal::ReceiverKind::passive;
  scenario.receiver.detectors.resize(type == "active" ? 2 : 4);
  scenario.alice.receiver.detectors.resize(4);
  return {};
}

Result<void> Reader::format() const {
  const toml::node* node = root->get("format");
  if (!node)
    return Error{
        Code::bad_input, fmt::format("{}:1: format: missing; expected format = {}", file, kScenarioFormat), {}, 0, {}};
  const auto value = node->value<std::int64_t>();
  if (node->is_integer() && *value == kScenarioFormat) return {};
  const bool newer = node->is_integer() && *value > kScenarioFormat;
  return error(node->source(), fmt::format("format: expected {}, got {}{}", kScenarioFormat, shown(*node),
                                           newer ? " (written for a newer Nicol)" : ""));
}

/// A source of pairs prepares no photon.
bool Reader::required(const Field& field) const {
  const bool prepares = field.table == "source" && (field.key == "mean_photon_number" || field.key == "g2");
  return field.required && !(prepares && makes_pairs(scenario.source.type));
}

Result<void> Reader::required() const {
  for (const Field& field : fields)
    if (required(field) && !seen.contains(field.full_name()))
      return Error{Code::bad_input, fmt::format("{}:1: {}: missing", file, field.full_name()), {}, 0, {}};
  return {};
}

Result<void> Reader::consistent() const {
  auto ok = validate(scenario);
  if (ok.ok()) return ok;
  const std::string key = ok.error().message.substr(0, ok.error().message.find(':'));
  const auto node = root->at_path(key);
  return Error{Code::bad_input,
               fmt::format("{}:{}: {}", file, node ? node.node()->source().begin.line : 1, ok.error().message),
               {},
               0,
               {}};
}

}  // namespace

Result<Scenario> parse_scenario(std::string_view text, std::string_view file) {
  const toml::parse_result parsed = toml::parse(text, file);
  if (!parsed)
    return Error{Code::bad_input,
                 fmt::format("{}:{}: {}", file, parsed.error().source().begin.line, parsed.error().description()),
                 {},
                 0,
                 {}};
  Reader reader{file, {}, {}, &parsed.table(), {}};
  reader.scenario.file = file;
  reader.fields = scenario_fields(reader.scenario);
  if (auto ok = reader.format(); !ok.ok()) return ok.error();
  if (auto ok = reader.receiver_first(); !ok.ok()) return ok.error();
  if (auto ok = reader.read_table(parsed.table(), ""); !ok.ok()) return ok.error();
  if (auto ok = reader.required(); !ok.ok()) return ok.error();
  if (auto ok = reader.consistent(); !ok.ok()) return ok.error();
  return std::move(reader.scenario);
}

}  // namespace nicol::sim
