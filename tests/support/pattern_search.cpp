// SPDX-License-Identifier: Apache-2.0
// Masking patterns, and searching files for them.
#include "tests/support/pattern_search.hpp"

#include <string.h>
#include <sys/random.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace nicol::test {

MaskedPattern MaskedPattern::of(std::span<const std::byte> secret, std::string label) {
  if (secret.size() < shortest_pattern) throw std::length_error("a pattern this short matches by chance");
  MaskedPattern pattern;
  pattern.label_ = std::move(label);
  pattern.mask_.resize(secret.size());
  for (std::size_t done = 0; done < secret.size();) {
    const ssize_t got = getrandom(pattern.mask_.data() + done, secret.size() - done, 0);
    if (got <= 0) throw std::runtime_error("getrandom");
    done += static_cast<std::size_t>(got);
  }
  pattern.masked_.resize(secret.size());
  for (std::size_t i = 0; i < secret.size(); ++i)
    pattern.masked_[i] = static_cast<std::uint8_t>(static_cast<std::uint8_t>(secret[i]) ^ pattern.mask_[i]);
  return pattern;
}

std::string MaskedPattern::packed() const {
  std::string text(mask_.begin(), mask_.end());
  text.append(masked_.begin(), masked_.end());
  return text;
}

MaskedPattern MaskedPattern::unpacked(const std::string& packed, std::string label) {
  const auto half = static_cast<std::ptrdiff_t>(packed.size() / 2);
  if (packed.size() < 2 * shortest_pattern) throw std::length_error("a pattern this short matches by chance");
  MaskedPattern pattern;
  pattern.label_ = std::move(label);
  pattern.mask_.assign(packed.begin(), packed.begin() + half);
  pattern.masked_.assign(packed.begin() + half, packed.end());
  return pattern;
}

std::vector<MaskedPattern> mask_windows(std::span<const std::byte> secret, std::size_t window, std::size_t step,
                                        const std::string& label) {
  if (step == 0) throw std::logic_error("windows need a step");
  std::vector<MaskedPattern> patterns;
  for (std::size_t i = 0; i + window <= secret.size(); i += step)
    patterns.push_back(MaskedPattern::of(secret.subspan(i, window), label));
  return patterns;
}

namespace {

constexpr unsigned hash_bits = 18;

std::uint64_t word_at(const std::uint8_t* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

std::uint64_t hash_of(std::uint64_t word) { return word * 0x9e3779b97f4a7c15ULL >> (64 - hash_bits); }

}  // namespace

PatternSearch::PatternSearch(std::span<const MaskedPattern> patterns) : maybe_((std::size_t{1} << hash_bits) / 64) {
  for (const MaskedPattern& pattern : patterns) {
    std::vector<std::uint8_t> bytes(pattern.size());
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = pattern.byte(i);
    const std::uint64_t word = word_at(bytes.data()), hash = hash_of(word);
    maybe_[hash / 64] |= std::uint64_t{1} << hash % 64;
    by_first_word_.emplace(word, patterns_.size());
    longest_ = std::max(longest_, bytes.size());
    patterns_.push_back(std::move(bytes));
  }
}

std::vector<PatternSearch::Match> PatternSearch::find(std::span<const std::uint8_t> data, std::size_t starts) const {
  std::vector<Match> matches;
  if (data.size() < shortest_pattern) return matches;
  const std::size_t end = std::min(starts, data.size() - shortest_pattern + 1);
  const std::uint8_t* const bytes = data.data();
  const std::uint64_t* const maybe = maybe_.data();
  for (std::size_t i = 0; i < end; ++i) {
    const std::uint64_t hash = hash_of(word_at(bytes + i));
    if ((maybe[hash / 64] >> hash % 64 & 1) != 0) verify(data, i, matches);
  }
  return matches;
}

void PatternSearch::verify(std::span<const std::uint8_t> data, std::size_t offset, std::vector<Match>& matches) const {
  const auto [first, last] = by_first_word_.equal_range(word_at(data.data() + offset));
  for (auto candidate = first; candidate != last; ++candidate) {
    const auto& bytes = patterns_[candidate->second];
    const bool same =
        bytes.size() <= data.size() - offset && std::memcmp(bytes.data(), data.data() + offset, bytes.size()) == 0;
    if (same) matches.push_back({offset, candidate->second});
  }
}

PatternSearch::~PatternSearch() {
  for (auto& bytes : patterns_) explicit_bzero(bytes.data(), bytes.size());
}

// In this process: the file is not memory that anyone scans.
Result<std::size_t> count_in_file(const std::filesystem::path& file, std::span<const MaskedPattern> patterns) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return Error{Code::io, file.string() + " cannot be read", "", 0, {}};
  const PatternSearch search(patterns);
  constexpr std::size_t chunk = std::size_t{1} << 20;
  std::vector<std::uint8_t> buffer;
  std::size_t copies = 0;
  for (bool more = true; more;) {
    const std::size_t kept = buffer.size();
    buffer.resize(kept + chunk);
    in.read(reinterpret_cast<char*>(buffer.data() + kept), static_cast<std::streamsize>(chunk));
    buffer.resize(kept + static_cast<std::size_t>(in.gcount()));
    more = in.good();
    const std::size_t starts = more ? buffer.size() - search.longest() : buffer.size();
    copies += search.find(buffer, starts).size();
    buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(starts));
  }
  return copies;
}

}  // namespace nicol::test
