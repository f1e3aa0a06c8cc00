// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/gf2.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace nicol::test {

std::size_t Gf2Rows::add() {
  rows_.emplace_back(words_, 0);
  return rows_.size() - 1;
}

Gf2Rows Gf2Rows::restricted(const std::vector<std::uint64_t>& mask) const {
  Gf2Rows out(columns_);
  out.rows_ = rows_;
  for (auto& row : out.rows_)
    for (std::size_t w = 0; w < words_; ++w) row[w] &= mask[w];
  return out;
}

void Gf2Rows::append(const Gf2Rows& other) {
  if (other.columns_ != columns_) throw std::logic_error("rows of another width");
  rows_.insert(rows_.end(), other.rows_.begin(), other.rows_.end());
}

std::size_t Gf2Rows::rank() const {
  auto rows = rows_;
  std::size_t rank = 0;
  for (std::size_t w = 0; w < words_ && rank < rows.size(); ++w) {
    for (int bit = 0; bit < 64 && rank < rows.size(); ++bit) {
      const auto has = [&](const auto& row) { return ((row[w] >> bit) & 1) != 0; };
      const auto pivot = std::find_if(rows.begin() + static_cast<std::ptrdiff_t>(rank), rows.end(), has);
      if (pivot == rows.end()) continue;
      std::swap(rows[rank], *pivot);
      const auto& from = rows[rank];
      for (std::size_t r = rank + 1; r < rows.size(); ++r)
        if (has(rows[r]))
          for (std::size_t k = w; k < words_; ++k) rows[r][k] ^= from[k];
      ++rank;
    }
  }
  return rank;
}

}  // namespace nicol::test
