// SPDX-License-Identifier: Apache-2.0
// Reads a recording entry by entry. Total: any bytes give entries, an end, or an error that names what is wrong.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controller/recording/entries.hpp"
#include "controller/recording/header.hpp"

namespace nicol::recording {

struct EntryHead {
  Entry kind = Entry::end;
  std::uint32_t length = 0;
  std::uint64_t number = 0;  // from 0 in the file
};

/// One thread. Bounded memory: one chunk, opened into locked pages.
class Reader {
 public:
  /// bad_input (not_supported for a newer format) names the field of the header; a wrong key says so.
  static Result<Reader> open(const std::filesystem::path& file, const SealSecret& secret);
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  const Header& header() const;
  /// The entry that stands next, until done(). Nothing at the end, and after trouble().
  std::optional<EntryHead> head();
  /// The next bytes of its payload; false (zeros, and trouble() or why_cut_short()) when there are not so many.
  bool read(std::span<std::byte> out);
  bool read(std::span<std::uint8_t> out) { return read(std::as_writable_bytes(out)); }
  std::uint32_t left() const;
  /// All that is left of the payload, for what is public; at most `most` bytes.
  std::optional<std::vector<std::uint8_t>> rest(std::size_t most);
  /// Past the entry, read or not.
  void done();

  /// The file was changed: "chunk 3: …".
  const std::optional<Error>& trouble() const;
  /// The recording ends before its end mark: its writer was stopped, or the file was cut. Entries up to there are good.
  const std::optional<std::string>& why_cut_short() const;

 private:
  struct Impl;
  explicit Reader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Reads the whole file once and believes nothing of it: an error if any byte was changed, else why it is cut short.
Result<std::optional<std::string>> survey(const std::filesystem::path& file, const SealSecret& secret);

}  // namespace nicol::recording
