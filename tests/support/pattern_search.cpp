// SPDX-License-Identifier: Apache-2.0
// Masking patterns, and searching files for them.
#include "tests/support/pattern_search.hpp"

#include <string.h>
#include <sys/random.h>

#include <algorithm>
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

PatternSearch::PatternSearch(std::span<const MaskedPattern> patterns)
    : maybe_(std::make_unique<std::bitset<std::size_t{1} << 18>>()) {
  for (const MaskedPattern& pattern : patterns) {
    std::vector<std::uint8_t> bytes(pattern.size());
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = pattern.byte(i);
    const std::uint64_t word = word_at(bytes.data());
    maybe_->set(filter_index(word));
    by_first_word_.emplace(word, patterns_.size());
    longest_ = std::max(longest_, bytes.size());
    patterns_.push_back(std::move(bytes));
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
    search.for_each(buffer, starts, [&](std::size_t, std::size_t) { ++copies; });
    buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(starts));
  }
  return copies;
}

}  // namespace nicol::test
