// SPDX-License-Identifier: Apache-2.0
// nicol replay --alice F --bob F: two foreign recordings of a pair source through the offline half: what the key would
// have been.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "controller/app/offline_key.hpp"
#include "controller/app/pair_files.hpp"
#include "controller/detection/pairs/pair_sifter.hpp"

namespace nicol::app {
namespace {

using namespace detection::pairs;
using distillation::AbortReason;
using nlohmann::json;

constexpr std::uint64_t kMostBlockBits = std::uint64_t{1} << 24;

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

Result<PairState> state_of(const std::string& text) {
  if (text == "psi-minus") return PairState::psi_minus;
  if (text == "phi-plus") return PairState::phi_plus;
  return Error{Code::bad_input, fmt::format("--state {}: expected psi-minus or phi-plus", text), "", 0, {}};
}

Result<json> offline(const ToolOptions& options, const Context& context) {
  const auto state = state_of(options.state);
  if (!state) return state.error();
  if (options.bits < 1000 || options.bits > kMostBlockBits)
    return Error{
        Code::bad_input, fmt::format("--block-bits {}: expected 1000 to {}", options.bits, kMostBlockBits), "", 0, {}};
  PairSifter sifter(*state, MultiClicks::random, os_random_word());
  json blocks = json::array();
  std::uint64_t secret = 0;
  OfflineBlocks collected(static_cast<std::size_t>(options.bits), {}, [&](const OfflineResult& r) {
    blocks.push_back(block_json(r));
    secret += r.length ? r.length->secret_bits : 0;
  });
  const auto report = track_files(options, context, [&](Coincidences pairs) -> Result<void> {
    for (const Coincidence& pair : pairs)
      if (const auto bits = sifter(pair))
        if (auto r = collected.add(bits->basis, bits->alice, bits->bob); !r) return r;
    return {};
  });
  if (!report) return report.error();
  if (auto r = collected.finish(); !r) return std::move(r).error();
  json j = sync_json(*report);
  j["schema"] = "nicol.offline/1";
  j["blocks"] = std::move(blocks);
  j["would_be_secret_bits"] = secret;
  return j;
}

void print_text(const json& j) {
  fmt::print("{} coincidences, {} accidentals\n", j["coincidences"].dump(), j["accidentals"].dump());
  for (const json& b : j["blocks"])
    fmt::print("  {} sifted bits, QBER {} / {}: {} secret bits would have been made{}\n", b["sifted_bits"].dump(),
               b["qber"]["rectilinear"].dump(), b["qber"]["diagonal"].dump(), b["would_be_secret_bits"].dump(),
               b["no_key_because"].is_null() ? "" : fmt::format(" ({})", b["no_key_because"].get<std::string>()));
  fmt::print("{} secret bits in all; no key was made\n", j["would_be_secret_bits"].dump());
}

}  // namespace

Exit replay_foreign(const ToolOptions& options, Context& context) {
  const auto said = offline(options, context);
  if (!said) return complain(said.error());
  if (context.output == Output::json)
    fmt::print("{}\n", said->dump(2));
  else
    print_text(*said);
  return (*said)["would_be_secret_bits"] > 0 ? Exit::done : Exit::failed;
}

}  // namespace nicol::app
