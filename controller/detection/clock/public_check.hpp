// SPDX-License-Identifier: Apache-2.0
// The check against public words: do the clicks of public slots carry the bits that Alice sent there?
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace nicol::detection {

/// Wald's sequential test of "slots are numbered right" (a click agrees with probability (1 + contrast) / 2) against
/// "they are not" (1/2). Under the latter the likelihood ratio is a martingale with mean 1, so it reaches 1/kFalsePass
/// with probability kFalsePass at most (Ville), whatever contrast was assumed: a wrong one costs data, never safety.
class PublicCheck {
 public:
  static constexpr double kFalsePass = 1e-9;
  static constexpr double kFalseAlarm = 1e-6;   // right numbers called wrong, if the contrast is as assumed
  static constexpr std::uint64_t kMost = 4096;  // clicks without a decision: nothing here agrees enough
  enum class Verdict : std::uint8_t { open, passed, failed };

  explicit PublicCheck(double contrast) noexcept { assume(contrast); }

  Verdict take(bool agrees) noexcept {
    ++clicks_;
    agreed_ += agrees ? 1 : 0;
    log_ratio_ += agrees ? if_agreed_ : if_not_;
    if (log_ratio_ >= -std::log(kFalsePass)) return Verdict::passed;
    return log_ratio_ <= std::log(kFalseAlarm) || clicks_ == kMost ? Verdict::failed : Verdict::open;
  }
  /// A window has passed: the next one assumes what this one saw, cautiously.
  void next() noexcept {
    total_ += clicks_;
    total_agreed_ += agreed_;
    const double seen = 2 * static_cast<double>(agreed_) / static_cast<double>(clicks_) - 1;
    assume(contrast_ + (seen - contrast_) / 8);
    log_ratio_ = 0;
    clicks_ = agreed_ = 0;
  }

  /// Over all windows that passed: agreeing less disagreeing clicks, and the standard error of it.
  double contrast() const noexcept {
    return total_ == 0 ? contrast_ : 2 * static_cast<double>(total_agreed_) / static_cast<double>(total_) - 1;
  }
  double contrast_sigma() const noexcept {
    const double c = contrast();
    return std::sqrt((1 - c * c) / static_cast<double>(std::max<std::uint64_t>(total_, 1)));
  }

 private:
  void assume(double contrast) noexcept {
    contrast_ = std::clamp(contrast, 0.05, 0.96);
    if_agreed_ = std::log1p(contrast_);
    if_not_ = std::log1p(-contrast_);
  }

  double contrast_ = 0, if_agreed_ = 0, if_not_ = 0, log_ratio_ = 0;
  std::uint64_t clicks_ = 0, agreed_ = 0, total_ = 0, total_agreed_ = 0;
};

}  // namespace nicol::detection
