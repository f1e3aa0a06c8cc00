// SPDX-License-Identifier: Apache-2.0
// Writes a recording: entries go into a locked chunk, full chunks are sealed (XChaCha20-Poly1305 secretstream) and
// appended to the file. What fails ends the recording and nothing else.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>

#include "controller/recording/entries.hpp"
#include "controller/recording/header.hpp"

namespace nicol::recording {

/// One thread. Bounded memory: one chunk locked, one sealed.
class Writer {
 public:
  /// A new file, 0600; io when it exists. The header is in it when this returns.
  static Result<std::unique_ptr<Writer>> create(const std::filesystem::path& file, Node node, const SealSecret& secret);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  using Part = std::span<const std::uint8_t>;
  void put(Entry entry, std::initializer_list<Part> parts) noexcept;
  /// fill(std::span<std::uint8_t> room) writes at most `most` bytes (below a chunk's size) straight into the chunk and
  /// returns how many: for what should be nowhere else.
  template <class F>
  void put_with(Entry entry, std::size_t most, F&& fill) noexcept {
    put_with_raw(entry, most, {&fill, [](void* f, std::span<std::uint8_t> room) -> std::size_t {
                                 return (*static_cast<std::remove_reference_t<F>*>(f))(room);
                               }});
  }
  /// Seals and writes what is there, so that a killed process loses nothing of it.
  void flush() noexcept;
  /// The end entry and the end mark of the stream. What comes later is not recorded.
  void finish() noexcept;

  /// Why the recording ended early: the disk is full, say.
  const std::optional<Error>& trouble() const { return trouble_; }
  const std::filesystem::path& file() const;
  std::uint64_t bytes_written() const;

 private:
  struct Impl;
  struct Fill {
    void* state;
    std::size_t (*call)(void*, std::span<std::uint8_t>);
  };
  explicit Writer(std::unique_ptr<Impl> impl);
  void put_with_raw(Entry entry, std::size_t most, Fill fill) noexcept;
  void append(Part bytes);
  void seal_chunk(unsigned char tag);

  std::unique_ptr<Impl> impl_;
  std::optional<Error> trouble_;
  bool finished_ = false;
};

}  // namespace nicol::recording
