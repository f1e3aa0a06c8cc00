// SPDX-License-Identifier: Apache-2.0
// Rows of bits over GF(2) and their rank, by plain elimination.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nicol::test {

class Gf2Rows {
 public:
  explicit Gf2Rows(std::size_t columns) : columns_(columns), words_((columns + 63) / 64) {}
  std::size_t rows() const { return rows_.size(); }
  std::size_t columns() const { return columns_; }
  /// A new zero row; set bits in it with set().
  std::size_t add();
  void set(std::size_t row, std::size_t column) {
    rows_[row][column / 64] ^= std::uint64_t{1} << (column % 64);
  }  // XOR: a column named twice cancels
  /// Only these columns, in this order of words (mask: 1 = keep).
  Gf2Rows restricted(const std::vector<std::uint64_t>& mask) const;
  void append(const Gf2Rows& other);
  std::size_t rank() const;

 private:
  std::size_t columns_, words_;
  std::vector<std::vector<std::uint64_t>> rows_;
};

}  // namespace nicol::test
