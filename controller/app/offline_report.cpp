// SPDX-License-Identifier: Apache-2.0
#include "controller/app/offline_report.hpp"

#include <fmt/format.h>

namespace nicol::app {
namespace {

using distillation::AbortReason;
using nlohmann::json;

constexpr std::uint64_t kFewestBlockBits = 1000, kMostBlockBits = std::uint64_t{1} << 24;

json rate(const distillation::BasisCounts& c) {
  return c.bits == 0 ? json(nullptr) : json(static_cast<double>(c.errors) / static_cast<double>(c.bits));
}

std::string_view reason(const OfflineResult& r) {
  switch (r.abort) {
    case AbortReason::qber:
      return "qber";
    case AbortReason::no_proof:
      return "no_proof";
    case AbortReason::too_few:
      return "too_few";
    case AbortReason::none:
      break;
  }
  if (!r.verified) return "verification";
  return r.length && r.length->secret_bits > 0 ? "" : "too_few";
}

json block_json(const OfflineResult& r) {
  const std::string_view why = reason(r);
  json j{{"sifted_bits", r.facts.sifted[0] + r.facts.sifted[1]},
         {"sample_bits", r.facts.sample[0].bits + r.facts.sample[1].bits},
         {"qber", {{"rectilinear", rate(r.facts.sample[0])}, {"diagonal", rate(r.facts.sample[1])}}},
         {"leak_ec_bits", r.parity_bits},
         {"errors_corrected", r.errors_corrected},
         {"f_ec", r.f_ec ? json(*r.f_ec) : json(nullptr)},
         {"no_key_because", why.empty() ? json(nullptr) : json(why)},
         {"would_be_secret_bits", r.length ? r.length->secret_bits : 0}};
  j["keylength"] = r.length ? json::parse(r.length->keylength_case, nullptr, false) : json(nullptr);
  j["notes"] = r.length ? json(r.length->notes) : json::array();
  return j;
}

}  // namespace

Result<void> check_block_bits(std::uint64_t bits) {
  if (bits >= kFewestBlockBits && bits <= kMostBlockBits) return {};
  return Error{Code::bad_input,
               fmt::format("--block-bits {}: expected {} to {}", bits, kFewestBlockBits, kMostBlockBits),
               "",
               0,
               {}};
}

void OfflineReport::take(const OfflineResult& result) {
  blocks_.push_back(block_json(result));
  secret_bits_ += result.length ? result.length->secret_bits : 0;
}

json OfflineReport::document(json recordings) && {
  recordings["schema"] = "nicol.offline/1";
  recordings["blocks"] = std::move(blocks_);
  recordings["would_be_secret_bits"] = secret_bits_;
  return recordings;
}

void print_offline(const std::string& head, const json& document) {
  fmt::print("{}\n", head);
  for (const json& b : document["blocks"])
    fmt::print("  {} sifted bits, QBER {} / {}: {} secret bits would have been made{}\n", b["sifted_bits"].dump(),
               b["qber"]["rectilinear"].dump(), b["qber"]["diagonal"].dump(), b["would_be_secret_bits"].dump(),
               b["no_key_because"].is_null() ? "" : fmt::format(" ({})", b["no_key_because"].get<std::string>()));
  fmt::print("{} secret bits in all; no key was made\n", document["would_be_secret_bits"].dump());
}

Exit offline_exit(const json& document) { return document["would_be_secret_bits"] > 0 ? Exit::done : Exit::failed; }

}  // namespace nicol::app
