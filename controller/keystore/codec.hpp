// SPDX-License-Identifier: Apache-2.0
// Bounded little-endian binary, the form of everything public that the store keeps. One visitor function a structure
// serves both directions; a Reader never allocates more than its input justifies and never reads past its end.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace nicol::keystore {

using Bytes = std::vector<std::uint8_t>;

class Writer {
 public:
  static constexpr bool kReads = false;
  template <class... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }
  /// An enumeration as one byte; `last` bounds it when read.
  template <class E>
  void choice(const E& value, E) {
    put(static_cast<std::uint8_t>(value));
  }
  template <class T, class F>
  void list(const std::vector<T>& values, std::size_t, F&& each) {
    put(static_cast<std::uint32_t>(values.size()));
    for (const T& v : values) each(*this, v);
  }
  template <class T>
  void maybe(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  const Bytes& bytes() const { return bytes_; }
  Bytes take() && { return std::move(bytes_); }

 private:
  void put(bool v) { bytes_.push_back(v ? 1 : 0); }
  template <class T>
  requires(std::is_unsigned_v<T> && !std::is_same_v<T, bool>) void put(T v) {
    for (unsigned i = 0; i < sizeof(T); ++i) bytes_.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
  }
  void put(double v) { put(std::bit_cast<std::uint64_t>(v)); }
  void put(const std::string& v) {
    put(static_cast<std::uint32_t>(v.size()));
    bytes_.insert(bytes_.end(), v.begin(), v.end());
  }
  template <class T, std::size_t N>
  void put(const std::array<T, N>& v) {
    for (const T& x : v) put(x);
  }

  Bytes bytes_;
};

class Reader {
 public:
  static constexpr bool kReads = true;
  static constexpr std::size_t kLongestText = 4096;
  explicit Reader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  template <class... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  template <class E>
  void choice(E& value, E last) {
    std::uint8_t v = 0;
    get(v);
    if (v > static_cast<std::uint8_t>(last)) return fail();
    value = static_cast<E>(v);
  }
  template <class T, class F>
  void list(std::vector<T>& values, std::size_t most, F&& each) {
    std::uint32_t count = 0;
    get(count);
    if (count > most || count > rest_.size()) return fail();  // every entry has at least one byte
    values.clear();
    for (std::uint32_t i = 0; i < count && ok_; ++i) each(*this, values.emplace_back());
  }
  template <class T>
  void maybe(std::optional<T>& value) {
    bool there = false;
    get(there);
    value.reset();
    if (there) get(value.emplace());
  }
  void fail() {
    ok_ = false;
    rest_ = {};
  }
  bool ok() const { return ok_; }
  /// Everything was read, and nothing is left.
  bool complete() const { return ok_ && rest_.empty(); }

 private:
  void get(bool& v) {
    std::uint8_t byte = 0;
    get(byte);
    if (byte > 1) return fail();
    v = byte == 1;
  }
  template <class T>
  requires(std::is_unsigned_v<T> && !std::is_same_v<T, bool>) void get(T& v) {
    if (rest_.size() < sizeof(T)) return fail();
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < sizeof(T); ++i) sum |= static_cast<std::uint64_t>(rest_[i]) << (8 * i);
    v = static_cast<T>(sum);
    rest_ = rest_.subspan(sizeof(T));
  }
  void get(double& v) {
    std::uint64_t word = 0;
    get(word);
    v = std::bit_cast<double>(word);
  }
  void get(std::string& v) {
    std::uint32_t size = 0;
    get(size);
    if (size > kLongestText || size > rest_.size()) return fail();
    v.assign(rest_.begin(), rest_.begin() + size);
    rest_ = rest_.subspan(size);
  }
  template <class T, std::size_t N>
  void get(std::array<T, N>& v) {
    for (T& x : v) get(x);
  }

  std::span<const std::uint8_t> rest_;
  bool ok_ = true;
};

}  // namespace nicol::keystore
