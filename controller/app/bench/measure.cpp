// SPDX-License-Identifier: Apache-2.0
// Pinning, medians and the yardsticks: small fixed programs whose rate says how fast this machine is just now.
#include "controller/app/bench/measure.hpp"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <memory>

#include "controller/distillation/amplification.hpp"
#include "controller/distillation/carryless.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::bench {

namespace {

const distillation::detail::ToeplitzKernel& best_kernel() {
#if defined(__x86_64__)
  switch (distillation::best_kernel()) {
    case distillation::CarrylessKernel::vpclmul:
      return distillation::detail::kVpclmulKernel;
    case distillation::CarrylessKernel::pclmul:
      return distillation::detail::kPclmulKernel;
    case distillation::CarrylessKernel::portable:
      break;
  }
#endif
  return distillation::detail::kPortableKernel;
}

std::vector<std::int64_t> sorted_events(std::size_t n, std::uint64_t index) {
  CounterStream random({1, NodeId::world, Purpose::test, index});
  std::vector<std::int64_t> events(n);
  double time = 0;
  for (auto& event : events) event = static_cast<std::int64_t>(time -= 1e6 * std::log(random.uniform_positive()));
  return events;
}

/// Events of both within `window` of each other, one to one; no branch depends on the data.
std::size_t coincidences(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b, std::int64_t window,
                         std::vector<std::uint32_t>& pairs) {
  std::size_t i = 0, j = 0, found = 0;
  while (i < a.size() && j < b.size()) {
    const std::int64_t difference = b[j] - a[i];
    const bool early = difference<-window, late = difference> window;
    pairs[found] = static_cast<std::uint32_t>(i);
    found += static_cast<std::size_t>(!(early | late));
    i += static_cast<std::size_t>(!early);
    j += static_cast<std::size_t>(!late);
  }
  return found;
}

}  // namespace

PinnedCore::PinnedCore() {
  static_assert(sizeof before_ >= sizeof(cpu_set_t));
  cpu_set_t before, one;
  if (::sched_getaffinity(0, sizeof before, &before) != 0) return;
  std::memcpy(before_, &before, sizeof before);
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(std::max(0, ::sched_getcpu())), &one);
  pinned_ = ::sched_setaffinity(0, sizeof one, &one) == 0;
}

PinnedCore::~PinnedCore() {
  cpu_set_t before;
  std::memcpy(&before, before_, sizeof before);
  if (pinned_) ::sched_setaffinity(0, sizeof before, &before);
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median_of(const std::function<double()>& timed, Repeats repeats) {
  timed();
  std::vector<double> seconds;
  const double start = seconds_now();
  const auto elapsed = [&] { return seconds_now() - start; };
  while ((static_cast<int>(seconds.size()) < repeats.least || elapsed() < repeats.seconds) &&
         (seconds.empty() || elapsed() < repeats.most_seconds))
    seconds.push_back(timed());
  std::nth_element(seconds.begin(), seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2), seconds.end());
  return seconds[seconds.size() / 2];
}

double median_seconds(const std::function<void()>& work, Repeats repeats) {
  return median_of(
      [&] {
        const double start = seconds_now();
        work();
        return seconds_now() - start;
      },
      repeats);
}

Yardstick carryless_kernel() {
  constexpr std::size_t calls = 2'000;
  const auto& kernel = best_kernel();
  const std::size_t words = kernel.largest_block;
  std::vector<std::uint64_t> s(2 * words + distillation::detail::kReadPast, 3), v(words, 5), out(words);
  const double seconds = median_seconds(
      [&] {
        for (std::size_t i = 0; i < calls; ++i) {
          kernel.block(out.data(), s.data(), v.data(), words);
          keep(out.data());
        }
      },
      {5, 0.3, 2});
  return {"carryless_kernel", "clmul64/ns", static_cast<double>(words * words * calls) / seconds * 1e-9};
}

Yardstick branch_free_merge() {
  constexpr std::size_t n = 1'000'000;
  const auto a = sorted_events(n, 1), b = sorted_events(n, 2);
  std::vector<std::uint32_t> pairs(n + 1);
  std::size_t found = 0;
  const double seconds = median_seconds(
      [&] {
        found += coincidences(a, b, 1'000, pairs);
        keep(&found);
      },
      {5, 0.3, 2});
  return {"branch_free_merge", "Mevents/s", 2.0 * n / seconds * 1e-6};
}

Yardstick memory_copy() {
  constexpr std::size_t bytes = std::size_t{256} << 20;
  const auto from = std::make_unique<std::byte[]>(bytes), to = std::make_unique<std::byte[]>(bytes);
  const double seconds = median_seconds(
      [&] {
        std::memcpy(to.get(), from.get(), bytes);
        keep(to.get());
      },
      {5, 0.3, 2});
  return {"memcpy_256MiB", "GB/s", static_cast<double>(bytes) / seconds * 1e-9};
}

StageResult compared(std::string stage, double size, double rate, std::string unit, const Yardstick& yardstick,
                     std::map<std::string, double> figures) {
  StageResult result{std::move(stage), size,           rate, std::move(unit),   yardstick.name,
                     yardstick.rate,   yardstick.unit, 0,    std::move(figures)};
  const bool time = result.unit == "s" || result.unit == "ms";
  result.ratio = time ? yardstick.rate / rate : rate / yardstick.rate;
  return result;
}

}  // namespace nicol::bench
