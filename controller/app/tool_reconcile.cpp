// SPDX-License-Identifier: Apache-2.0
// nicol tool reconcile: two files of bits driven through the same two resumable values as a real block.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "controller/app/bit_file.hpp"
#include "controller/app/both_sides.hpp"
#include "controller/app/commands.hpp"

namespace nicol::app {
namespace {

using namespace distillation;
using secret::BitString;

/// A file's bits as clicks: all rectilinear, then one rectilinear and one diagonal bit for the samples that estimation
/// must see. Only the file's bits reach reconciliation.
detection::Clicks clicks_of(BitString&& file) {
  const std::size_t n = file.size() + 2;
  detection::Clicks c;
  c.slots.resize(n);
  for (std::size_t i = 0; i < n; ++i) c.slots[i] = i;
  PublicBits bases(n);
  bases.set(n - 1, true);
  c.bases = BitString::from_public(bases);
  c.bits = BitString::concat(file, BitString(2));
  return c;
}

sifting::SampleCoins coins_for(std::size_t rectilinear) {
  sifting::SampleCoins coins;
  coins.sample = {PublicBits(rectilinear), PublicBits(1)};
  coins.sample[0].set(rectilinear - 1, true);
  coins.sample[1].set(0, true);
  coins.share = {0.0, 1.0};
  return coins;
}

struct Outcome {
  ReconciledPair pair;
  bool corrected = false;
};

/// `truth` and `work` are the two files once more: the blocks themselves are never looked at.
Result<Outcome> reconcile(BitString&& alice, BitString&& bob, const CascadePlan& plan, const BitString& truth,
                          BitString& work) {
  const std::size_t rectilinear = alice.size() + 1;
  auto estimated = estimate_pair(clicks_of(std::move(alice)), clicks_of(std::move(bob)),
                                 [&](const sifting::SiftedBlock&) { return coins_for(rectilinear); }, {});
  if (!estimated) return std::move(estimated).error();
  if (!estimated->blocks) return Error{Code::internal, "estimation gave no block", "", 0, {}};
  auto pair = reconcile_pair(*std::move(estimated->blocks), plan);
  if (!pair) return std::move(pair).error();
  work.xor_with(truth);
  const bool corrected = work.popcount() == pair->errors_corrected;
  return Outcome{*std::move(pair), corrected};
}

Result<Outcome> run(const ToolOptions& o) {
  if (o.algorithm != "cascade")
    return Error{Code::bad_input,
                 fmt::format("--algorithm {}: expected cascade (ldpc is not in this version)", o.algorithm),
                 "",
                 0,
                 {}};
  if (!(o.qber >= 0 && o.qber < 0.5))
    return Error{Code::bad_input, fmt::format("--qber {}: expected a number from 0 to below 0.5", o.qber), "", 0, {}};
  if (o.bits == 0 || o.bits > (1u << 28))
    return Error{Code::bad_input, fmt::format("--bits {}: expected 1 to 2^28", o.bits), "", 0, {}};
  auto alice = read_secret_bits(o.alice, o.bits), bob = read_secret_bits(o.bob, o.bits);
  auto truth = read_secret_bits(o.alice, o.bits), work = read_secret_bits(o.bob, o.bits);
  if (!alice || !truth) return (alice ? truth : alice).error();
  if (!bob || !work) return (bob ? work : bob).error();
  return reconcile(*std::move(alice), *std::move(bob), {o.bits, o.qber, o.random_seed}, *truth, *work);
}

}  // namespace

Exit tool_reconcile(const ToolOptions& options, Context&) {
  auto o = run(options);
  if (!o) return complain(o.error());
  const double n = static_cast<double>(options.bits), rate = static_cast<double>(o->pair.errors_corrected) / n;
  nlohmann::json j{{"corrected", o->corrected},
                   {"leak_bits", o->pair.parity_bits},
                   {"rounds", o->pair.rounds},
                   {"errors_corrected", o->pair.errors_corrected},
                   {"seconds", o->pair.seconds}};
  j["f_ec"] = o->pair.errors_corrected > 0
                  ? nlohmann::json(static_cast<double>(o->pair.parity_bits) / (n * binary_entropy(rate)))
                  : nlohmann::json(nullptr);
  fmt::print("{}\n", j.dump());
  return o->corrected ? Exit::done : Exit::failed;
}

}  // namespace nicol::app
