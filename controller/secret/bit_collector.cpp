// SPDX-License-Identifier: Apache-2.0
// Collecting a block's bits batch by batch into locked memory of fixed capacity.
#include <algorithm>
#include <stdexcept>

#include "controller/secret/bit_ops.hpp"
#include "controller/secret/bit_string.hpp"

namespace nicol::secret {
namespace {

void require_room(std::size_t used, std::size_t count, std::size_t capacity) {
  if (count > capacity - used) throw std::length_error("bit collector is full");
}

}  // namespace

BitCollector::BitCollector(std::size_t capacity_bits) : bits_(capacity_bits) {}

void BitCollector::append(std::span<const std::uint64_t> words, std::size_t count) {
  require_room(used_, count, capacity());
  if (words_for(count) > words.size()) throw std::length_error("fewer words than bits to append");
  bits_.with_write([&](bits::Words to) { bits::copy(words, 0, to, used_, count); });
  used_ += count;
}

void BitCollector::append_selected(const BitString& source, std::span<const std::uint32_t> positions) {
  require_room(used_, positions.size(), capacity());
  if (positions.empty()) return;
  if (*std::max_element(positions.begin(), positions.end()) >= source.size())
    throw std::logic_error("bit position outside the bit string");
  source.with_read([&](bits::ConstWords from) {
    bits_.with_write([&](bits::Words to) { bits::gather(from, positions, to, used_); });
  });
  used_ += positions.size();
}

void BitCollector::append(const BitString& more) {
  more.with_read([&](bits::ConstWords words) { append(words, more.size()); });
}

BitString BitCollector::finish() {
  bits_.truncate(used_);
  used_ = 0;
  return std::move(bits_);
}

}  // namespace nicol::secret
