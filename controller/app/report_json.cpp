// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "controller/app/report.hpp"
#include "controller/app/setup.hpp"

namespace nicol::app {
namespace {

using nlohmann::json;
using session::BlockResult;

json number_or_null(double v) { return std::isfinite(v) ? json(v) : json(nullptr); }

json rate_or_null(const distillation::BasisCounts& c) {
  return c.bits == 0 ? json(nullptr) : json(static_cast<double>(c.errors) / static_cast<double>(c.bits));
}

json by_basis(const json& rectilinear, const json& diagonal) {
  return {{"rectilinear", rectilinear}, {"diagonal", diagonal}};
}

json sample_json(const distillation::BasisCounts& c) { return {{"bits", c.bits}, {"errors", c.errors}}; }

json phase_json(const BlockResult& b) {
  if (!b.length) return nullptr;
  return by_basis(number_or_null(b.length->phase_bound[0]), number_or_null(b.length->phase_bound[1]));
}

json keylength_json(const BlockResult& b) {
  if (!b.length || b.length->keylength_case.empty()) return nullptr;
  return json::parse(b.length->keylength_case, nullptr, false);
}

json epsilon_json(const distillation::EpsilonRecord& e) {
  return {{"sec", e.sec}, {"cor", e.cor}, {"auth", e.auth}, {"total", e.total}, {"cumulative", e.cumulative}};
}

json block_json(const BlockResult& b, std::size_t index) {
  const auto& f = b.facts;
  json j;
  j["index"] = index;
  j["status"] = to_string(b.status);
  j["abort_reason"] = b.reason == session::BlockReason::none ? json(nullptr) : json(to_string(b.reason));
  j["slots"] = b.slots;
  j["detections"] = b.detections;
  if (b.public_slots > 0) j["public_slots"] = b.public_slots;
  j["dropped_slots"] = b.dropped_slots;
  j["sifted_bits"] = f.sifted[0] + f.sifted[1];
  j["sample_bits"] = f.sample[0].bits + f.sample[1].bits;
  j["sample"] = by_basis(sample_json(f.sample[0]), sample_json(f.sample[1]));
  j["qber"] = by_basis(rate_or_null(f.sample[0]), rate_or_null(f.sample[1]));
  j["phase_error_bound"] = phase_json(b);
  j["leak_ec_bits"] = b.parity_bits;
  j["f_ec"] = b.f_ec ? number_or_null(*b.f_ec) : json(nullptr);
  j["verification_bits"] = f.ledger.disclosed(sifting::LeakClass::verification);
  j["secret_bits"] = b.secret_bits;
  j["epsilon"] = epsilon_json(b.epsilon);
  j["net_bits"] = static_cast<std::int64_t>(b.secret_bits) - static_cast<std::int64_t>(b.auth_bits_spent);
  j["key_id"] = b.key_id ? json(to_string(*b.key_id)) : json(nullptr);
  j["auth_bits_spent"] = b.auth_bits_spent;
  j["auth_bits_replenished"] = b.auth_bits_replenished;
  j["keylength"] = keylength_json(b);
  return j;
}

json degrees_json(const std::array<Angle, 3>& plates) {
  json all = json::array();
  for (const Angle a : plates) all.push_back(a.degrees());
  return all;
}

json track_json(const service::TrackReport& t) {
  return {{"verified", t.verified},
          {"plates_deg", degrees_json(t.setting)},
          {"next_plates_deg", degrees_json(t.next)},
          {"way_deg", t.way.degrees()},
          {"walk_rad_per_sqrt_h", t.walk},
          {"dither_qber", t.dither_qber},
          {"doubt_qber", t.doubt_qber},
          {"excess_qber", t.excess_qber},
          {"excess_alarm", t.excess_alarm},
          {"not_following", t.not_following},
          {"travel_spent", t.travel_spent}};
}

}  // namespace

std::string run_json(const RunReport& r, Document document) {
  json j;
  j["schema"] = document == Document::run ? "nicol.run/1" : "nicol.node/1";
  j["scenario"] = r.scenario.name;
  j["protocol"] = to_string(agreement_of(r.scenario).protocol);
  j["seed"] = r.seed ? json(*r.seed) : json(nullptr);
  j["origin"] = to_string(r.origin);
  j["blocks"] = json::array();
  std::uint64_t secret = 0, sifted = 0, detections = 0;
  for (std::size_t i = 0; i < r.blocks.size(); ++i) {
    const auto& b = r.blocks[i];
    j["blocks"].push_back(block_json(b, i));
    const auto track = std::ranges::find(r.tracks, b.block, &service::TrackReport::block);
    if (track != r.tracks.end()) j["blocks"].back()["tracking"] = track_json(*track);
    secret += b.secret_bits;
    sifted += b.facts.sifted[0] + b.facts.sifted[1];
    detections += b.detections;
  }
  j["totals"] = {{"secret_bits", secret},
                 {"sifted_bits", sifted},
                 {"detections", detections},
                 {"wall_s", r.wall_s},
                 {"simulated_s", r.simulated_s}};
  if (document == Document::run) j["keys_match"] = r.keys_match;
  return j.dump(2);
}

std::string check_text(std::uint32_t check) { return fmt::format("{:08x}", check); }

Exit run_exit(const RunReport& r) {
  using session::BlockReason;
  bool key = false;
  for (const auto& b : r.blocks) {
    if (b.status == session::BlockStatus::aborted &&
        (b.reason == BlockReason::qber || b.reason == BlockReason::authentication || b.reason == BlockReason::monitor))
      return Exit::security;
    key = key || b.status == session::BlockStatus::key;
  }
  if ((key && !r.keys_match) || !r.stopped_because.empty()) return Exit::failed;
  return key || !r.scenario.protocol.key_expected ? Exit::done : Exit::failed;
}

}  // namespace nicol::app
