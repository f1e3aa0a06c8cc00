// SPDX-License-Identifier: Apache-2.0
// nicol replay --alice F --bob F: two foreign recordings of a pair source through the offline half: what the key would
// have been.
#include <fmt/format.h>

#include "controller/app/offline_report.hpp"
#include "controller/app/pair_files.hpp"
#include "controller/detection/pairs/pair_sifter.hpp"

namespace nicol::app {
namespace {

using namespace detection::pairs;
using nlohmann::json;

Result<PairState> state_of(const std::string& text) {
  if (text == "psi-minus") return PairState::psi_minus;
  if (text == "phi-plus") return PairState::phi_plus;
  return Error{Code::bad_input, fmt::format("--state {}: expected psi-minus or phi-plus", text), "", 0, {}};
}

Result<json> offline(const ToolOptions& options, const Context& context) {
  const auto state = state_of(options.state);
  if (!state) return state.error();
  if (auto fits = check_block_bits(options.bits); !fits) return std::move(fits).error();
  PairSifter sifter(*state, MultiClicks::random, os_random_word());
  OfflineReport results;
  OfflineBlocks collected(static_cast<std::size_t>(options.bits), {}, [&](const OfflineResult& r) { results.take(r); });
  const auto report = track_files(options, context, [&](Coincidences pairs) -> Result<void> {
    for (const Coincidence& pair : pairs)
      if (const auto bits = sifter(pair))
        if (auto r = collected.add(bits->basis, bits->alice, bits->bob); !r) return r;
    return {};
  });
  if (!report) return report.error();
  if (auto r = collected.finish(); !r) return std::move(r).error();
  return std::move(results).document(sync_json(*report));
}

}  // namespace

Exit replay_foreign(const ToolOptions& options, Context& context) {
  const auto said = offline(options, context);
  if (!said) return complain(said.error());
  if (context.output == Output::json)
    fmt::print("{}\n", said->dump(2));
  else
    print_offline(
        fmt::format("{} coincidences, {} accidentals", (*said)["coincidences"].dump(), (*said)["accidentals"].dump()),
        *said);
  return offline_exit(*said);
}

}  // namespace nicol::app
