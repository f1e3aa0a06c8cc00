// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/app/report.hpp"
#include "controller/distillation/keylength.hpp"

namespace nicol::app {
namespace {

using session::BlockResult;

std::string percent(const distillation::BasisCounts& c) {
  return c.bits == 0 ? "-"
                     : fmt::format("{:.2f} %", 100.0 * static_cast<double>(c.errors) / static_cast<double>(c.bits));
}

/// 12345678 -> "12 345 678"
std::string grouped(std::uint64_t n) {
  std::string digits = std::to_string(n), out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ' ';
    out += digits[i];
  }
  return out;
}

std::string outcome(const BlockResult& b) {
  if (b.status == session::BlockStatus::key)
    return fmt::format("key {}", b.key_id ? to_string(*b.key_id).substr(0, 8) : "?");
  return fmt::format("{}: {}", to_string(b.status), to_string(b.reason));
}

std::string block_row(const BlockResult& b, std::size_t index) {
  const auto& f = b.facts;
  return fmt::format(
      "{:>5}  {:>13}  {:>9}  {:>9}  {:>8}  {:>8}  {:>8}  {:>8}  {:>9}  {:>9}  {}\n", index, grouped(b.slots),
      grouped(b.detections), grouped(f.sifted[0] + f.sifted[1]), percent(f.sample[0]), percent(f.sample[1]),
      grouped(f.sample[0].bits + f.sample[1].bits), grouped(b.parity_bits), grouped(b.secret_bits),
      static_cast<std::int64_t>(b.secret_bits) - static_cast<std::int64_t>(b.auth_bits_spent), outcome(b));
}

struct Cost {
  std::string what;
  double bits;
};

/// The length formula read as a bill; the last line of it is what is left.
std::vector<Cost> bill(const BlockResult& b) {
  const auto& f = b.facts;
  const double n = static_cast<double>(f.key_bits[0] + f.key_bits[1]);
  const auto& l = b.length->length;
  const auto& e = f.inputs.epsilon;
  std::vector<Cost> costs;
  double single = n;
  if (std::isfinite(l.n1) && l.n1 > 0 && f.inputs.function == distillation::LengthFunction::sps_g2) {
    costs.push_back(
        {fmt::format("pulses with two or more photons (p_multi {:.2e}, all of them Eve's)", f.inputs.p_multi),
         n - l.n1});
    single = l.n1;
  }
  const double known = single * distillation::phase_entropy(l.phase);
  const double ec = static_cast<double>(f.ledger.total_cost());
  const double fixed = 2 * std::log2(1 / (2 * e.pa)) + std::log2(2 / e.ev);
  if (f.key_bits[1] == 0)
    costs.push_back({fmt::format("what Eve may know: phase errors up to {:.2f} %", 100 * l.phase), known});
  else
    costs.push_back({"what Eve may know, from the phase errors of both bases", n - ec - fixed - l.ell});
  costs.push_back({fmt::format("error correction ({} parity bits) and verification", b.parity_bits), ec});
  costs.push_back({"privacy amplification and correctness (the epsilons)", fixed});
  costs.push_back({"public check value, cut off", 32});
  return costs;
}

/// What Alice's rig and his lean on alike is said once.
std::string why(const BlockResult& b, std::size_t index, const std::vector<std::string>& bobs) {
  const auto& f = b.facts;
  const std::uint64_t n = f.key_bits[0] + f.key_bits[1];
  std::string out = fmt::format("\nWhy block {} is {} bits long\n", index, grouped(b.secret_bits));
  const auto line = [&](std::string_view what, const std::string& bits) {
    out += fmt::format("  {:<72} {:>10}\n", what, bits);
  };
  line("sifted bits of the key basis, sample taken out", grouped(n));
  for (const Cost& c : bill(b))
    line(c.what, "- " + grouped(static_cast<std::uint64_t>(std::llround(std::max(0.0, c.bits)))));
  line("secret key", "= " + grouped(b.secret_bits));
  line("spent on one-time authentication tags", "- " + grouped(b.auth_bits_spent));
  line("net", "= " + fmt::format("{}", static_cast<std::int64_t>(b.secret_bits) -
                                           static_cast<std::int64_t>(b.auth_bits_spent)));
  out += fmt::format("  secret but with probability {:.1e}, equal but with {:.1e}, authentic but with {:.1e}\n",
                     b.epsilon.sec, b.epsilon.cor, b.epsilon.auth);
  for (const auto& note : b.length->notes) out += fmt::format("  relies on: {}\n", note);
  for (const auto& note : bobs)
    if (std::find(b.length->notes.begin(), b.length->notes.end(), note) == b.length->notes.end())
      out += fmt::format("  relies on (Bob): {}\n", note);
  return out;
}

}  // namespace

std::string block_line(const BlockResult& b) {
  return fmt::format("block {}: {} slots, {} clicks, {} sifted, QBER {} / {}, {} secret bits ({})", b.block,
                     grouped(b.slots), grouped(b.detections), grouped(b.facts.sifted[0] + b.facts.sifted[1]),
                     percent(b.facts.sample[0]), percent(b.facts.sample[1]), grouped(b.secret_bits), outcome(b));
}

std::string run_table(const RunReport& r) {
  const std::string seed = r.seed ? fmt::format("seed {}", *r.seed) : std::string("no seed");
  std::string out =
      fmt::format("\n{} ({}), {}, {} keys\n\n", r.scenario.name, r.scenario.description, seed, to_string(r.origin));
  out += fmt::format("{:>5}  {:>13}  {:>9}  {:>9}  {:>8}  {:>8}  {:>8}  {:>8}  {:>9}  {:>9}  {}\n", "block", "slots",
                     "clicks", "sifted", "QBER +", "QBER x", "sample", "leak EC", "secret", "net", "outcome");
  std::uint64_t secret = 0;
  std::int64_t net = 0;
  const BlockResult* last_key = nullptr;
  std::size_t last_index = 0;
  for (std::size_t i = 0; i < r.blocks.size(); ++i) {
    const auto& b = r.blocks[i];
    out += block_row(b, i);
    secret += b.secret_bits;
    net += static_cast<std::int64_t>(b.secret_bits) - static_cast<std::int64_t>(b.auth_bits_spent);
    if (b.status == session::BlockStatus::key && b.length) last_key = &b, last_index = i;
  }
  if (last_key != nullptr) {
    const auto bobs = r.bob_relies_on.find(last_key->block);
    out += why(*last_key, last_index, bobs == r.bob_relies_on.end() ? std::vector<std::string>() : bobs->second);
  }
  for (const auto& b : r.blocks)
    if (b.status != session::BlockStatus::key && !b.detail.empty())
      out += fmt::format("\nblock {}: {}", b.block, b.detail);
  out += fmt::format("\n{} secret bits ({} net) from {:.2f} s of light in {:.2f} s; keys on both nodes {}.\n",
                     grouped(secret), net, r.simulated_s, r.wall_s, r.keys_match ? "match" : "DO NOT match");
  if (!r.stopped_because.empty()) out += fmt::format("Stopped early: {}.\n", r.stopped_because);
  return out + missing_settings(r);
}

std::string missing_settings(const RunReport& r) {
  const auto told = [](const auto& b) { return b.status != session::BlockStatus::no_key; };
  if (std::any_of(r.blocks.begin(), r.blocks.end(), told)) return {};
  const auto link = sim::expect(r.scenario);
  const double key_rate = link.sifted_per_slot[0] * link.kept_per_slot,
               test_rate = link.sifted_per_slot[1] * link.kept_per_slot;
  if (key_rate <= 0 || test_rate <= 0 || link.qber[1] >= 0.11) return "No key is possible on this link as it stands.\n";
  const auto a = [&](double slots) {
    distillation::SpsG2Inputs in;
    const double share = r.scenario.protocol.sample_share;
    in.n = std::floor(slots * key_rate * (1 - share));
    in.k = std::floor(slots * test_rate);
    in.errors_k = std::ceil(in.k * link.qber[1]);
    in.sent_key = slots * link.kept_per_slot / 4;
    in.sent_test = in.sent_key;
    in.p_multi = std::max(r.scenario.source.p_multi, 1e-15);
    in.leak_ec = std::ceil(1.2 * in.n * distillation::binary_entropy(link.qber[0])) + 28;
    const distillation::Epsilons e;
    in.eps_at = e.at, in.eps_pa = e.pa, in.eps_ev = e.ev, in.eps_mp = e.mp;
    const auto length = distillation::sps_g2(in);
    return length && length->ell > 32;
  };
  double high = 1000;
  while (!a(high) && high < 1e15) high *= 2;
  if (high >= 1e15)
    return "No number of settings makes a key on this link: too many multi-photon pulses for its loss.\n";
  double low = high / 2;
  while (high - low > high * 1e-3) (a((low + high) / 2) ? high : low) = (low + high) / 2;
  double done = 0;
  for (const auto& b : r.blocks) done = std::max(done, static_cast<double>(b.slots));
  return fmt::format(
      "No key yet: a first key needs about {} settings in one block ({:.1f} h at {} settings/s); the longest block had "
      "{}, so {} are still missing.\n",
      grouped(static_cast<std::uint64_t>(high)), high / r.scenario.source.rate_hz / 3600, r.scenario.source.rate_hz,
      grouped(static_cast<std::uint64_t>(done)), grouped(static_cast<std::uint64_t>(std::max(0.0, high - done))));
}

}  // namespace nicol::app
