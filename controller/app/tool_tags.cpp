// SPDX-License-Identifier: Apache-2.0
// nicol tool tags: what a recorded tag file holds, and the same in another format.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "controller/app/commands.hpp"
#include "drivers/files/readevents_file.hpp"
#include "drivers/files/tag_file_writer.hpp"
#include "drivers/files/tag_summary.hpp"

namespace nicol::app {
namespace {

using files::FileFormat;

Result<FileFormat> format_of(const std::string& name, const char* option) {
  if (const auto format = files::file_format(name)) return *format;
  return Error{
      Code::bad_input, fmt::format("{} {}: expected one of {}", option, name, files::file_format_names()), "", 0, {}};
}

nlohmann::json summary_json(const files::TagSummary& s) {
  nlohmann::json patterns = nlohmann::json::object();
  for (const auto& [pattern, count] : s.per_pattern) patterns[std::to_string(pattern)] = count;
  return {{"events", s.events},
          {"dummies", s.dummies},
          {"per_pattern", patterns},
          {"span_ps", s.span.count},
          {"rate_hz", s.rate_hz},
          {"smallest_gap_ps", s.smallest_gap ? nlohmann::json(s.smallest_gap->count) : nlohmann::json(nullptr)},
          {"out_of_order", s.out_of_order},
          {"overflows", s.overflows}};
}

Result<files::TagSummary> summary_of(const ToolOptions& options, FileFormat format) {
  auto file = files::TagFile::open(options.input, format);
  if (!file) return std::move(file).error();
  return files::summarise(*file);
}

/// Between spellings of one word nothing is lost, not even the bits that nobody reads.
Result<files::NotWritten> convert(const ToolOptions& options, FileFormat from, FileFormat to) {
  const auto from_form = files::readevents_form(files::to_string(from));
  const auto to_form = files::readevents_form(files::to_string(to));
  if (from_form && to_form) {
    const auto words = files::convert_readevents(options.input, *from_form, options.output, *to_form);
    if (!words) return words.error();
    return files::NotWritten{};
  }
  auto file = files::TagFile::open(options.input, from);
  if (!file) return std::move(file).error();
  return files::convert(*file, options.output, to);
}

Result<void> write_other(const ToolOptions& options, FileFormat from) {
  const auto to = format_of(options.to, "--to");
  if (!to) return to.error();
  if (options.output.empty()) return Error{Code::bad_input, "--to needs --output", "", 0, {}};
  const auto missing = convert(options, from, *to);
  if (!missing) return missing.error();
  const std::string text = missing->text();
  if (!text.empty()) fmt::print(stderr, "{} does not hold: {}\n", options.output.string(), text);
  return {};
}

}  // namespace

Exit tool_tags(const ToolOptions& options, Context&) {
  const auto format = format_of(options.format, "--format");
  if (!format) return complain(format.error());
  const auto summary = summary_of(options, *format);
  if (!summary) {
    Error e = summary.error();
    if (e.code == Code::not_found) e.code = Code::bad_input;
    return complain(e);
  }
  if (!options.to.empty())
    if (auto r = write_other(options, *format); !r) return complain(r.error());
  fmt::print("{}\n", summary_json(*summary).dump());
  return Exit::done;
}

}  // namespace nicol::app
