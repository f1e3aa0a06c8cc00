// SPDX-License-Identifier: Apache-2.0
// nicol calibrate report: the page in a file, or the same as JSON.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "controller/app/calibration_page.hpp"
#include "controller/app/calibration_place.hpp"

namespace nicol::app {
namespace {

/// Of the pre-shared key, which is public: both nodes of a link show the same.
std::string fingerprint(const keystore::KeyStore& store) {
  std::string out;
  for (const std::uint8_t b : store.preshared_fingerprint()) out += fmt::format("{:02x}", b);
  return out;
}

Result<void> write(const std::filesystem::path& file, const std::string& page) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << page;
  out.close();
  if (out) return {};
  return Error{Code::io, fmt::format("{}: cannot be written", file.string()), "", 0, {}};
}

}  // namespace

Exit calibration_report(const CalibrateOptions& options, Context& context) {
  const auto place = calibration_place(options);
  if (!place) return complain(place.error());
  if (!std::filesystem::exists(place->state))
    return complain(
        {Code::bad_input, fmt::format("{}: there is no such state folder", place->state.string()), "", 0, {}});
  const auto books = open_books(*place);
  if (!books) return complain(books.error());
  service::CalibrationSummary summary = service::summarise(books->records, books->policy, unix_now());
  summary.version = kVersion;
  summary.node = place->state.lexically_normal().string();
  summary.sealed_by = fmt::format("the key store of that folder, pre-shared key {}", fingerprint(*books->store));
  const bool json = context.output == Output::json;
  std::filesystem::path out = options.out;
  if (out.empty() && !json) out = "calibration-report.html";
  if (!out.empty())
    if (auto written = write(out, calibration_page(summary)); !written) return complain(written.error());
  if (json)
    fmt::print("{}\n", to_json(summary).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  else
    fmt::print("{}\n", out.string());
  return Exit::done;
}

}  // namespace nicol::app
