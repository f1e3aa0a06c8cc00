// SPDX-License-Identifier: Apache-2.0
// nicol tool tags: what a recorded tag file holds, and other spellings of it.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "controller/app/commands.hpp"
#include "drivers/files/readevents_file.hpp"
#include "drivers/files/tag_summary.hpp"

namespace nicol::app {
namespace {

Result<files::ReadeventsForm> form_of(const std::string& name, const char* option) {
  if (const auto form = files::readevents_form(name)) return *form;
  return Error{Code::bad_input,
               fmt::format("{} {}: expected readevents, readevents-x or readevents-hex", option, name),
               "",
               0,
               {}};
}

nlohmann::json summary_json(const files::TagSummary& s) {
  nlohmann::json patterns = nlohmann::json::object();
  for (std::size_t p = 0; p < s.per_pattern.size(); ++p)
    if (s.per_pattern[p] > 0) patterns[std::to_string(p)] = s.per_pattern[p];
  return {{"events", s.events},
          {"dummies", s.dummies},
          {"per_pattern", patterns},
          {"span_ps", s.span.count},
          {"rate_hz", s.rate_hz},
          {"smallest_gap_ps", s.smallest_gap ? nlohmann::json(s.smallest_gap->count) : nlohmann::json(nullptr)},
          {"out_of_order", s.out_of_order},
          {"overflows", s.overflows}};
}

}  // namespace

Exit tool_tags(const ToolOptions& options, Context&) {
  const auto form = form_of(options.format, "--format");
  if (!form) return complain(form.error());
  const auto summary = files::summarise_readevents(options.input, *form);
  if (!summary) {
    Error e = summary.error();
    if (e.code == Code::not_found) e.code = Code::bad_input;
    return complain(e);
  }
  if (!options.to.empty()) {
    const auto to = form_of(options.to, "--to");
    if (!to) return complain(to.error());
    if (options.output.empty()) return complain({Code::bad_input, "--to needs --output", "", 0, {}});
    if (auto r = files::convert_readevents(options.input, *form, options.output, *to); !r) return complain(r.error());
  }
  fmt::print("{}\n", summary_json(*summary).dump());
  return Exit::done;
}

}  // namespace nicol::app
