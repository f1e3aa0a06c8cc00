// SPDX-License-Identifier: Apache-2.0
// Cascade's two resumable values: Bob, who asks for parities and corrects, and Alice, who answers and counts.
#include "controller/distillation/cascade.hpp"

#include <algorithm>

#include "controller/distillation/cascade_orders.hpp"
#include "controller/distillation/cascade_parities.hpp"
#include "controller/distillation/cascade_search.hpp"
#include "controller/distillation/keylength.hpp"
#include "controller/distillation/reconciliation_stage.hpp"

namespace nicol::distillation {

namespace {

constexpr double kQberFloor = 0.005;  // an error-free sample does not make blocks longer than 146 bits
constexpr double kQberCeiling = 0.25;
constexpr std::uint64_t kMaximumBits = std::uint64_t{1} << 31;

Error fault(Code code, std::string message) { return {code, "cascade: " + std::move(message), {}, 0, {}}; }

std::optional<Error> unfit(const EstimatedBlock& block, const CascadePlan& plan) {
  if (plan.bits != block.size())
    return fault(Code::bad_input,
                 "planned for " + std::to_string(plan.bits) + " bits, the block has " + std::to_string(block.size()));
  if (plan.bits == 0 || plan.bits > kMaximumBits)
    return fault(Code::bad_input, "a block of " + std::to_string(plan.bits) + " bits");
  if (!(plan.qber >= 0 && plan.qber <= 0.5))
    return fault(Code::bad_input, "expected QBER " + std::to_string(plan.qber) + " is outside 0..0.5");
  return std::nullopt;
}

ReconciledBlock closed(detail::ParityTables&& tables, BlockFacts facts, std::uint64_t errors_corrected) {
  facts.corrected_errors = errors_corrected;
  return ReconciliationStage::close({std::move(tables).take(), std::move(facts)});
}

}  // namespace

CascadePlan cascade_plan(const BlockFacts& facts, std::uint64_t bits, std::uint64_t seed) {
  double errors = 0, sampled = 0;
  for (std::size_t b = 0; b < 2; ++b) {
    if (facts.key_bits[b] == 0) continue;
    errors += static_cast<double>(facts.sample[b].errors);
    sampled += static_cast<double>(facts.sample[b].bits);
  }
  const double qber = sampled == 0 ? kQberFloor : errors / sampled;
  return {.bits = bits, .qber = std::clamp(qber, kQberFloor, kQberCeiling), .permutation_seed = seed};
}

std::optional<double> reconciliation_efficiency(std::uint64_t parity_bits, const BlockFacts& facts) {
  const double n = static_cast<double>(facts.key_bits[0] + facts.key_bits[1]);
  if (!facts.corrected_errors || *facts.corrected_errors == 0 || n == 0) return std::nullopt;
  const double h = binary_entropy(static_cast<double>(*facts.corrected_errors) / n);
  if (h <= 0) return std::nullopt;
  return static_cast<double>(parity_bits) / (n * h);
}

struct CascadeCorrector::Impl {
  Impl(ReconciliationStage::Parts parts, const CascadePlan& plan)
      : facts(std::move(parts.facts)),
        orders(static_cast<std::uint32_t>(plan.bits), plan.permutation_seed),
        tables(std::move(parts.raw)),
        search(orders, plan.qber, detail::kSchedule) {
    ask.ranges = search.next();
  }
  BlockFacts facts;
  detail::PassOrders orders;
  detail::ParityTables tables;
  detail::CascadeSearch search;
  CascadeAsk ask;
  std::uint64_t corrected = 0;
};

Result<CascadeCorrector> CascadeCorrector::start(EstimatedBlock&& block, CascadePlan plan, secret::Arena&) {
  EstimatedBlock mine = std::move(block);
  if (auto wrong = unfit(mine, plan)) return std::move(*wrong);
  return CascadeCorrector(std::make_unique<Impl>(ReconciliationStage::open(std::move(mine)), plan));
}

CascadeCorrector::CascadeCorrector(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CascadeCorrector::CascadeCorrector(CascadeCorrector&&) noexcept = default;
CascadeCorrector& CascadeCorrector::operator=(CascadeCorrector&&) noexcept = default;
CascadeCorrector::~CascadeCorrector() = default;

const CascadeAsk& CascadeCorrector::ask() const { return impl_->ask; }
bool CascadeCorrector::done() const { return impl_->ask.ranges.empty() && !impl_->search.gave_up(); }
std::uint64_t CascadeCorrector::errors_corrected() const { return impl_->corrected; }

Result<void> CascadeCorrector::step(const CascadeAnswer& answer) {
  Impl& me = *impl_;
  if (answer.round != me.ask.round || answer.parities.size() != me.ask.ranges.size() || me.ask.ranges.empty())
    return fault(Code::bad_input, "answer to round " + std::to_string(answer.round) + " with " +
                                      std::to_string(answer.parities.size()) + " parities, asked for " +
                                      std::to_string(me.ask.ranges.size()) + " in round " +
                                      std::to_string(me.ask.round));
  ReconciliationStage::record(me.facts.ledger, me.ask.ranges.size());
  me.tables.round(me.ask.ranges, me.orders, [&](PublicBits residual) {
    for (std::size_t i = 0; i < residual.words().size(); ++i) residual.words()[i] ^= answer.parities.words()[i];
    const auto corrections = me.search.learn(residual);
    me.corrected += corrections.size();
    return corrections;
  });
  ++me.ask.round;
  me.ask.ranges = me.search.next();
  if (me.search.gave_up())
    return fault(Code::exhausted, "does not converge: " + std::to_string(me.corrected) + " errors corrected in " +
                                      std::to_string(me.orders.bits()) + " bits");
  return {};
}

Result<ReconciledBlock> CascadeCorrector::finish() && {
  if (!done()) return fault(Code::refused, "not finished");
  return closed(std::move(impl_->tables), std::move(impl_->facts), impl_->corrected);
}

struct CascadeAnswerer::Impl {
  Impl(ReconciliationStage::Parts parts, const CascadePlan& plan)
      : facts(std::move(parts.facts)),
        orders(static_cast<std::uint32_t>(plan.bits), plan.permutation_seed),
        tables(std::move(parts.raw)) {}

  Result<void> check(const CascadeAsk& ask) {
    if (ask.round != next_round)
      return fault(Code::bad_input, "round " + std::to_string(ask.round) + " instead of " + std::to_string(next_round));
    if (ask.ranges.empty() || ask.ranges.size() > detail::parity_limit(orders.bits()) - answered)
      return fault(Code::bad_input, std::to_string(ask.ranges.size()) + " parities asked after " +
                                        std::to_string(answered) + " of at most " +
                                        std::to_string(detail::parity_limit(orders.bits())));
    for (const ParityRange& range : ask.ranges) {
      if (range.pass >= detail::kMaximumPasses || range.begin >= range.end || range.end > orders.size(range.pass))
        return fault(Code::bad_input, "range " + std::to_string(range.begin) + ".." + std::to_string(range.end) +
                                          " of pass " + std::to_string(range.pass));
    }
    return {};
  }

  BlockFacts facts;
  detail::PassOrders orders;
  detail::ParityTables tables;
  std::uint32_t next_round = 0;
  std::uint64_t answered = 0;
};

Result<CascadeAnswerer> CascadeAnswerer::start(EstimatedBlock&& block, CascadePlan plan, secret::Arena&) {
  EstimatedBlock mine = std::move(block);
  if (auto wrong = unfit(mine, plan)) return std::move(*wrong);
  return CascadeAnswerer(std::make_unique<Impl>(ReconciliationStage::open(std::move(mine)), plan));
}

CascadeAnswerer::CascadeAnswerer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CascadeAnswerer::CascadeAnswerer(CascadeAnswerer&&) noexcept = default;
CascadeAnswerer& CascadeAnswerer::operator=(CascadeAnswerer&&) noexcept = default;
CascadeAnswerer::~CascadeAnswerer() = default;

Result<CascadeAnswer> CascadeAnswerer::answer(const CascadeAsk& ask) {
  Impl& me = *impl_;
  if (auto ok = me.check(ask); !ok) return ok.error();
  CascadeAnswer answer{ask.round, me.tables.parities(ask.ranges, me.orders)};
  ReconciliationStage::record(me.facts.ledger, ask.ranges.size());
  me.answered += ask.ranges.size();
  ++me.next_round;
  return answer;
}

Result<ReconciledBlock> CascadeAnswerer::finish(std::uint64_t errors_corrected) && {
  if (errors_corrected > impl_->orders.bits())
    return fault(Code::bad_input,
                 std::to_string(errors_corrected) + " errors in " + std::to_string(impl_->orders.bits()) + " bits");
  return closed(std::move(impl_->tables), std::move(impl_->facts), errors_corrected);
}

std::size_t cascade_scratch_bytes(std::uint64_t bits) {
  return detail::kShuffledPasses * secret::words_for(bits) * sizeof(std::uint64_t);
}

}  // namespace nicol::distillation
